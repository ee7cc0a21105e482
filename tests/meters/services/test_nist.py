"""A real week of one-minute readings with a wrong unit: caught, then mended by a profile."""

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from meters.formats import Profile
from meters.models import Channel, DeliveryPoint, Finding, ImportFile
from meters.queries import final_series
from meters.services import reread_file, set_profile, validate_days
from poweroptix.kernel.quality import BILLABLE, Status
from tests.meters.builders import (
    ACTOR,
    NOW,
    cases,
    channels_for,
    ingest,
    long_csv,
    make_channel,
    make_profile,
)

pytestmark = pytest.mark.django_db
FOLDER = ("peers", "nist_greenbutton", "Meter_Data_2014-01-06_2014-01-12.xml.gz")
DECLARED = {
    "5446AF3F/DEL_KWH": Decimal("0.034818"),
    "5446AF3F/REC_KWH": Decimal("0.009459"),
}
TOTALS = {
    "5446AF3F/DEL_KWH": Decimal("348.1808"),
    "5446AF3F/REC_KWH": Decimal("94.5940"),
}


def totals(receipt):
    found = {}
    for row in receipt["channels"]:
        channel = Channel.objects.get(code=row["code"])
        series, _ = final_series(
            channel.pk,
            datetime.fromisoformat(row["first_utc"]),
            datetime.fromisoformat(row["end_utc"]),
        )
        found[channel.code] = (series.total_present(), series.worst_status)
    return found


def of_the_week(tmp_path):
    """Return the file after making its channels, on a point of 20 kW."""
    path = cases(*FOLDER)
    plain = tmp_path / "week.xml"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    channels_for(plain, Profile(format="espi@1"))
    # A house with its own panels: for hours it takes nothing from outside.
    DeliveryPoint.objects.update(capacity_kw=20, kind="GRID_TIE")
    return path


def validate():
    ids = Channel.objects.values_list("pk", flat=True)
    validate_days(ids, date(2014, 1, 6), date(2014, 1, 13), now=NOW, actor=ACTOR)


def implausible():
    return Finding.objects.filter(rule_code="F10", state="OPEN")


def test_wrong_unit_is_held_and_a_profile_mends_it(tmp_path):
    path = of_the_week(tmp_path)
    receipt = ingest(path.read_bytes(), name=path.name)
    assert receipt["name"] == path.name.removesuffix(".gz")
    assert (receipt["intervals"], receipt["error_count"]) == (20160, 0)
    assert sorted(each["code"] for each in receipt["warnings"]) == ["X007", "X007", "X008", "X008"]
    validate()
    assert {finding.channel.code for finding in implausible()} == set(DECLARED)
    assert {finding.severity for finding in implausible()} == {"HOLD"}
    assert {finding.metric for finding in implausible()} == {
        Decimal("0.000030"),
        Decimal("0.000013"),
    }
    assert all("unit or scale of the source may be wrong" in f.message for f in implausible())
    assert all("unit_factor" in finding.fix for finding in implausible())
    found = totals(receipt)
    assert {code: total for code, (total, _) in found.items()} == DECLARED
    assert {status for _, status in found.values()} == {Status.SUSPECT}
    assert Status.SUSPECT not in BILLABLE

    make_profile("NIST", format="espi@1", unit_factor=Decimal("0.0001"))
    reason = "One unit is 1e-4 kWh"
    file = set_profile(ImportFile.objects.get(), "NIST", actor=ACTOR, reason=reason)
    again = reread_file(file.pk, now=NOW, actor=ACTOR, reason=reason)
    validate()
    assert totals(again) == {code: (kwh, Status.VALIDATED) for code, kwh in TOTALS.items()}
    assert not implausible().exists()
    assert datetime.fromisoformat(again["channels"][0]["first_utc"]).tzinfo == UTC


def test_a_right_unit_from_the_start_is_no_finding(tmp_path):
    path = of_the_week(tmp_path)
    make_profile("NIST", format="espi@1", unit_factor=Decimal("0.0001"))
    receipt = ingest(path.read_bytes(), name=path.name, profile_code="NIST")
    assert receipt["warning_count"] == 0
    validate()
    assert totals(receipt) == {code: (kwh, Status.VALIDATED) for code, kwh in TOTALS.items()}
    assert not implausible().exists()


def test_a_format_that_cannot_round_holds_a_channel_of_too_fine_readings():
    make_channel("HOUSE/DEL_KWH")
    start = datetime(2026, 3, 1, 6, tzinfo=UTC)
    make_profile("FINE", on_row_error="quarantine")
    text = long_csv("HOUSE/DEL_KWH", start, ["0.0005"] * 4, unit="Wh")
    receipt = ingest(text, profile_code="FINE")
    assert receipt["intervals"] == 0
    (held,) = implausible()
    assert "finer than 0.000001 in the declared unit" in held.message
