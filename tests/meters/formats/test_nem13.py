"""NEM13: the published files, the envelope, every refusal by its code and words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from meters.formats import Profile, RegisterRow, formats
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Method, Status
from tests.meters.cases import errors, expected, needs_cases, read, read_file, remarks

ROW = (
    "250,NEM1313042,11,1,11,11,13042,E,99890,20041117093206,A,,,02034,20050217074053,A,,,2144,"
    "KWH,20050519,20050218104410,"
)


def wrapped(*records, head="100,NEM13,200505161145,CNRGYMDP,NEMMCO", end="900"):
    return "\n".join([head, *records, end]) + "\n"


def reads(items):
    return [item for item in items if isinstance(item, RegisterRow)]


@needs_cases
@pytest.mark.parametrize("path", expected("nem13/"))
def test_published_files(path):
    rows = reads(read_file("nem13@1", f"vee/{path}"))
    told = expected(path)[path]["register_rows"]
    assert len(rows) == len(told)
    for row, wanted in zip(rows, told, strict=True):
        assert row.channel_text == f"{wanted['nmi']}/{wanted['suffix'] or ''}"
        assert (row.previous.text, row.text) == (wanted["prev"], wanted["cur"])
        assert row.digits == wanted["dial_digits"]
        assert row.quantity == Decimal(wanted["stated_quantity"])
        assert row.reverse == (wanted["direction"] == "I")
        assert row.unit == row.previous.unit == "kWh"


def test_a_record_becomes_two_reads_in_standard_time():
    (row,) = reads(read("nem13@1", wrapped(ROW)))
    assert row.previous.read_at_utc == datetime(2004, 11, 16, 23, 32, 6, tzinfo=UTC)
    assert row.read_at_utc == datetime(2005, 2, 16, 21, 40, 53, tzinfo=UTC)
    assert (row.status, row.line, row.read_type) == (Status.RAW, 2, "SCHEDULED")
    perth = Profile(zone="Etc/GMT-8")
    (row,) = reads(read("nem13@1", wrapped(ROW), perth))
    assert row.read_at_utc == datetime(2005, 2, 16, 23, 40, 53, tzinfo=UTC)


def test_qualities_and_transaction_codes():
    record = ROW.replace("02034,20050217074053,A,,", "02034, 20050217074053,E61,,")
    (row,) = reads(read("nem13@1", wrapped(record, "550,S,SO1,R,")))
    assert (row.status, row.previous.status) == (Status.ESTIMATED, Status.RAW)
    assert row.method != Method.NONE
    assert (row.previous.read_type, row.read_type) == ("SPECIAL", "REMOVE")


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        (",02034,", ",O2034,", "R105", "CurrentRegisterRead 'O2034'"),
        (",20050217074053,", ",20050230074053,", "R002", "is not yyyymmddHHMMSS"),
        (",20050217074053,", ",20041117093206,", "R002", "the current read is not after"),
        (",E,99890", ",X,99890", "R203", "direction 'X' is not E or I"),
        (",A,,,2144", ",Q,,,2144", "R203", "quality 'Q' is not known"),
        (",2144,", ",2144a,", "R101", "Quantity '2144a' is not a plain decimal number"),
        ("KWH", "", "R204", "no unit is given"),
        (",20050218104410,", "", "R001", "a 250 record has 23 fields, found 21"),
    ],
)
def test_faulty_record_is_left_out_whole(old, new, code, words):
    other = ROW.replace("NEM1313042", "NEM1313099")
    found = read("nem13@1", wrapped(ROW.replace(old, new), "550,N,,N,", other))
    (error,) = errors(found)
    assert (error.code, error.line) == (code, 2)
    assert words in error.message
    assert "Line 2, NEM1313042/11" in error.message
    assert [row.channel_text for row in reads(found)] == ["NEM1313099/11"]


def test_unknown_transaction_code_takes_its_reads_out():
    found = read("nem13@1", wrapped(ROW, "550,N,,Z,"))
    (error,) = errors(found)
    assert (error.code, error.line) == ("R203", 3)
    assert "transaction code 'Z' is not known" in error.message
    assert reads(found) == []


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (ROW + "\n", "F020", "does not begin with a 100 record of NEM13"),
        (wrapped(ROW, end="")[:-1], "F022", "There is no 900 record after line 2"),
        (wrapped(ROW) + ROW + "\n", "F023", "Line 4 comes after the 900 record"),
        (wrapped("300,1"), "F025", "'300' is not a record of NEM13"),
        (wrapped("550,N,,N,"), "F026", "a 550 record without a 250 record"),
        (wrapped(ROW, "550,N,,N,", "550,N,,N,"), "F026", "Line 4: a 550 record without"),
    ],
)
def test_envelope(text, code, words):
    with pytest.raises(Refused, match=words) as refused:
        read("nem13@1", text)
    assert refused.value.code == code


def test_empty_file_is_told():
    found = read("nem13@1", wrapped())
    assert [remark.code for remark in remarks(found)] == ["W001"]


def test_it_is_known_by_its_head():
    assert formats.get("nem13@1").sniff(b"100,NEM13,2005")
    assert not formats.get("nem13@1").sniff(b"100,NEM12,2005")
    assert formats.get("nem13@1").on_row_error == "quarantine"
