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


ESPI = sorted(k for k in EXPECTED if k.startswith("espi/"))


@pytest.mark.parametrize("name", ESPI)
def test_espi_file_holds_what_the_peer_counts(name):
    path = cases("vee", *name.split("/"))
    if EXPECTED[name]["our_policy"].startswith("REJECT"):
        with pytest.raises(Refused, match="ReadingType"):
            ingest(path.read_bytes(), name=path.name)
        return
    channels_for(path, Profile(format="espi@1"))
    receipt = ingest(path.read_bytes(), name=path.name)
    (expected,) = EXPECTED[name]["series"]
    (row,) = receipt["channels"]
    count, missing, total = stored_total(receipt, row["text"])
    assert count - missing == expected["n"]
    assert total == Decimal(expected["raw_sum"]) * UNITS[expected["uom"].lower()]
    assert row["first_utc"] == expected["first_utc"].replace(" ", "T").replace("+00:00", "Z")
    estimated = expected["quality"].get("MACHINE_COMPUTED", 0)
    assert row["status"].get("ESTIMATED", 0) == estimated
    assert row["status"].get("EDITED", 0) == expected["quality"].get("HUMAN_APPROVED", 0)


def test_long_csv_with_offsets_over_the_autumn_hour():
    path = cases("vee", "csv", "long_iso_offset_fallback_15min.csv")
    expected = EXPECTED["csv/" + path.name]
    channels_for(path, Profile(format="csv_long@1"))
    receipt = ingest(path.read_bytes(), name=path.name)
    deliver = stored_total(receipt, "GEN-01/DEL_KWH")
    assert deliver == (expected["DEL_n"], 0, Decimal(expected["DEL_total"]))
    assert stored_total(receipt, "GEN-01/REC_KWH")[::2] == (expected["REC_n"], Decimal(0))
    rows = {row["text"]: row for row in receipt["channels"]}
    first = expected["first_utc"].replace(" ", "T").replace("+00:00", "Z")
    assert rows["GEN-01/DEL_KWH"]["first_utc"] == first


NAIVE = {
    "zone": "America/New_York",
    "label": "END",
    "unit": "kWh",
    "options": {
        "columns": {
            "MeterID": "meter_id",
            "Read Date/Time (Hour Ending, local)": "interval_start",
            "kWh": "value",
        },
        "channel": "DEL_KWH",
        "interval_seconds": "900",
        "stamp_format": "%m/%d/%Y %H:%M",
        "thousands": ",",
    },
}


def test_naive_and_absolute_csv_give_the_same_readings():
    naive = cases("vee", "csv", "long_naive_local_ending_fallback_15min.csv")
    absolute = cases("vee", "csv", "long_iso_offset_fallback_15min.csv")
    channels_for(absolute, Profile(format="csv_long@1"))
    make_profile("NAIVE", format="csv_long@1", **NAIVE)
    first = ingest(naive.read_bytes(), name=naive.name, profile_code="NAIVE")
    assert stored_total(first, "GEN-01/DEL_KWH") == (100, 0, Decimal("254950"))
    again = ingest(absolute.read_bytes(), name=absolute.name)
    assert again["stored"] == {"new": 4, "same": 100, "replaced": 0, "ignored": 0, "blocks": 1}


def test_wide_csv_with_flags():
    path = cases("vee", "csv", "wide_96_with_flags.csv")
    fields = {"zone": "America/Chicago", "options": {"channel": "DEL_KWH"}}
    make_profile("WIDE", format="csv_wide@1", **fields)
    channels_for(path, Profile(format="csv_wide@1", **fields))
    receipt = ingest(path.read_bytes(), name=path.name, profile_code="WIDE")
    (row,) = receipt["channels"]
    expected = EXPECTED["csv/" + path.name]
    assert stored_total(receipt, row["text"]) == (96, 0, Decimal(expected["total"]))
    assert row["status"]["ESTIMATED"] == expected["E"]
