"""Every interval file of the acceptance cases through receive and ingest."""

import json
from datetime import datetime
from decimal import Decimal

import pytest

from meters.formats import Profile
from meters.models import Channel
from meters.queries import raw_series
from poweroptix.kernel.errors import Refused
from tests.meters.builders import CASES, cases, channels_for, ingest, make_profile

pytestmark = pytest.mark.django_db
EXPECTED_PATH = CASES / "vee" / "expected.json"
EXPECTED = json.loads(EXPECTED_PATH.read_text()) if EXPECTED_PATH.exists() else {}
NEM12 = sorted(k for k in EXPECTED if k.startswith("nem12/") and "invalid" not in k)
INVALID = sorted(k for k in EXPECTED if k.startswith("nem12/invalid"))
UNITS = {"kwh": Decimal(1), "kvarh": Decimal(1), "wh": Decimal("0.001"), "varh": Decimal("0.001")}


def stored_total(receipt, text):
    """Return intervals, missing and total of a source channel, from the database."""
    total, count, missing = Decimal(0), 0, 0
    for row in receipt["channels"]:
        if row["text"] != text:
            continue
        channel = Channel.objects.get(code=row["code"])
        series, _ = raw_series(
            channel.pk,
            datetime.fromisoformat(row["first_utc"]),
            datetime.fromisoformat(row["end_utc"]),
        )
        total += series.total_present()
        count += series.grid.count
        missing += series.missing_count
        assert series.total_present() == Decimal(row["total"])
    return count, missing, total


@pytest.mark.parametrize("name", NEM12)
def test_nem12_file_holds_what_the_peer_counts(name):
    path = cases("vee", *name.split("/"))
    profile = Profile(format="nem12@1")
    channels_for(path, profile)
    receipt = ingest(path.read_bytes(), name=path.name)
    for text, expected in EXPECTED[name]["channels"].items():
        unit = expected["uom"][0].lower()
        if unit not in UNITS:
            assert text in [e["channel"] for e in receipt["errors"]]
            continue
        count, missing, total = stored_total(receipt, text)
        nulls = expected["quality"].get("N", 0)
        assert (count, missing) == (expected["n"], nulls)
        assert total == Decimal(expected["total_excluding_null_quality"]) * UNITS[unit]


@pytest.mark.parametrize("name", INVALID)
def test_invalid_nem12_file_gets_its_verdict(name):
    path = cases("vee", *name.split("/"))
    policy = EXPECTED[name]["our_policy"]
    if policy.startswith("ACCEPT"):
        assert ingest(path.read_bytes(), name=path.name)["warning_count"] == 1
        return
    if policy.startswith("PARTIAL"):
        channels_for(path, Profile(format="nem12@1"))
        receipt = ingest(path.read_bytes(), name=path.name)
        assert receipt["error_count"] == 1
        assert stored_total(receipt, "VABD000163/Q1")[2] == Decimal("213.312")
        assert stored_total(receipt, "VABD000163/E1")[2] == Decimal("53.328")
        return
    make_profile("STRICT", format="nem12@1", on_row_error="refuse_file")
    with pytest.raises(Refused, match=r"[Ll]ine \d+|empty|no"):
        ingest(path.read_bytes(), name=path.name, profile_code="STRICT")


def test_missing_header_is_forgiven_by_profile():
    path = cases("vee", "nem12", "invalid", "Example_NEM12_missing_header.csv")
    make_profile("NOHEAD", format="nem12@1", assume_header=True)
    channels_for(path, Profile(format="nem12@1", assume_header=True))
    receipt = ingest(path.read_bytes(), name=path.name, profile_code="NOHEAD")
    assert stored_total(receipt, "VABD000163/E1")[::2] == (48, Decimal("53.328"))
    assert stored_total(receipt, "VABD000163/Q1")[::2] == (48, Decimal("106.656"))
