"""Register CSV: the case file, every refusal by its code and words."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from meters.calc.registers import Read, consumption, read_dial
from meters.formats import Profile, RegisterRow, formats, row_error_policy
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status
from tests.meters.cases import errors, expected, needs_cases, read, read_file, remarks

HEAD = "meter_id,channel,read_time,register,digits,multiplier,read_type"
KWH = Profile(unit="kWh")


def row(time="2026-03-01T00:00:00Z", register="00310", digits="5", multiplier="400",
        kind="SCHEDULED", meter="M-1"):  # fmt: skip
    return f"{meter},DEL_KWH,{time},{register},{digits},{multiplier},{kind}"


def table(*rows, head=HEAD):
    return "\n".join([head, *rows]) + "\n"


def reads(items):
    return [item for item in items if isinstance(item, RegisterRow)]


@needs_cases
def test_rollover_and_exchange_of_the_case_file():
    path = "csv/register_reads_rollover_exchange.csv"
    wanted = expected(path)[path]
    rows = reads(read_file("register_csv@1", f"vee/{path}", KWH))
    assert [(r.text, r.digits, r.read_type) for r in rows] == [
        ("099900", 6, "SCHEDULED"), ("100240", 6, "REMOVE"), ("99990", 5, "INSTALL"),
        ("00310", 5, "SCHEDULED"),
    ]  # fmt: skip
    found = consumption(
        [
            Read(
                r.channel_text,
                r.read_at_utc,
                read_dial(r.text, r.digits),
                r.multiplier,
                r.read_type,
            )
            for r in rows
        ]
    )
    assert [str(part) for part in found.parts] == [wanted["old_kwh"], wanted["new_kwh"]]
    assert found.total == Decimal(wanted["total_kwh"])
    (exchange,) = found.exchanges
    assert exchange.dead.total_seconds() == wanted["gap_minutes"] * 60


def test_a_read_keeps_its_text_and_says_the_rest():
    (found,) = reads(read("register_csv@1", table(row(register="000310.50", digits="")), KWH))
    assert (found.text, found.digits, found.decimals) == ("000310.50", 6, 2)
    assert found.read_at_utc == datetime(2026, 3, 1, tzinfo=UTC)
    assert (found.unit, found.factor, found.multiplier) == ("kWh", Decimal(1), Decimal(400))
    assert (found.status, found.line, found.channel_text) == (Status.RAW, 2, "M-1/DEL_KWH")


def test_unit_and_status_may_be_columns():
    head = HEAD + ",unit,status"
    (found,) = reads(read("register_csv@1", table(row() + ",MWh,E", head=head)))
    assert (found.unit, found.factor, found.status) == ("kWh", Decimal(1000), Status.ESTIMATED)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (row(register="31O"), "R105", "register '31O': Register '31O' is not digits"),
        (row(register=""), "R105", "is not digits with at most 6 decimals"),
        (row(register="100310"), "R208", "has 6 dials, the meter has 5"),
        (row(digits="0"), "R101", "digits '0' is not a number of dials"),
        (row(multiplier="0"), "R107", "multiplier '0' is not above zero"),
        (row(multiplier="4,0"), "R001", "the row has 8 fields, the header has 7"),
        (row(kind="READ"), "R207", "read_type 'READ' is not one of SCHEDULED, INSTALL"),
        (row(time="2026-03-01T00:00:00"), "R003", "has no zone; add Z or an offset"),
        (row(time="1 March"), "R002", "read_time '1 March' is not a time stamp"),
        (row(meter=" M"), "R202", "meter_id ' M' is empty or has blanks at its ends"),
        ("", "R001", "the row is empty; remove it"),
    ],
)
def test_faulty_row_names_line_field_and_finding(text, code, words):
    found = read("register_csv@1", table(row(), text), KWH)
    (error,) = errors(found)
    assert (error.code, error.line) == (code, 3)
    assert "Line 3" in error.message
    assert words in error.message
    assert len(reads(found)) == 1


def test_unit_is_never_guessed():
    with pytest.raises(Refused, match="Column 'unit' is missing") as refused:
        read("register_csv@1", table(row()))
    assert refused.value.code == "F006"


def test_local_times_need_a_zone_and_are_not_guessed_in_autumn():
    profile = Profile(unit="kWh", zone="America/Chicago")
    (found,) = reads(read("register_csv@1", table(row(time="2026-03-01T00:00:00")), profile))
    assert found.read_at_utc == datetime(2026, 3, 1, 6, tzinfo=UTC)
    for time, code in (("2026-11-01T01:30:00", "R005"), ("2026-03-08T02:30:00", "R004")):
        (error,) = errors(read("register_csv@1", table(row(time=time)), profile))
        assert error.code == code


def test_copies_are_one_read_and_different_ones_none():
    found = read("register_csv@1", table(row(), row()), KWH)
    assert len(reads(found)) == 1
    assert [remark.code for remark in remarks(found)] == ["W301"]
    found = read("register_csv@1", table(row(), row(register="00311"), row()), KWH)
    assert reads(found) == []
    assert {(e.code, e.line) for e in errors(found)} == {("R301", 2), ("R301", 3), ("R301", 4)}


def test_a_wrong_row_refuses_the_file_unless_the_profile_says_otherwise():
    plugin = formats.get("register_csv@1")
    assert row_error_policy(plugin, Profile()) == "refuse_file"
    assert plugin.sniff(HEAD.encode() + b"\n")
    assert not plugin.sniff(b"meter_id,channel,interval_start,value\n")


def test_a_register_of_a_period_is_named_and_its_name_has_bounds():
    head = "meter_id,channel,read_time,register,digits,multiplier,read_type,bucket"
    line = "M,KWH,2026-03-01T00:00:00Z,00100,5,,SCHEDULED,"
    rows = [line, line + "PEAK", line + "P" * 21]
    items = read("register_csv@1", "\n".join([head, *rows]) + "\n", Profile(unit="kWh"))
    assert [each.bucket for each in items if not hasattr(each, "code")] == ["", "PEAK"]
    (error,) = errors(items)
    assert (error.line, error.code) == (4, "R207")
    assert "bucket 'PPPP" in error.message
    assert "more than 20 characters" in error.message
