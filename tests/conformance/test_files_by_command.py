"""Every acceptance file of meter data through `manage.py ingest`, alone: verdict and exit code."""

import json
from decimal import Decimal

import pytest

from meters.formats import Profile
from meters.models import Channel, ImportFile, ReadingBlock
from tests.conformance.chain import manage
from tests.contracts.cases import case_path
from tests.meters.builders import CASES, channels_for, make_profile

pytestmark = pytest.mark.django_db
EXPECTED_PATH = CASES / "vee" / "expected.json"
EXPECTED = json.loads(EXPECTED_PATH.read_text()) if EXPECTED_PATH.exists() else {}
VALID = sorted(name for name in EXPECTED if name.startswith("nem12/") and "invalid" not in name)
INVALID = sorted(name for name in EXPECTED if name.startswith("nem12/invalid"))
ESPI = sorted(name for name in EXPECTED if name.startswith("espi/"))
SCALE = {"kwh": Decimal(1), "kvarh": Decimal(1), "wh": Decimal("0.001"), "varh": Decimal("0.001")}


def path_of(name):
    return case_path("vee/" + name)


def ingest(path, *words):
    said = manage("ingest", path, "--source", "cases", "--json", *words)
    [result] = said.json
    return said.code, result


def totals(receipt):
    """Add up what the receipt says, by the source's name of a channel, in canonical units."""
    found = {}
    for row in receipt["channels"]:
        count, kwh = found.get(row["text"], (0, Decimal(0)))
        found[row["text"]] = (count + row["intervals"], kwh + Decimal(row["total"]))
    return found


@pytest.mark.parametrize("name", VALID)
def test_valid_nem12_file(name):
    path = path_of(name)
    channels_for(path, Profile(format="nem12@1"))
    code, result = ingest(path)
    stored = totals(result["receipt"])
    without_unit = False
    for text, said in EXPECTED[name]["channels"].items():
        unit = said["uom"][0].lower()
        if unit not in SCALE:
            without_unit = True
            assert text not in stored
            continue
        count, total = stored[text]
        assert count == said["n"], text
        assert total == Decimal(said["total_excluding_null_quality"]) * SCALE[unit], text
    assert (code, result["outcome"]) == ((1, "partial") if without_unit else (0, "accepted"))
    assert ingest(path)[1]["outcome"] == "duplicate"


@pytest.mark.parametrize("name", INVALID)
def test_invalid_nem12_file(name):
    path, policy = path_of(name), EXPECTED[name]["our_policy"]
    if policy.startswith("ACCEPT"):
        assert ingest(path)[0] == 0
        return
    if policy.startswith("PARTIAL"):
        channels_for(path, Profile(format="nem12@1"))
        code, result = ingest(path)
        assert (code, result["outcome"]) == (1, "partial")
        assert totals(result["receipt"])["VABD000163/E1"] == (48, Decimal("53.328"))
        return
    make_profile("strict", format="nem12@1", on_row_error="refuse_file")
    code, result = ingest(path, "--profile", "strict")
    assert (code, result["outcome"]) == (1, "refused")
    assert "ine " in result["message"] or "empty" in result["message"]
    assert not ReadingBlock.objects.exists()
    assert not ImportFile.objects.filter(state="ACCEPTED").exists()


@pytest.mark.parametrize("name", ESPI)
def test_espi_file(name):
    path, said = path_of(name), EXPECTED[name]
    if said["our_policy"].startswith("REJECT"):
        code, result = ingest(path)
        assert (code, result["outcome"]) == (1, "refused")
        assert "ReadingType" in result["message"]
        assert not ReadingBlock.objects.exists()
        return
    channels_for(path, Profile(format="espi@1"))
    code, result = ingest(path)
    assert (code, result["outcome"]) == (0, "accepted")
    [series] = said["series"]
    [(count, total)] = totals(result["receipt"]).values()
    missing = sum(row["missing"] for row in result["receipt"]["channels"])
    assert count - missing == series["n"]
    assert total == Decimal(series["raw_sum"]) * SCALE[series["uom"].lower()]


def test_csv_files_and_a_folder_of_them(tmp_path):
    path = path_of("csv/long_iso_offset_fallback_15min.csv")
    channels_for(path, Profile(format="csv_long@1"))
    (tmp_path / "readings.csv").write_bytes(path.read_bytes())
    (tmp_path / ".hidden").write_text("not a file of readings")
    code, result = ingest(tmp_path)
    assert (code, result["outcome"]) == (0, "accepted")
    assert totals(result["receipt"])["GEN-01/DEL_KWH"] == (100, Decimal(254950))


def test_unknown_channel_goes_to_quarantine_and_says_so():
    code, result = ingest(path_of("nem12/Example_NEM12_actual_interval.csv"))
    assert (code, result["outcome"]) == (1, "partial")
    assert "There is no channel" in result["receipt"]["quarantined"][0]["message"]
    assert not Channel.objects.exists()


def test_a_path_that_is_not_there_is_wrong_usage(tmp_path):
    said = manage("ingest", tmp_path / "nothing.csv")
    assert (said.code, said.err) == (2, f"There is no file or folder {tmp_path / 'nothing.csv'}.")
