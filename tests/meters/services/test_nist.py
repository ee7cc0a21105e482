"""A real week of one-minute readings with a wrong unit: caught, then mended by a profile."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from meters.formats import Profile
from meters.models import Channel, DeliveryPoint, Finding, ImportFile
from meters.queries import final_series
from meters.services import reread_file, set_profile
from meters.services.followup import validate_receipt
from poweroptix.kernel.quality import Status
from tests.meters.builders import ACTOR, NOW, cases, channels_for, ingest, make_profile

pytestmark = pytest.mark.django_db
FOLDER = ("peers", "nist_greenbutton", "Meter_Data_2014-01-06_2014-01-12.xml.gz")
TOTALS = {Decimal("348.1808"), Decimal("94.5940")}


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


def test_wrong_unit_is_held_and_a_profile_mends_it(tmp_path):
    path = cases(*FOLDER)
    plain = tmp_path / "week.xml"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    delta = {"format": "espi@1", "options": {"accumulation": "delta"}}
    right = delta | {"unit": "kWh", "unit_factor": Decimal("0.0001")}
    channels_for(plain, Profile(**right))
    DeliveryPoint.objects.update(capacity_kw=20)
    make_profile("DELTA", **delta)
    receipt = ingest(path.read_bytes(), name=path.name, profile_code="DELTA")
    assert receipt["name"] == path.name.removesuffix(".gz")
    validate_receipt(receipt, now=NOW, actor=ACTOR)
    held = Finding.objects.filter(rule_code="F10", state="OPEN")
    assert held.count() == 2
    assert all("unit or scale of the source is implausible" in f.message for f in held)
    assert receipt["intervals"] == 0

    make_profile("NIST", **right)
    set_profile(ImportFile.objects.get(), "NIST", actor=ACTOR, reason="One unit is 1e-4 kWh")
    again = reread_file(
        ImportFile.objects.get().pk, now=NOW, actor=ACTOR, reason="One unit is 1e-4 kWh"
    )
    validate_receipt(again, now=NOW, actor=ACTOR)
    assert {total for total, _ in totals(again).values()} == TOTALS
    assert {status for _, status in totals(again).values()} == {Status.VALIDATED}
    assert not Finding.objects.filter(rule_code="F10", state="OPEN").exists()
    assert datetime.fromisoformat(again["channels"][0]["first_utc"]).tzinfo == UTC
