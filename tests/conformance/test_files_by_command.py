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
NO_HEADER = (
    "the file does not begin with a 100 record; found '200,VABD000163,E1Q1,1,E1,N1,METSER123...'."
)
#: What is said of each file that is refused: the line, the channel, what was found.
REFUSED = {
    "Example_NEM12_15min_200_30min_300": "Line 3, 123/E1: 300 record has 55 fields; "
    "15-minute data needs 103 (96 values and 5 trailing fields).",
    "Example_NEM12_15min_200_30min_400": "Line 3, 123/E1: 300 quality V but 400 records cover only "
    "intervals 1-48 of 96.",
    "Example_NEM12_30min_200_15min_400": "Line 3, 123/E1: 300 record has 103 fields; 30-minute "
    "data needs 55 (48 values and 5 trailing fields); quality V is not allowed in a 400 record; "
    "400 range 49-96 is outside 1-48.",
    "Example_NEM12_missing_header": f"Line 2: {NO_HEADER}",
    "Example_NEM12_powercor_missing_fields": f"Line 2: {NO_HEADER}",
    "Example_empty_file": "The file is empty. Send the file again.",
    "aemo_err_NEM12_000000000000021_CNRGYMDP_NEMMCO": "Line 2: a 300 record before any 200 record.",
    "aemo_err_NEM12_000000000000023_CNRGYMDP_NEMMCO": "Line 3, NEM1223003/E1: quality V is not "
    "allowed in a 400 record.",
    "aemo_err_NEM12_000000000000025_CNRGYMDP_NEMMCO": "There is no 900 record after line 3: the "
    "file is cut. Send the whole file again.",
    "aemo_err_NEM12_DerpyNMIConfig_CNRGYMDP_NEMMCO": "Line 2: NMIConfiguration of the 200 record "
    "is empty.",
    "aemo_err_NEM12_EmptyCells400Record_CNRGYMDP_NEMMCO": "Line 7: a 400 record has 6 fields and "
    "two interval numbers; found '400,,,F56,45,'.",
    "aemo_err_NEM12_InvalidIntervalDataLength_CNRGYMDP_NEMMCO": "Line 3, NEM1201002/E1: 300 record "
    "has 51 fields; 30-minute data needs 55 (48 values and 5 trailing fields).",
    "gas_containerized": "Line 38: ReadingType ReadingType/07 has no unit (uom); electricity in Wh "
    "is read.",
    "gas_direct": "Line 54: ReadingType /v1/ReadingType/0: uom 169 (therm) is not electric energy "
    "or power.",
}
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
        code, result = ingest(path)
        assert (code, result["receipt"]["intervals"]) == (0, 0)
        return
    if policy.startswith("PARTIAL"):
        channels_for(path, Profile(format="nem12@1"))
        code, result = ingest(path)
        assert (code, result["outcome"]) == (1, "partial")
        assert totals(result["receipt"]) == {
            "VABD000163/E1": (48, Decimal("53.328")), "VABD000163/Q1": (96, Decimal("213.312")),
        }  # fmt: skip
        [fault] = result["receipt"]["errors"]
        assert fault["message"] == (
            "Line 3, VABD000163/E1: 300 record has 7 fields; 30-minute data needs 55 "
            "(48 values and 5 trailing fields)."
        )
        return
    make_profile("strict", format="nem12@1", on_row_error="refuse_file")
    code, result = ingest(path, "--profile", "strict")
    assert (code, result["outcome"]) == (1, "refused")
    assert result["message"].removeprefix(f"{path.name}: ") == REFUSED[path.stem]
    assert not ReadingBlock.objects.exists()
    assert not ImportFile.objects.filter(state="ACCEPTED").exists()


@pytest.mark.parametrize("name", ESPI)
def test_espi_file(name):
    path, said = path_of(name), EXPECTED[name]
    if said["our_policy"].startswith("REJECT"):
        code, result = ingest(path)
        assert (code, result["outcome"]) == (1, "refused")
        assert result["message"] == REFUSED[path.stem]
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
