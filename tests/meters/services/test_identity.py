"""Which meter a file names and how many channels of it: V06 and V07 from the file to the hold."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from meters.models import Finding, Installation, Meter, ReadingNote
from meters.services import validate_days
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, make_campus, make_channel

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 3)
MIDNIGHT = datetime(2026, 3, 2, 14, tzinfo=UTC)  # of Brisbane


def nem12(*records, configuration="E1"):
    """Return a file of flat days: (suffix, serial) each."""
    lines = ["100,NEM12,202603040000,MDP1,RETAILER1"]
    for suffix, serial in records:
        lines.append(f"200,NMI1,{configuration},{suffix},{suffix},N1,{serial},kWh,30,")
        values = ",".join(f"{10 + i % 5}.5" for i in range(48))
        lines.append(f"300,20260303,{values},A,,,20260304000000,")
    return "\n".join([*lines, "900\n"])


def channel(suffix="E1", serial="ION-1"):
    made = make_channel(
        f"NMI1/{suffix}", campus=make_campus("AU", "Australia/Brisbane"), minutes=30
    )
    Meter.objects.filter(pk=made.installations.get().meter_id).update(serial=f"{serial}-{suffix}")
    return made


def judged(*channels):
    validate_days([c.pk for c in channels], DAY, DAY, now=NOW, actor=ACTOR)
    rows = Finding.objects.filter(rule_code__in=["V06", "V07"]).exclude(state="CLOSED")
    return list(rows.order_by("channel__code"))


def test_readings_of_another_meter_are_held_and_name_file_and_line():
    made = channel()
    builders.ingest(nem12(("E1", "ION-9")), name="march.csv")
    (finding,) = judged(made)
    assert (finding.rule_code, finding.severity) == ("V06", "HOLD")
    assert finding.message == (
        "The readings come from another meter: march.csv, line 2, names ION-9, "
        "installed is ION-1-E1."
    )
    assert finding.start_utc == MIDNIGHT


def test_the_same_serial_written_otherwise_is_the_same_meter():
    made = channel()
    builders.ingest(nem12(("E1", "00ion-1-e1 ")))
    assert (judged(made), ReadingNote.objects.filter(code="METER_ID").count()) == ([], 0)


def test_a_file_without_a_serial_says_nothing_about_meters():
    made = channel()
    builders.ingest(nem12(("E1", "")))
    assert judged(made) == []


def test_an_exchange_entered_later_lets_the_readings_go():
    made = channel()
    builders.ingest(nem12(("E1", "ION-9")))
    assert len(judged(made)) == 1
    other = Meter.objects.create(campus=made.delivery_point.campus, serial="ION-9")
    Installation.objects.filter(channel=made).update(meter=other)
    assert judged(made) == []


def test_a_meter_of_which_a_channel_is_missing_is_held():
    made = [channel("E1"), channel("B1")]
    builders.ingest(nem12(("E1", ""), configuration="E1B1Q1"), name="one.csv")
    (finding,) = judged(*made)
    assert (finding.channel, finding.rule_code) == (made[0], "V07")
    assert "1 channel of the meter, 3 are expected" in finding.message


def test_all_channels_of_a_meter_are_no_finding():
    made = [channel("E1"), channel("B1")]
    builders.ingest(nem12(("E1", ""), ("B1", ""), configuration="E1B1"))
    assert judged(*made) == []


def test_a_list_of_channels_that_is_none_says_nothing():
    made = channel()
    builders.ingest(nem12(("E1", ""), configuration="all"))
    assert judged(made) == []
