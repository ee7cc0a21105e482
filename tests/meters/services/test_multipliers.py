"""F06: what a file says of the multiplier, beside the installation; released when it is mended."""

from datetime import timedelta
from decimal import Decimal

import pytest

from meters.models import Finding, ImportFile, Installation
from meters.queries import raw_series
from meters.services import reread_file
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, install, make_channel, make_profile
from tests.meters.services.test_registers import START, kwh, open_codes, rows

pytestmark = pytest.mark.django_db
__all__ = ["kwh"]


def cmep(constant, units="KWH"):
    return (
        f"MEPMD01,20080501,S,,T,,202603020000,M,OK,E,{units},{constant},00000015,2,"
        "202603010615,R0,10,,R0,11\n"
    )


@pytest.fixture
def utc():
    """Return a profile for CMEP in UTC."""
    return make_profile("CMEP", format="cmep@1", zone="UTC").code


@pytest.mark.parametrize(
    ("installed", "stated", "held"),
    [(None, "1.0", False), (None, "400.0", True), (Decimal(400), "400", False),
     (Decimal(400), "1", True)],
)  # fmt: skip
def test_intervals_must_state_what_they_will_be_multiplied_by(utc, installed, stated, held):
    channel = make_channel("M/KWH", multiplier=installed)
    builders.ingest(cmep(stated), name="file.txt", profile_code=utc)
    assert raw_series(channel.pk, START, START + timedelta(minutes=30))[0].total() == 21
    assert open_codes() == (["F06"] if held else [])
    if held:
        (finding,) = Finding.objects.all()
        serial = Installation.objects.get().meter.serial
        wanted = f"{installed or 1}"
        assert finding.severity == "HOLD"
        assert finding.message.startswith(
            f"file.txt states the multiplier {Decimal(stated).normalize():f}; meter {serial} is "
            f"installed with {wanted}, and "
        )


def test_registers_may_state_the_ratios_or_one_where_the_source_applies_them(kwh):
    applied = make_channel("A/KWH", installed_from=None)
    row = install(applied, START - timedelta(days=9), None, Decimal(400))
    row.multiplier_applied_by_source = True
    row.save()
    for stated in ("400", "1"):
        name = f"{stated}.csv"
        text = rows(("00310", 5), meter="A", multiplier=stated)
        builders.ingest(text, name=name, profile_code=kwh)
    assert open_codes(rule_code="F06") == []
    builders.ingest(rows(("00310", 5), meter="A", multiplier="40"), name="b.csv", profile_code=kwh)
    assert open_codes(rule_code="F06") == ["F06"]


def test_a_remove_read_belongs_to_the_meter_that_goes(kwh):
    channel = make_channel("M/KWH", installed_from=None)
    change = START + timedelta(days=1)
    install(channel, START - timedelta(days=9), change, Decimal(400))
    install(channel, change + timedelta(minutes=12), None, Decimal(200))
    text = rows(("00310", 5), ("00311", 5), kinds=["SCHEDULED", "REMOVE"], multiplier="400")
    builders.ingest(text, profile_code=kwh)
    assert open_codes() == []


def test_reading_again_after_the_installation_was_mended_releases(utc):
    channel = make_channel("M/KWH", multiplier=Decimal(40))
    builders.ingest(cmep("400"), profile_code=utc)
    file = ImportFile.objects.get()
    reread_file(file.pk, now=NOW, actor=ACTOR, reason="looked again")
    assert open_codes() == ["F06"]
    Installation.objects.filter(channel=channel).update(ct_ratio=400)
    reread_file(file.pk, now=NOW, actor=ACTOR, reason="ratio corrected")
    (finding,) = Finding.objects.all()
    assert finding.state == "CLOSED"
    assert finding.reason == "The file was read again and this was no longer found."
