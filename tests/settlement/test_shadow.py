"""A counterparty's statement beside our lines: tolerance, causes, files, disputes."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.models import Contract, Party
from poweroptix.kernel.errors import Refused
from settlement.calc.dispute import Contest, resolve, undisputed
from settlement.calc.shadow import Side, Verdict, compare, tolerance
from settlement.calc.statement_csv import read_codes, read_number, read_statement
from tests.contracts.cases import example

FLOOR, RATIO = Decimal("1.00"), Decimal("0.0001")
COLUMNS = {"charge": "Charge", "amount": "Amount"}
WIDE = {**COLUMNS, "quantity": "Quantity", "rate": "Rate", "unit": "Unit"}


def side(code, usd, quantity=None, rate=None, unit="", label="Line"):
    amounts = (None if one is None else Decimal(one) for one in (usd, quantity, rate))
    usd, quantity, rate = amounts
    return Side(code, label, usd, quantity, unit, rate)


def judged(ours, theirs):
    return compare(ours, theirs, floor_usd=FLOOR, ratio=RATIO)


def test_case_c05_line_by_line():
    found = example("C05")
    codes = {name: 10 + at for at, (name, *_) in enumerate(found["inputs"]["lines"])}
    ours = [side(codes[name], usd) for name, usd, _ in found["inputs"]["lines"]]
    rows = "".join(f"{name},{usd}\n" for name, _, usd in found["inputs"]["lines"])
    theirs = read_statement(f"Charge,Amount\n{rows}".encode(), COLUMNS, codes)
    for one, (name, wanted) in zip(judged(ours, theirs), found["expected"].items(), strict=True):
        assert one.line_code == codes[name]
        assert str(one.difference_usd) == wanted["difference"]
        assert f"{one.tolerance_usd:.4f}" == wanted["tolerance"]
        assert one.is_match is wanted["match"]


def test_case_c06_a_dispute_and_what_it_leaves():
    found = example("C06")
    total, disputed = (Decimal(found["inputs"][name]) for name in ("invoice", "disputed"))
    wanted = found["expected"]
    due = date(2026, 1, 15)
    done = resolve(
        disputed,
        -Decimal(wanted["credit_note"]),
        interest_ratio=Decimal("0.0925"),
        due_date=due,
        paid_on=due + timedelta(days=47),
    )
    at_due = undisputed(total, [Contest(disputed)], is_purchase=True)
    assert str(at_due.stays_due_usd) == wanted["paid_at_due"]
    assert str(done.still_owed_usd) == wanted["still_owed"]
    assert str(done.interest_usd) == wanted["interest"]
    assert str(done.final_payment_usd) == wanted["final_payment"]


@pytest.mark.parametrize(
    ("is_purchase", "invoiced", "contests", "open_usd", "credited", "due"),
    [
        # We sell, their statement has more than our invoice: no outcome takes anything off it.
        (False, "333667.65", [("7650.00", None)], "0.00", "0.00", "333667.65"),
        (False, "333667.65", [("7650.00", "7650.00")], "0.00", "0.00", "333667.65"),
        (False, "333667.65", [], "0.00", "0.00", "333667.65"),
        # We sell, they have less: open it waits, granted it is due, denied it is credited to them.
        (False, "333667.65", [("-7650.00", None)], "7650.00", "0.00", "326017.65"),
        (False, "333667.65", [("-7650.00", "-7650.00")], "0.00", "0.00", "333667.65"),
        (False, "333667.65", [("-7650.00", "-650.00")], "0.00", "7000.00", "326667.65"),
        (False, "333667.65", [("-7650.00", "0.00")], "0.00", "7650.00", "326017.65"),
        # We buy, they bill more than we have: a credit is taken off for good.
        (True, "341317.65", [("7650.00", None)], "7650.00", "0.00", "333667.65"),
        (True, "341317.65", [("7650.00", "7650.00")], "0.00", "7650.00", "333667.65"),
        (True, "341317.65", [("7650.00", "0.00")], "0.00", "0.00", "341317.65"),
        (True, "341317.65", [("-20.00", None), ("5.00", None), ("9.00", "4.00")],
         "5.00", "4.00", "341308.65"),
    ],
)  # fmt: skip
def test_what_stays_due_of_an_invoice(is_purchase, invoiced, contests, open_usd, credited, due):
    held = [Contest(Decimal(one), None if got is None else Decimal(got)) for one, got in contests]
    found = undisputed(Decimal(invoiced), held, is_purchase=is_purchase)
    assert (str(found.open_usd), str(found.credited_usd)) == (open_usd, credited)
    assert str(found.stays_due_usd) == due


@pytest.mark.parametrize(
    ("seller", "buyer", "is_purchase"),
    [
        ("SELLER", "TENANT", False),
        ("OPERATOR", "TENANT", False),
        ("SELLER", "UTILITY", False),
        ("UTILITY", "TENANT", True),
        ("SELLER", "OPERATOR", True),
        ("TENANT", "SELLER", True),
    ],
)
def test_who_buys_follows_from_the_parties(seller, buyer, is_purchase):
    made = Contract(seller=Party(role=seller), offtaker=Party(role=buyer))
    assert made.is_purchase is is_purchase


def test_the_larger_of_amount_and_ratio_counts_and_the_edge_agrees():
    assert tolerance(Decimal("-20000"), FLOOR, RATIO) == Decimal("2")
    assert tolerance(Decimal("500"), FLOOR, RATIO) == FLOOR
    [one] = judged([side(10, "500.00")], [side(10, "501.00")])
    assert one.verdict == Verdict.WITHIN_TOLERANCE
    [one] = judged([side(10, "500.00")], [side(10, "501.01")])
    assert one.verdict == Verdict.BREAK


def test_lines_that_only_one_party_has():
    found = judged([side(10, "5.00"), side(20, "7.00")], [side(20, "7.00"), side(40, "5.00")])
    assert [one.verdict.value for one in found] == ["MISSING_THEIRS", "MATCH", "MISSING_OURS"]
    assert [str(one.difference_usd) for one in found] == ["-5.00", "0.00", "5.00"]
    assert found[2].cause.text == "We have no such line; the amount is that of our line 10."


@pytest.mark.parametrize(
    ("ours", "theirs", "text"),
    [
        (side(10, "1000", "20", unit="MWh"), side(10, "1100", "22", unit="MWh"), "The quantity:"),
        (side(10, "1000", "20", unit="MWh"), side(10, "1100", "22000", unit="kWh"), "The quantity"),
        (side(10, "1000", "20"), side(10, "1040", "20"), "The price:"),
        (side(10, "1000", "20"), side(10, "1320", "22"), "Quantity and price both differ."),
        (side(10, "1000", "20"), side(10, "1320", "22", "50"), "Their own arithmetic: quantity"),
        (side(10, "1000"), side(10, "-1000"), "The sign:"),
        (side(10, "1000"), side(10, "2000"), "Billed twice:"),
        (side(10, "1000"), side(10, "0"), "They bill nothing"),
        (side(10, "1000"), side(10, "1200"), "One side states no quantity"),
    ],
)
def test_a_break_says_its_likely_cause(ours, theirs, text):
    [one] = judged([ours], [theirs])
    assert one.cause.text.startswith(text)


AMOUNTS = st.decimals("-1000000", "1000000", places=2)
QUANTITIES = st.decimals("0.001", "1000000", places=3)


@settings(max_examples=40, deadline=None)
@given(AMOUNTS, QUANTITIES, AMOUNTS, QUANTITIES)
def test_the_effects_add_up_to_the_difference(ours_usd, ours_mwh, theirs_usd, theirs_mwh):
    ours = Side(10, "Energy", ours_usd, ours_mwh, "MWh")
    theirs = Side(10, "Energy", theirs_usd, theirs_mwh, "MWh")
    [one] = judged([ours], [theirs])
    assert one.difference_usd == theirs_usd - ours_usd
    if one.cause is not None and one.cause.quantity_usd is not None:
        assert one.cause.quantity_usd + one.cause.price_usd == one.difference_usd
    [turned] = judged([theirs], [ours])
    assert turned.difference_usd == -one.difference_usd


def test_several_lines_of_a_code_count_as_their_sum_and_an_empty_amount_of_ours_stops():
    [one] = judged(
        [side(10, "1.50", "2", unit="MWh"), side(10, "0.50", "1", unit="MWh")], [side(10, "2.00")]
    )
    assert (one.verdict, one.ours.quantity) == (Verdict.MATCH, 3)
    with pytest.raises(Refused, match="Our line 10 'Line' has no amount yet"):
        judged([side(10, None)], [side(10, "1")])


def test_a_statement_is_read_with_units_and_numbers_as_people_write_them():
    text = (
        "\ufeffCharge;Quantity;Unit;Rate;Amount\nON;1,200.5;MWh;98.40;$118,129.20\n\nADJ;;;;(12.00)"
    )
    on, adjustment = read_statement(text.encode(), WIDE, {"ON": 10, "ADJ": 70})
    assert (on.line_code, on.quantity, on.unit, on.row) == (10, Decimal("1200.5"), "MWh", 2)
    assert (str(on.amount_usd), str(adjustment.amount_usd)) == ("118129.20", "-12.00")
    assert adjustment.quantity is None
    assert adjustment.row == 4
    assert str(read_number(2, "amount", "5.00-")) == "-5.00"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Charge,Amount\nON,1.2.3\n", "Row 2: the amount '1.2.3' is not a number"),
        ("Charge,Amount\nON,12,50\n", "Row 2 has 3 cells, the head names 2; a comma inside"),
        ("Charge,Amount\nON\n", "Row 2 has 1 cell, the head names 2; write a cell for every"),
        ("Charge,Amount\nOFF,1\n", "Row 2: the charge 'OFF' has no line of ours; map it."),
        ("Charge,Amount\nON,\n", "Row 2: the amount is empty."),
        ("Charge,Amount\nON,1.005\n", "Row 2: the amount 1.005 has more than 2 decimals."),
        ("Charge,Amount\nON,1234567890123456\n", "is not a number such as"),
        ("Charge,Total\nON,1\n", "There is no column 'Amount' for the amount; the file has Charge"),
        ("Charge,Amount\n", "The file has a head but no line."),
        ("", "The first row names no column."),
        ("Charge,Amount\n" + "ON,x\n" * 3, "(2 more)"),
    ],
)
def test_what_cannot_be_read_names_row_and_column(text, message):
    with pytest.raises(Refused) as caught:
        read_statement(text.encode(), COLUMNS, {"ON": 10})
    assert message in caught.value.message


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PK\x03\x04\x00", b'a,"b\n'])
def test_a_file_that_is_no_csv_is_refused(content):
    with pytest.raises(Refused, match=r"The file is not|There is no column"):
        read_statement(content, COLUMNS, {})


def test_codes_and_credits_are_checked():
    assert read_codes("ENERGY = ON = 10\n\n") == {"ENERGY = ON": 10}
    with pytest.raises(Refused, match="Line 1: 'ENERGY 10' is not charge = our line code"):
        read_codes("ENERGY 10")
    with pytest.raises(Refused, match="is not a part of the disputed"):
        resolve(Decimal(10), Decimal(11))
    assert resolve(Decimal(10), Decimal(0)).interest_usd is None
