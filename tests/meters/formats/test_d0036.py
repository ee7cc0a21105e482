"""D0036: the case file, days of 46, 48 and 50 half hours, the envelope, every refusal."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from meters.formats import Profile, formats
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status
from tests.meters.cases import blocks, errors, expected, needs_cases, read, read_file, total

MPAN = "2000000000006"
HEAD = "ZHV|REF1|D0036001|C|HHDC|X|SUPP|20251103080000||||OPER|"


def day(date, count, *, indicator="A", value="2.5"):
    return [f"102|{date}|", *[f"103|{indicator}|{value}|"] * count]


def group(*records, mpan=MPAN, quantity="AI"):
    return [f"101|{mpan}|{quantity}|SUPP|", *records]


def flow(*records, head=HEAD, **changed):
    told = {
        "reference": "REF1",
        "lines": len(records),
        "groups": sum(r.startswith("101") for r in records),
    } | changed
    lines = told["lines"]
    end = f"ZPT|{told['reference']}|{lines}|{lines}|{told['groups']}|20251103080001|"
    return "\n".join([head, *records, end]) + "\n"


@needs_cases
def test_case_file():
    path = "d0036/synthetic_long_day_50.txt"
    found = read_file("d0036@1", f"vee/{path}")
    assert errors(found) == []
    days = expected(path)[path]["days"]
    for channel in ("AI", "RI"):
        parts = [b for b in blocks(found) if b.channel_text == f"{MPAN}/{channel}"]
        wanted = [told for key, told in days.items() if f"/{channel}/" in key]
        assert sum(b.count for b in parts) == sum(told["n"] for told in wanted)
        assert total(parts) == sum(Decimal(told["total"]) for told in wanted)
        estimated = sum(b.status.tolist().count(Status.ESTIMATED) for b in parts)
        assert estimated == sum(told["ind"].get("E", 0) for told in wanted)
    assert {b.unit for b in blocks(found)} == {"kWh", "kVArh"}


@pytest.mark.parametrize(
    ("date", "count", "start"),
    [
        ("20250330", 46, datetime(2025, 3, 30, tzinfo=UTC)),
        ("20250615", 48, datetime(2025, 6, 14, 23, tzinfo=UTC)),
        ("20251026", 50, datetime(2025, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_a_settlement_date_is_a_local_day(date, count, start):
    (block,) = blocks(read("d0036@1", flow(*group(*day(date, count)))))
    assert (block.start_utc, block.count, block.minutes) == (start, count, 30)
    assert block.lines.tolist() == list(range(4, 4 + count))


def test_padding_is_missing():
    records = [*day("20250615", 47), "103|C|0.0|"]
    (block,) = blocks(read("d0036@1", flow(*group(*records))))
    assert block.values.tolist().count(MISSING) == 1


@pytest.mark.parametrize(
    ("records", "code", "words"),
    [
        (day("20250615", 47), "R401", "the day has 48 half hours in Europe/London, found 47"),
        (day("20251026", 48), "R401", "the day has 50 half hours"),
        (day("20250631", 48), "R002", "date '20250631' is not a yyyymmdd date"),
        (day("20250615", 48, indicator="Q"), "R203", "indicator 'Q' of half hour 1 is not A, E or"),
        (day("20250615", 48, value="2,5"), "R104", "half hour 1 '2,5' has a comma"),
        (day("20250615", 48, value=""), "R100", "half hour 1 is empty"),
    ],
)
def test_faulty_day_is_left_out_whole(records, code, words):
    good = day("20250616", 48)
    found = read("d0036@1", flow(*group(*records, *good)))
    (error,) = errors(found)
    assert (error.code, error.line, error.line_last) == (code, 3, 2 + len(records))
    assert words in error.message
    assert f"{MPAN}/AI" in error.message
    assert [block.count for block in blocks(found)] == [48]


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"mpan": "2000000000007"}, "R202", "is not 13 digits with a right check digit"),
        ({"mpan": "200000000000"}, "R202", "is not 13 digits"),
        ({"quantity": "XX"}, "R204", "measurement quantity 'XX' is not one of AI, AE, RI, RE"),
    ],
)
def test_faulty_metering_system_is_left_out_whole(given, code, words):
    records = group(*day("20250615", 48), **given) + group(*day("20250615", 48), quantity="AE")
    found = read("d0036@1", flow(*records))
    (error,) = errors(found)
    assert (error.code, error.line) == (code, 2)
    assert words in error.message
    assert [block.channel_text for block in blocks(found)] == [f"{MPAN}/AE"]


def test_unit_of_the_profile_may_be_wrong():
    text = flow(*group(*day("20250615", 48)))
    (error,) = errors(read("d0036@1", text, Profile(unit="bananas")))
    assert (error.code, error.line) == ("R204", 2)
    assert "unit 'bananas' is not a unit of a meter" in error.message


def test_same_day_twice_is_told():
    records = group(*day("20250615", 48), *day("20250615", 48, value="3"))
    assert {e.code for e in errors(read("d0036@1", flow(*records)))} == {"R301"}


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (flow(*group(*day("20250615", 48)), head="ZHV|R|D0010001|"), "F020", "ZHV record of D0036"),
        (flow("102|20250615|"), "F021", "a 102 record before any 101 record"),
        (flow("101|2000000000006|AI|SUPP|", "103|A|1|"), "F021", "103 record before any 102"),
        (flow("104|1|"), "F025", "'104' is not a record of D0036"),
        ("\n".join([HEAD, *group()]) + "\n", "F022", "There is no ZPT record after line 2"),
        (flow(*group()) + "101|1|AI|\n", "F023", "Line 4 comes after the ZPT record"),
        (flow(*group(), lines=7), "F029", "records '7', the file has '1': a part is missing"),
        (flow(*group(), groups=2), "F029", "groups '2', the file has '1'"),
        (flow(*group(), reference="X"), "F029", "reference 'X', the file has 'REF1'"),
    ],
)
def test_envelope(text, code, words):
    with pytest.raises(Refused, match=words) as refused:
        read("d0036@1", text)
    assert refused.value.code == code


@pytest.mark.parametrize("checksum", ["", "2", "918273645"])
def test_the_checksum_of_the_trailer_is_not_judged(checksum):
    records = ["101|2000000000006|AI|SUPP|", "102|20251026|", *["103|A|1.5|"] * 50]
    end = f"ZPT|REF1|{len(records)}|{checksum}|1|20251103080001|"
    found = read("d0036@1", "\n".join([HEAD, *records, end]) + "\n")
    assert errors(found) == []
    assert total(blocks(found)) == Decimal("75")


def test_it_is_known_by_its_head():
    assert formats.get("d0036@1").sniff(HEAD.encode())
    assert not formats.get("d0036@1").sniff(b"ZHV|R|D0010001|C|")
