"""Readings of stored virtual channels: computed, kept in step, traced; only what is touched."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from meters.models import Finding, Publication, ReadingBlock
from meters.queries import final_series
from meters.services import edit_readings, validate_days
from meters.services.virtual.catching_up import catch_up
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Method, Status
from tests.meters.builders import ACTOR, NOW, person
from tests.meters.virtual.makers import (
    DAY,
    SINCE,
    defined,
    metered,
    read,
    values,
    versions,
    virtual,
)

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)


def edited(channel, at, value, *, now=NOW):
    return edit_readings(
        channel, at, at + QUARTER, "SET", operand=Decimal(value), reason_code="METER_FAULT",
        comment="The display was photographed.", actor=person("ann"), approver=person("bob"),
        now=now,
    )  # fmt: skip


@pytest.fixture
def net():
    """Net generation of a machine over three days."""
    gross = metered("G/KWH", ["12500"] * 96 * 3)
    aux = metered("A/KWH", ["640"] * 96 * 3)
    channel = virtual("NET")
    defined(channel, "[G/KWH] - [A/KWH]")
    return channel, gross, aux


def test_a_virtual_channel_is_stored_as_calculated(net):
    channel, _gross, _aux = net
    assert values(channel) == ["11860"] * 4
    series, pins = final_series(channel.pk, DAY, DAY + timedelta(days=3))
    assert set(series.status.tolist()) == {Status.CALCULATED}
    assert len(pins) == 3
    block = ReadingBlock.objects.get(channel_id=channel.pk, day=DAY.date())
    assert set(bytes(block.method)) == {Method.CALCULATED}
    publication = Publication.objects.get(pk=block.publication_id)
    assert (publication.kind, publication.actor) == ("VIRTUAL", "system:virtual")


def test_an_edited_interval_touches_only_its_day_of_what_rests_on_it(net):
    channel, gross, _aux = net
    up = virtual("TWICE")
    defined(up, "2 * [NET]")
    other = virtual("OTHER")
    defined(other, "[A/KWH] * 3")
    before = ReadingBlock.objects.filter(layer=2).count()
    edited(gross, DAY + timedelta(days=1, hours=2), "13000")
    written = ReadingBlock.objects.filter(layer=2)
    written = written.order_by("publication_id", "channel_id")[before:]
    day = date(2026, 3, 11)
    assert [(row.channel_id, row.day) for row in written] == [
        (gross.pk, day), (channel.pk, day), (up.pk, day),
    ]  # fmt: skip
    assert values(channel, DAY + timedelta(days=1, hours=2)) == ["12360", "11860", "11860", "11860"]
    assert values(up, DAY + timedelta(days=1, hours=2))[0] == "24720"
    series, _ = final_series(channel.pk, DAY + timedelta(days=1, hours=2),
                             DAY + timedelta(days=1, hours=2, minutes=15))  # fmt: skip
    assert series.status.tolist() == [Status.EDITED]


def test_equal_content_makes_no_version(net):
    channel, gross, aux = net
    validate_days([gross.pk, aux.pk], DAY.date(), DAY.date(), now=NOW, actor=ACTOR)
    definition = channel.definitions.get()
    assert catch_up(definition.pk, SINCE, None, now=NOW) == 0
    assert versions(channel) == [1]


def test_a_missing_term_leaves_no_partial_sum():
    metered("G/KWH", ["10", "11", "12", "13"])
    aux = metered("A/KWH", ["1"])
    read(aux, ["1", "1"], start=DAY + 2 * QUARTER)
    channel = virtual("NET")
    defined(channel, "max(0, [G/KWH] - [A/KWH])")
    found = values(channel)
    series, _ = final_series(channel.pk, DAY, DAY + timedelta(hours=1))
    # The gap in the middle was interpolated: an estimate, and so is what rests on it.
    assert found == ["9", "10", "11", "12"]
    assert series.status.tolist() == [40, Status.ESTIMATED, 40, 40]
    assert values(channel, DAY + timedelta(hours=1))[0] is None


def test_losses_are_added_to_delivered_and_taken_from_received_energy():
    metered("M/DEL", ["10000"] * 4)
    metered("M/REC", ["10000"] * 4, direction="RECEIVED")
    for code, direction, source, want in (
        ("D", "DELIVERED", "M/DEL", "10125"), ("R", "RECEIVED", "M/REC", "9876.54321"),
    ):  # fmt: skip
        channel = virtual(code, direction=direction)
        defined(channel, method="LOSS_FACTOR", parameters={"loss_ratio": "1.0125"}, metered=source)
        assert values(channel) == [want] * 4


def test_a_transformer_loses_what_its_test_sheet_says():
    # X1 of the examples at rated volts: 10 MVA, 0.12 % iron, 0.45 % copper at 0.6 of the current.
    metered("M/DEL", ["1500"] * 4)
    channel = virtual("D", direction="DELIVERED")
    sheet = {"rated_kva": "10000", "iron_pct": "0.12", "copper_pct": "0.45"}
    defined(channel, method="TRANSFORMER", parameters=sheet, metered="M/DEL")
    # 12,000 W iron + 0.36 x 45,000 W copper = 28,200 W: 7.05 kWh in 15 minutes.
    assert values(channel) == ["1507.05"] * 4


def test_both_directions_together_bear_a_loss_once():
    metered("M/DEL", ["1500", "0", "0", "0"])
    metered("M/REC", ["0", "1500", "1", "0"], direction="RECEIVED")
    sheet = {"rated_kva": "10000", "iron_pct": "0.12", "copper_pct": "0.45"}
    sides = {}
    for code, direction, own, other in (
        ("D", "DELIVERED", "M/DEL", "M/REC"), ("R", "RECEIVED", "M/REC", "M/DEL"),
    ):  # fmt: skip
        sides[code] = virtual(code, direction=direction)
        defined(sides[code], method="TRANSFORMER", parameters=sheet, metered=own, opposite=other)
    # Standing still costs 12 kW of iron: 3 kWh, borne by delivered energy. 1 kWh received bears 1
    # of it; its 4 kW lose 45,000 W x (4 / 10,000)^2 of copper: 0.0000018 kWh.
    assert values(sides["D"]) == ["1507.05", "0", "2.000002", "3"]
    assert values(sides["R"]) == ["0", "1492.95", "0", "0"]


def test_what_the_meter_compensates_is_never_compensated_again():
    source = metered("M/DEL", ["10000"] * 8)
    channel = virtual("D", direction="DELIVERED")
    row = source.installations.get()
    row.compensates_losses = True
    row.save()
    defined(channel, method="LOSS_FACTOR", parameters={"loss_ratio": "1.0125"}, metered="M/DEL")
    assert values(channel, hours=2) == ["10000"] * 8


def test_a_line_loses_by_the_square_of_its_current():
    metered("M/DEL", ["1250"] * 4)
    channel = virtual("D", direction="DELIVERED")
    line = {"kilovolts": "13.8", "ohms": "0.2", "power_factor": "0.95"}
    defined(channel, method="LINE", parameters=line, metered="M/DEL")
    # 5000 kW lose 29.091 kW: 7.272745 kWh in a quarter of an hour.
    assert values(channel)[0][:8] == "1257.272"


def test_an_interval_without_a_value_is_missing_and_told():
    read_a = metered("A/KWH", ["0", "5", "0", "0"])
    metered("B/KWH", ["0", "5", "1", "0"])
    metered("F/KWH", ["10"] * 4)
    channel = virtual("SHARE")
    defined(channel, "[F/KWH] * [A/KWH] / ([A/KWH] + [B/KWH])")
    assert values(channel) == [None, "5", "0", None]
    found = Finding.objects.filter(channel=channel, state="OPEN").order_by("start_utc")
    assert [(f.start_utc, f.rule_code) for f in found] == [
        (DAY, "VIRTUAL"), (DAY + 3 * QUARTER, "VIRTUAL"),
    ]  # fmt: skip
    assert "division by zero" in found[0].message
    read(read_a, ["4", "5", "0", "0"], now=NOW + timedelta(hours=1))
    assert values(channel) == ["10", "5", "0", None]
    assert Finding.objects.filter(channel=channel, state="OPEN").count() == 1


def test_shorter_intervals_are_summed_and_longer_ones_cut_only_where_allowed():
    metered("F/KWH", ["1", "2", "3"] * 4, minutes=5)
    metered("Q/KWH", ["100"] * 4)
    metered("H/KWH", ["0.000005"], minutes=60)
    channel = virtual("SUM")
    defined(channel, "[F/KWH] + [Q/KWH]")
    assert values(channel) == ["106"] * 4
    cut = virtual("CUT")
    with pytest.raises(Refused, match=r"H/KWH has 60-minute intervals, the channel 15. Make the"):
        defined(cut, "[H/KWH] + [Q/KWH]")
    defined(cut, "[H/KWH] + [Q/KWH]", cut_longer=True)
    assert values(cut) == ["100.000001", "100.000001", "100.000001", "100.000002"]


def test_definitions_change_at_an_instant_within_a_day(net):
    channel, gross, aux = net
    noon = DAY + timedelta(hours=12)
    old, new = channel.definitions.get(), defined(channel, "[G/KWH]", since=noon)
    assert values(channel, noon - QUARTER, hours=1)[:2] == ["11860", "12500"]
    block = ReadingBlock.objects.filter(channel_id=channel.pk, day=DAY.date()).latest("version")
    assert block.sources == [
        *(0, -gross.pk, 1, old.pk), *(0, -aux.pk, 1, old.pk), *(48, -gross.pk, 1, new.pk),
    ]  # fmt: skip
    assert channel.definitions.filter(withdrawn_at=None).count() == 2
