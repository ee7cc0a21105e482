"""Historian samples: worked figures, gaps, stale and bad samples, every refusal."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.formats import Profile, formats
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status
from tests.meters.cases import blocks, errors, example, needs_cases, read, total

HEAD = "tag,time,value"
FIVE = {"minutes": 15, "hold_seconds": 300}


def mw(**options):
    return Profile(unit="MW", options=FIVE | options)


def at(minute, second="00"):
    return f"2026-03-01T{minute // 60:02d}:{minute % 60:02d}:{second}Z"


def table(*rows, head=HEAD):
    return "\n".join([head, *rows]) + "\n"


def samples(*values, step=5, tag="GEN.MW"):
    return table(*[f"{tag},{at(n * step)},{value}" for n, value in enumerate(values)])


def series(found):
    return [
        (None if value == MISSING else Decimal(value).scaleb(-6), Status(status))
        for block in blocks(found)
        for value, status in zip(block.values.tolist(), block.status.tolist(), strict=True)
    ]


@needs_cases
def test_worked_example():
    case = example("U2")
    found = read("scada_csv@1", samples(*case["given"]["mw_5min"]), mw())
    assert series(found) == [(Decimal(case["expect"]["kwh"]), Status.RAW)]
    (block,) = blocks(found)
    assert (block.channel_text, block.unit, block.minutes) == ("GEN.MW", "kWh", 15)
    assert block.start_utc == datetime(2026, 3, 1, tzinfo=UTC)


def test_each_sample_counts_by_the_time_it_holds():
    text = table(f"T,{at(0)},6", f"T,{at(5)},0", f"T,{at(14, '59.500')},36")
    found = read("scada_csv@1", text, mw(hold_seconds=600))
    # 6 MW for 300 s, nothing for 599.5 s, 36 MW for half a second.
    assert series(found) == [(Decimal("505"), Status.RAW)]


def test_a_sample_holds_no_longer_than_the_limit():
    text = table(f"T,{at(0)},12", f"T,{at(12)},12", f"T,{at(15)},12", f"T,{at(20)},12")
    found = read("scada_csv@1", text, mw())
    # Known: 0 to 5 and 12 to 15 minutes, 8 of 15: too little. Then a whole interval is not over.
    assert series(found) == [(None, Status.MISSING)]
    found = read("scada_csv@1", text, mw(min_coverage="0.5"))
    assert series(found) == [(Decimal(3000), Status.ESTIMATED)]
    assert blocks(found)[0].method.tolist() == [Method.SCADA]


def test_four_fifths_are_enough_and_less_is_not():
    text = table(f"T,{at(0)},4", f"T,{at(5)},4", f"T,{at(10)},8", f"T,{at(12)},8,")
    rows = [f"T,{at(0)},4,GOOD", f"T,{at(5)},4,GOOD", f"T,{at(10)},8,GOOD", f"T,{at(12)},8,BAD"]
    text = table(*rows, f"T,{at(15)},8,GOOD", head=HEAD + ",quality")
    found = read("scada_csv@1", text, mw())
    # (4 x 10 + 8 x 2) / 12 = 14/3 MW over a quarter hour, rounded once.
    assert series(found) == [(Decimal("1166.666667"), Status.ESTIMATED)]
    found = read("scada_csv@1", text.replace(at(12), at(11, "59")), mw())
    assert series(found) == [(None, Status.MISSING)]


def test_edges_of_a_file_are_no_gaps():
    rows = [f"T,{at(m)},4" for m in range(3, 44, 5)]
    found = read("scada_csv@1", table(*rows), mw())
    assert [block.start_utc for block in blocks(found)] == [datetime(2026, 3, 1, 0, 15, tzinfo=UTC)]
    assert series(found) == [(Decimal(1000), Status.RAW)] * 2


def test_what_is_unknown_for_long_is_not_spoken_of():
    rows = [f"T,{at(m)},4" for m in (0, 5, 10, 600, 605, 610)]
    found = read("scada_csv@1", table(*rows), mw())
    assert [(b.start_utc.hour, b.count) for b in blocks(found)] == [(0, 1), (10, 1)]
    assert errors(found) == []


@settings(max_examples=40)
@given(st.lists(st.integers(-9_999, 9_999), min_size=12, max_size=60))
def test_energy_is_power_times_time_whatever_the_interval(values):
    values = values[: len(values) // 12 * 12]
    text = samples(*[Decimal(v) / 100 for v in values])
    whole = Decimal(sum(values)) / 100 * 1000 / 12
    for minutes in (5, 15, 30, 60):
        found = read("scada_csv@1", text, mw(minutes=minutes))
        rounding = Decimal("0.0000005") * sum(block.count for block in blocks(found))
        assert abs(total(blocks(found)) - whole) <= rounding


def test_tags_do_not_mix_and_units_become_energy():
    head = HEAD + ",unit"
    rows = [f"{tag},{at(n * 5)},{value},{unit}" for n in range(3)
            for tag, value, unit in (("A", 1, "MW"), ("B", 40, "kVAr"))]  # fmt: skip
    found = read("scada_csv@1", table(*rows, head=head), Profile(options=FIVE))
    assert [(b.channel_text, b.unit, total([b])) for b in blocks(found)] == [
        ("A", "kWh", Decimal(250)),
        ("B", "kVArh", Decimal(10)),
    ]
    turned = read("scada_csv@1", samples(1, 1, 1), Profile(unit="MW", sign=-1, options=FIVE))
    assert total(blocks(turned)) == -250


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        (f"GEN.MW,{at(10)},4x", "R101", "value '4x' is not a plain decimal number"),
        (f"GEN.MW,{at(10)},", "R100", "value is empty"),
        ("GEN.MW,2026-03-01T00:10:00,4", "R003", "has no zone; add Z or an offset"),
        ("GEN.MW,noon,4", "R002", "time 'noon' is not a time stamp"),
        (f"GEN.MW,{at(5)},4", "R302", "is not after the sample before it; sort the export"),
        (f",{at(10)},4", "R202", "tag '' is empty"),
        (f"GEN.MW,{at(10)}", "R001", "the row has 2 fields, the header has 3"),
    ],
)
def test_faulty_row_is_told_and_its_time_is_not_known(row, code, words):
    text = table(f"GEN.MW,{at(0)},4", f"GEN.MW,{at(5)},4", row, f"GEN.MW,{at(15)},4")
    found = read("scada_csv@1", text, mw())
    (error,) = errors(found)
    assert (error.code, error.line) == (code, 4)
    assert "Line 4" in error.message
    assert words in error.message
    spoiled = row.startswith("GEN.MW")
    assert series(found) == [(None, Status.MISSING)] * spoiled or not spoiled


def test_unknown_quality_and_unit_are_told():
    found = read("scada_csv@1", table(f"T,{at(0)},4,Fine", head=HEAD + ",quality"), mw())
    assert "quality 'Fine' is not known; name it in good or bad" in errors(found)[0].message
    found = read("scada_csv@1", table(f"T,{at(0)},4"), Profile(unit="kWh", options=FIVE))
    assert "unit '' is not a power" not in errors(found)[0].message
    assert "is not a power; send samples in kW, kVAr or kVA" in errors(found)[0].message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "Option minutes of the import profile is 'None'"),
        ({"minutes": 7, "hold_seconds": 300}, "Option minutes of the import profile is '7'"),
        ({"minutes": 15}, "Option hold_seconds of the import profile is 'None'; give 1 to 86400"),
        (FIVE | {"min_coverage": "2"}, "Option min_coverage of the import profile is '2'"),
        (FIVE | {"min_coverage": "x"}, "Option min_coverage of the import profile is 'x'"),
    ],
)
def test_the_rule_is_never_guessed(options, words):
    with pytest.raises(Refused, match=words) as refused:
        read("scada_csv@1", samples(1, 1, 1), Profile(unit="MW", options=options))
    assert refused.value.code == "F030"


def test_long_files_come_in_blocks(monkeypatch):
    monkeypatch.setattr("meters.formats.scada_csv.BLOCK_INTERVALS", 4)
    found = read("scada_csv@1", samples(*[1] * 30), mw())
    assert [block.count for block in blocks(found)] == [4, 4, 2]
    assert series(found) == [(Decimal(250), Status.RAW)] * 10


def test_it_is_known_by_its_head():
    assert formats.get("scada_csv@1").sniff(b"tag,time,value,quality\n")
    assert not formats.get("scada_csv@1").sniff(b"meter_id,channel,interval_start,value\n")
