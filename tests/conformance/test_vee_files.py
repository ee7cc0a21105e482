"""Every other acceptance file of meter data through `manage.py ingest`, and that none is left out.

NEM12 and Green Button files are in `test_files_by_command.py`.
"""

import json
from datetime import datetime
from decimal import Decimal

import pytest

from meters.formats import ChannelBlock, Profile, RegisterRow, formats
from meters.models import Finding
from tests.conformance import test_files_by_command as others
from tests.conformance.chain import manage
from tests.conformance.test_files_by_command import EXPECTED, path_of, totals
from tests.meters.builders import make_channel, make_profile
from tests.meters.services.test_case_files import NAIVE

pytestmark = pytest.mark.django_db
D = Decimal
WIDE = {"zone": "America/Chicago", "options": {"channel": "DEL_KWH"}}
#: How each family of files is read; the water of two CMEP files is counted in its own unit.
NEM13 = sorted(name for name in EXPECTED if name.startswith("nem13/"))
CMEP = sorted(name for name in EXPECTED if name.startswith("cmep/"))
D0036 = sorted(name for name in EXPECTED if name.startswith("d0036/"))
ISO, LOCAL = (
    f"csv/long_{each}_fallback_15min.csv" for each in ("iso_offset", "naive_local_ending")
)
FLAGGED, REGISTERS = "csv/wide_96_with_flags.csv", "csv/register_reads_rollover_exchange.csv"
#: Files that PowerOptix does not read, and why.
NOT_READ = {"df2/synthetic_stark_df2.txt": "a format of British data collectors, not asked for"}


def ingest(name, key, *, multiplier=None, capacity_kw=None, **fields):
    """Create what a file speaks of, read it by the command and return its receipt."""
    path, profile = path_of(name), Profile(format=key, **fields)
    seen = {}
    with path.open("rb") as stream:
        for item in formats.get(key).read(stream, profile):
            if isinstance(item, ChannelBlock | RegisterRow) and item.channel_text not in seen:
                seen[item.channel_text] = make_channel(
                    item.channel_text, unit=item.unit, minutes=getattr(item, "minutes", 15),
                    direction="NET", multiplier=multiplier, capacity_kw=capacity_kw,
                )  # fmt: skip
    return by_command(name, key, **fields)


def by_command(name, key, **fields):
    make_profile("P", format=key, **fields)
    said = manage("ingest", path_of(name), "--source", "cases", "--profile", "P", "--json")
    [result] = said.json
    assert (said.code, result["outcome"]) == (0, "accepted"), result
    assert result["receipt"]["quarantined"] == []
    return result["receipt"]


def moves(receipt):
    """Return what each register advanced, by its name."""
    return {row["text"]: row.get("moves", []) for row in receipt["registers"]}


def test_every_file_has_an_expectation_and_a_test():
    folder = path_of("expected.json").parent
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    files -= {"README.md", "expected.json"}
    told = set(json.loads((folder / "expected.json").read_text()))
    held = [*others.VALID, *others.INVALID, *others.ESPI, *NEM13, *CMEP, *D0036]
    held += [ISO, LOCAL, FLAGGED, REGISTERS]
    assert files - told == set(), "files without an expectation"
    assert told - files == set(), "expectations without a file"
    assert files - set(held) - set(NOT_READ) == set(), "files that no test reads"


@pytest.mark.parametrize("name", NOT_READ)
def test_a_file_that_we_do_not_read_is_refused(name):
    said = manage("ingest", path_of(name), "--source", "cases", "--json")
    [result] = said.json
    assert (said.code, result["outcome"]) == (1, "refused")
    assert "looks like none of our formats (cmep@1, csv_long@1, " in result["message"]


@pytest.mark.parametrize("name", NEM13)
def test_nem13_file(name):
    advanced = moves(ingest(name, "nem13@1"))
    rows = EXPECTED[name]["register_rows"]
    assert len(advanced) == len(rows)
    for row in rows:
        [move] = advanced[f"{row['nmi']}/{row['suffix']}"]
        assert D(move["advance"]) == D(row["delta_with_rollover"])
        assert move["rollover"] == (D(row["raw_delta"]) < 0)
        assert [move[each]["register"] for each in ("previous", "this")] == [
            row["prev"],
            row["cur"],
        ]
    # 868.294 against whole dials of 868 is what such a dial hides, not a mismatch.
    wrong = [r for r in rows if not r["matches"] and r["stated_quantity"] != "868.294"]
    found = list(Finding.objects.values_list("rule_code", "severity", "message"))
    assert [(code, severity) for code, severity, _ in found] == [
        ("REGISTER_QUANTITY", "HOLD") for _ in wrong
    ]
    for row, (_, _, message) in zip(wrong, found, strict=True):
        stated, rolled = D(row["stated_quantity"]), D(row["delta_with_rollover"])
        assert message.startswith(
            f"The source states {stated.normalize():f} kWh, the register says "
            f"{rolled.normalize():f} kWh ({row['prev']} to {row['cur']}): "
            f"{abs(stated - rolled).normalize():f} kWh apart, less than "
        )


@pytest.mark.parametrize("name", CMEP)
def test_cmep_file(name):
    rows = EXPECTED[name]["rows"]
    unit = {} if rows[0]["units"].startswith("KWH") else {"unit": "m3"}
    factor = max(D(row["constant"]) for row in rows)
    receipt = ingest(name, "cmep@1", zone="UTC", multiplier=factor, **unit)
    for row in rows:
        text = f"{row['meter']}/{row['units'].removesuffix('REG')}"
        absent = sum(n for flag, n in row["flags"].items() if flag.startswith("N"))
        if row["units"].endswith("REG"):
            advanced = moves(receipt)[text]
            assert len(advanced) == (0 if absent else 1)
            for move in advanced:
                assert D(move["advance"]) == D(row["delta"])
                assert D(move["quantity"]) == D(row["delta_x_constant"])
            continue
        [channel] = [one for one in receipt["channels"] if one["text"] == text]
        assert (channel["intervals"], channel["missing"]) == (row["n"], absent)
        assert D(channel["total"]) == D(row["sum_excluding_N"])
        estimated = sum(n for flag, n in row["flags"].items() if flag.startswith("E"))
        assert channel["status"].get("ESTIMATED", 0) == estimated


@pytest.mark.parametrize("name", D0036)
def test_d0036_file(name):
    receipt = ingest(name, "d0036@1")
    want = {}
    for key, day in EXPECTED[name]["days"].items():
        text = key.rpartition("/")[0]
        count, total, estimated = want.get(text, (0, D(0), 0))
        want[text] = (
            count + day["n"], total + D(day["total"]), estimated + day["ind"].get("E", 0),
        )  # fmt: skip
    assert totals(receipt) == {text: (n, total) for text, (n, total, _) in want.items()}
    for channel in receipt["channels"]:
        assert channel["status"].get("ESTIMATED", 0) == want[channel["text"]][2]


def test_long_csv_files_with_and_without_zone_are_the_same_readings():
    first = ingest(ISO, "csv_long@1")
    assert totals(first)["GEN-01/DEL_KWH"] == (100, D(EXPECTED[ISO]["DEL_total"]))
    assert totals(first)["GEN-01/REC_KWH"] == (4, D(EXPECTED[ISO]["REC_total"]))
    make_profile("LOCAL", format="csv_long@1", **NAIVE)
    said = manage("ingest", path_of(LOCAL), "--source", "cases", "--profile", "LOCAL", "--json")
    receipt = said.json[0]["receipt"]
    want = EXPECTED[LOCAL]
    assert totals(receipt) == {"GEN-01/DEL_KWH": (want["n"], D(want["total"]))}
    assert receipt["stored"] == {"new": 0, "same": 100, "replaced": 0, "ignored": 0, "blocks": 0}


def test_wide_csv_file():
    want = EXPECTED[FLAGGED]
    receipt = ingest(FLAGGED, "csv_wide@1", **WIDE)
    [channel] = receipt["channels"]
    assert (channel["intervals"], D(channel["total"])) == (want["n"], D(want["total"]))
    assert channel["status"]["ESTIMATED"] == want["E"]


def test_registers_over_zero_and_over_a_meter_exchange():
    want = EXPECTED[REGISTERS]
    receipt = ingest(
        REGISTERS, "register_csv@1", unit="kWh", multiplier=D(400), capacity_kw=D(10000)
    )
    [old], [new] = (moves(receipt)[f"M-{each}/DEL_KWH"] for each in ("OLD", "NEW"))
    for name, move in (("old", old), ("new", new)):
        assert move["advance"] == want[f"{name}_delta"]
        assert move["quantity"] == want[f"{name}_kwh"]
        assert "held" not in move
    assert (old["rollover"], new["rollover"]) == (False, True)
    assert D(old["quantity"]) + D(new["quantity"]) == D(want["total_kwh"])
    removed, installed = old["this"]["read_at_utc"], new["previous"]["read_at_utc"]
    gap = datetime.fromisoformat(installed) - datetime.fromisoformat(removed)
    assert gap.total_seconds() == want["gap_minutes"] * 60
    assert not Finding.objects.exists()
