"""CMEP: the case files, both clock changes, every refusal by its code and words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from meters.formats import Profile, RegisterRow, formats
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status
from tests.meters.cases import (
    blocks,
    errors,
    expected,
    needs_cases,
    read,
    read_file,
    remarks,
    total,
)

UTC_PROFILE = Profile(zone="UTC")
WATER = Profile(zone="UTC", unit="m3")  # the cases are counted in their own unit
PACIFIC = Profile(zone="America/Los_Angeles")
QUARTER, HOUR = "00000015", "00000100"


def record(*triples, units="KWH", interval=QUARTER, constant="1.0", purpose="OK", meter="MTR-001",
           count=None, version="MEPMD01"):  # fmt: skip
    count = len(triples) if count is None else count
    head = (
        f"{version},20080501,BTMGEN,,TENANT1,,202506150300,{meter},{purpose},E,{units},{constant}"
    )
    return ",".join([head, interval, str(count), *triples]) + "\n"


def reads(items):
    return [item for item in items if isinstance(item, RegisterRow)]


@needs_cases
@pytest.mark.parametrize("path", expected("cmep/"))
def test_case_files(path):
    profile = UTC_PROFILE if "kwh" in path else WATER
    found = read_file("cmep@1", f"vee/{path}", profile)
    assert errors(found) == []
    for row in expected(path)[path]["rows"]:
        dropped = sum(n for flag, n in row["flags"].items() if flag.startswith("N"))
        if row["units"].endswith("REG"):
            registers = reads(found)
            assert len(registers) == row["n"] - dropped
            assert {r.multiplier for r in registers} == {Decimal(row["constant"])}
            if not dropped:
                delta = Decimal(registers[-1].text) - Decimal(registers[0].text)
                assert delta == Decimal(row["delta"])
            continue
        parts = blocks(found)
        assert sum(block.count for block in parts) == row["n"]
        assert total(parts) == Decimal(row["sum_excluding_N"])
        assert sum(int((block.values == MISSING).sum()) for block in parts) == dropped
        assert {block.minutes for block in parts} == {row["interval_minutes"]}
        first = datetime.fromisoformat(row["first"]).replace(tzinfo=UTC)
        assert parts[0].end_utc.replace(hour=0, minute=0) >= first.replace(hour=0, minute=0)
        assert (first - parts[0].start_utc).total_seconds() == row["interval_minutes"] * 60


@needs_cases
def test_sum_of_intervals_is_the_register_advance():
    found = read_file("cmep@1", "vee/cmep/synthetic_kwh_15min_blank_times.txt", UTC_PROFILE)
    start, end = reads(found)
    assert (end.read_at_utc - start.read_at_utc).total_seconds() == 7200
    advance = (Decimal(end.text) - Decimal(start.text)) * end.multiplier
    assert total(blocks(found)) == advance == 9628
    (block,) = blocks(found)
    assert block.status.tolist().count(Status.ESTIMATED) == 2
    assert block.channel_text == start.channel_text == "MTR-001/KWH"


def test_times_are_interval_ending_and_the_constant_is_kept_beside():
    text = record("202506150015,R0,1200", ",R0,1201", ",E0,1202", constant="400")
    (block,) = blocks(read("cmep@1", text, UTC_PROFILE))
    assert block.start_utc == datetime(2025, 6, 15, tzinfo=UTC)
    assert [v // 10**6 for v in block.values.tolist()] == [1200, 1201, 1202]
    assert block.multiplier == 400
    assert block.method.tolist() == [Method.NONE, Method.NONE, Method.SOURCE]


def test_the_repeated_hour_is_settled_by_the_order_of_the_file():
    hours = ["202611010000", "202611010100", "202611010100", "202611010200"]
    text = record(*[f"{at},R0,{n}" for n, at in enumerate(hours, 1)], interval=HOUR)
    (block,) = blocks(read("cmep@1", text, PACIFIC))
    assert block.start_utc == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert block.count == 4
    (error,) = errors(read("cmep@1", record("202611010100,R0,1", interval=HOUR), PACIFIC))
    assert error.code == "R005"


def test_times_left_out_over_a_clock_change_are_not_guessed():
    text = record("202611010030,R0,1", ",R0,2", ",R0,3", interval=HOUR)
    (error,) = errors(read("cmep@1", text, PACIFIC))
    assert error.code == "R005"
    assert "times are left out although the clocks change" in error.message


def test_placeholders_are_missing_and_no_reads():
    found = read(
        "cmep@1",
        record("202506150015,N32,7", ",R0,8")
        + record("202506150000,N32,62731", "202506160000,R0,62743", units="KWHREG"),
        UTC_PROFILE,
    )
    (block,) = blocks(found)
    assert block.values.tolist() == [MISSING, 8_000_000]
    assert [row.text for row in reads(found)] == ["62743"]
    (remark,) = remarks(found)
    assert remark.code == "W306"
    assert "N32 at 2025-06-15 00:00 is no read" in remark.message


def test_bits_behind_a_known_letter_are_kept_as_a_flag():
    (block,) = blocks(read("cmep@1", record("202506150015,R16,1", ",R0,2"), UTC_PROFILE))
    assert block.flags == [(0, 1, "SOURCE_FLAG", {"flag": "R16"})]
    assert block.status.tolist() == [Status.RAW, Status.RAW]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (record("202506150015,A0,1"), "R203", "flag 'A0' is not known; name its letter"),
        (record("202506150015,R0,1x"), "R101", "value '1x' is not a plain decimal number"),
        (record("202506150015,R0,"), "R100", "value is empty"),
        (record("20250615,R0,1"), "R002", "time '20250615' is not CCYYMMDDHHMM"),
        (record(",R0,1"), "R002", "time '' is not CCYYMMDDHHMM"),
        (record("202506150015,R0,1", count=2), "R001", "says 2 readings and has 3 fields"),
        (record("202506150015,R0", count=0), "R001", "2 fields are not three a reading"),
        (record("202506150015,R0,1", purpose="HISTORY"), "R206", "purpose 'HISTORY' is not OK"),
        (record("202506150015,R0,1", units=""), "R202", "units '' is empty"),
        (record("202506150015,R0,1", units="XY"), "R204", "unit 'XY' is not a unit of a meter"),
        (record("202506150015,R0,1", interval="01000015"), "R006", "interval '01000015'"),
        (record("202506150015,R0,1", interval="00000020"), "R006", "intervals of 20 minutes"),
        (record("202506150015,R0,1", constant="0"), "R107", "calculation constant is not above"),
        (record("202506150015,R0,1", version="MEPMD02"), "R206", "record 'MEPMD02' is not read"),
        (record("202506150000,R0,12x", units="KWHREG"), "R105", "value '12x'"),
        ("MEPMD01,20080501,S\n", "R001", "the record has 3 fields, at least 14"),
    ],
)
def test_faulty_record_is_left_out_whole(text, code, words):
    good = record("202506150015,R0,5", meter="MTR-002")
    found = read("cmep@1", good + text, UTC_PROFILE)
    (error,) = errors(found)
    assert (error.code, error.line) == (code, 2)
    assert "Line 2" in error.message
    assert words in error.message
    assert [block.channel_text for block in blocks(found)] == ["MTR-002/KWH"]


def test_alarms_are_passed_over_and_told():
    found = read("cmep@1", record("202506150015,R0,5") + "MLA01,20080501,X\n", UTC_PROFILE)
    assert [remark.code for remark in remarks(found)] == ["W305"]
    assert len(blocks(found)) == 1


def test_the_zone_is_never_guessed():
    with pytest.raises(Refused, match="set the zone in the import profile") as refused:
        read("cmep@1", record("202506150015,R0,5"))
    assert refused.value.code == "F028"


def test_a_cut_file_is_refused():
    with pytest.raises(Refused, match="does not end with a line break"):
        read("cmep@1", record("202506150015,R0,123")[:-2], UTC_PROFILE)


def test_it_is_known_by_its_head():
    assert formats.get("cmep@1").sniff(b"MEPMD01,20080501,")
    assert not formats.get("cmep@1").sniff(b"MEPMD02,20080501,")
