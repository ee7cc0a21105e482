from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.charges import PricedLine, TermContext, charge_type
from poweroptix.kernel.errors import Refused
from tests.contracts.builders import charge, inputs, term
from tests.contracts.cases import example

KEY = "tax@1"
CERTIFICATE = {
    "line_code": 10,
    "certificate": "TX-77",
    "exempt_ratio": "0.75",
    "from_date": "2026-01-01",
    "until_date": "2026-08-31",
}
AGREED = {
    "rates": [{"from_date": "2026-01-01", "rate_ratio": "0.0625"}],
    "lines": [10],
    "method": "ON_TOP",
    "tax_day": "LAST_DAY",
}


def line(code, amount, label="Energy"):
    return PricedLine(code, label, None if amount is None else Decimal(amount))


def bill(*lines, label="2026-08", **more):
    return inputs(label, term=term("Sales tax", 80), lines=lines, **more)


def test_each_taxed_line_is_a_row_with_its_certificate():
    given_lines = (line(10, "804265.31"), line(20, "5", "Demand"), line(40, "25000.00", "Fee"))
    sheet, carried = charge(
        KEY, bill(*given_lines), AGREED | {"lines": [40, 10], "certificates": [CERTIFICATE]}
    )
    assert str(sheet.amount_usd) == "14129.15"
    assert [row.label for row in sheet.rows] == ["Sales tax, Energy", "Sales tax, Fee"]
    assert sheet.rows[0].quantity.sentence() == "804265.31 USD x (1 - 0.75 ratio)"
    assert sheet.rows[0].quantity.note == "certificate TX-77"
    assert (carried, sheet.findings) == ({}, ())


@pytest.mark.parametrize(
    ("label", "amount", "warned"),
    [("2026-08", "15.63", False), ("2026-09", "62.50", True), ("2025-12", None, False)],
)
def test_a_certificate_that_ran_out_leaves_the_line_taxable_and_says_so(label, amount, warned):
    parameters = AGREED | {"certificates": [CERTIFICATE]}
    if amount is None:
        with pytest.raises(Refused, match="no rate for 2025-12-31; the first one holds from 2026"):
            charge(KEY, bill(line(10, "1000"), label=label), parameters)
        return
    sheet, _ = charge(KEY, bill(line(10, "1000"), label=label), parameters)
    assert str(sheet.amount_usd) == amount
    assert [found.message for found in sheet.findings] == [
        "certificate TX-77 ended on 2026-08-31; line 10 is taxed in full"
    ] * warned
    assert all(str(found.severity) == "WARN" for found in sheet.findings)


def test_a_renewed_certificate_needs_no_warning():
    renewed = CERTIFICATE | {
        "certificate": "TX-78", "from_date": "2026-09-01", "until_date": None,
    }  # fmt: skip
    parameters = AGREED | {"certificates": [CERTIFICATE, renewed]}
    sheet, _ = charge(KEY, bill(line(10, "1000"), label="2026-09"), parameters)
    assert (str(sheet.amount_usd), sheet.findings) == ("15.63", ())


@pytest.mark.parametrize(("day", "amount"), [("FIRST_DAY", "62.50"), ("LAST_DAY", "65.00")])
def test_the_day_of_the_rate_is_a_choice_of_the_contract(day, amount):
    parameters = AGREED | {
        "rates": [*AGREED["rates"], {"from_date": "2026-08-15", "rate_ratio": "0.065"}],
        "tax_day": day,
    }
    assert str(charge(KEY, bill(line(10, "1000")), parameters)[0].amount_usd) == amount
    first_half = {"in_force": (date(2026, 8, 1), date(2026, 8, 14))}
    assert str(charge(KEY, bill(line(10, "1000"), **first_half), parameters)[0].amount_usd) == (
        "62.50"
    )


def test_c04_the_corrected_month_is_taxed_at_its_own_rate():
    case = example("C04")
    parameters = AGREED | {
        "rates": [*AGREED["rates"], {"from_date": "2026-09-01", "rate_ratio": "0.065"}]
    }
    old, new = (
        charge(KEY, bill(line(10, case["inputs"][name])), parameters)[0].amount_usd
        for name in ("taxable_old", "taxable_new")
    )
    assert [str(old), str(new), str(new - old)] == [
        case["expected"][name] for name in ("tax_old", "tax_new", "tax_delta")
    ]


def test_a_line_without_an_amount_leaves_no_tax():
    sheet, _ = charge(KEY, bill(line(10, None)), AGREED | {"certificates": [CERTIFICATE]})
    assert sheet.amount_usd is None
    assert sheet.findings[0].message == "line 10 'Energy' has no amount yet, and it counts"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": None}, "method"),
        ({"lines": []}, "name at least one line"),
        ({"rates": []}, "give at least one rate"),
        ({"rates": [{"from_date": "2026-01-01", "rate_ratio": "6.25"}]}, "0.0625 is 6.25 %"),
        ({"rates": [*AGREED["rates"]] * 2}, "2026-01-01 comes after 2026-01-01; put them in order"),
        ({"certificates": [CERTIFICATE | {"line_code": 20}]}, "line 20 of TX-77 is not taxed"),
        ({"certificates": [CERTIFICATE] * 2}, "TX-77 and TX-77 both exempt line 10 on one day"),
        ({"certificates": [CERTIFICATE | {"certificate": " "}]}, "give its number"),
        ({"certificates": [CERTIFICATE | {"until_date": "2025-01-01"}]}, "is before 2026-01-01"),
    ],
)
def test_parameters_that_cannot_be_meant(change, said):
    with pytest.raises(Refused, match=said):
        charge_type(KEY).parse(AGREED | change)


@pytest.mark.parametrize("name", ["method", "tax_day", "lines", "rates"])
def test_what_bills_differ_on_must_be_said(name):
    with pytest.raises(Refused, match=f"{name}: is required"):
        charge_type(KEY).parse({key: value for key, value in AGREED.items() if key != name})


def test_a_correction_is_not_taxed_again():
    kind = charge_type(KEY)
    [found] = kind.check(kind.parse(AGREED | {"lines": [10, 70]}), TermContext())
    assert found.message == "line 70 brings the tax of the month it corrects; it is not taxed again"


@given(st.decimals("-100000", "100000", places=2), st.integers(0, 9999))
def test_a_tax_that_is_included_is_its_rate_of_what_is_billed(base, rate):
    ratio = Decimal(rate) / 10_000
    rates = [{"from_date": "2026-01-01", "rate_ratio": f"{ratio:f}"}]
    sheet, _ = charge(
        KEY, bill(line(10, str(base))), AGREED | {"method": "INCLUDED", "rates": rates}
    )
    billed = base + sheet.amount_usd
    # half a cent of the tax, seen from the whole
    assert abs(billed * ratio - sheet.amount_usd) <= Decimal("0.0051")
