"""Take or pay by month and by contract year, what counts, and the make-up bank."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calc.make_up import MakeUpBank, Paid
from contracts.calc.price_terms import PricedTerm, PricingInputs, price_terms
from contracts.charges import Event, PricedLine, TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import money
from tests.contracts.builders import CHICAGO, charge, inputs, micro_series, spread
from tests.contracts.cases import example

KEY = "take_or_pay@1"
ANCHOR = date(2026, 1, 1)


def clause(**more):
    return {
        "price": "60",
        "contract_quantity": "360000",
        "take_ratio": "0.9",
        "test": "CONTRACT_YEAR",
        "pays": "FULL_PRICE",
        "excused": [],
        "deemed": [],
        "make_up_years": 2,
        "energy_billed": "HERE",
        "part_month": "WHOLE",
        **more,
    }


GROWING = {"escalator": "FROM_BASE", "escalator_ratio": "0.02", "price_places": 2}


def monthly(label, mwh, facts=None, **more):
    grid = Period.month(CHICAGO, label).grid(60)
    series = spread(grid, str(Decimal(mwh) * 1000))
    return inputs(label, series, anchor_date=ANCHOR, facts=facts or {}, **more)


def settle_year(year, mwh, terms, carry, extra=()):
    """Price twelve months through the terms; return the sheets of the line and the carry."""
    sheets = []
    shares = [Decimal(mwh) // 12] * 11
    for number, taken in enumerate([*shares, Decimal(mwh) - sum(shares)], start=1):
        period = Period.month(CHICAGO, f"{year}-{number:02d}")
        given_month = PricingInputs(
            "PPA",
            1,
            period,
            CHICAGO,
            "USD",
            series={"delivered": spread(period.grid(60), str(taken * 1000))},
            anchor_date=ANCHOR,
            carry_in=carry,
        )
        take = PricedTerm(35, 35, KEY, "Take or pay", parameters=terms)
        priced, carry = price_terms([*extra, take], given_month)
        sheets.append({term.line_code: sheet for term, sheet in priced})
    return sheets, carry


def amounts(sheets, what):
    rows = [row for one in sheets for row in one[35].rows if what in row.label]
    return sum(money(row.exact_usd) for row in rows), sum(row.quantity.value for row in rows)


def test_a25_three_years_with_a_make_up_bank():
    expected = example("A25")["expected"]
    carry = {}
    for number, mwh in enumerate((310_000, 335_500, 325_000), start=1):
        found = expected[f"year{number}"]
        sheets, carry = settle_year(2025 + number, mwh, clause(**GROWING), carry)
        assert f"{amounts(sheets, 'energy')[0]:.2f}" == found["energy"]
        made_up, made_up_mwh = amounts(sheets, "made up")
        assert f"{made_up:.2f}" == found["make_up_amount"]
        assert made_up_mwh == Decimal(found["make_up_mwh"])
        owed, owed_mwh = amounts(sheets, "deficiency")
        assert f"{owed:.2f}" == found["deficiency_payment"]
        assert owed_mwh == Decimal(found["deficiency_mwh"])
        total = sum(one[35].amount_usd for one in sheets)
        assert f"{total:.2f}" == found["total"]
        figures = {one.name: one.value for one in sheets[-1][35].figures}
        assert figures["bank_mwh"] == Decimal(found["bank_mwh_end"])
        assert figures["expired_mwh"] == found["expired_mwh"]
        assert sum(row.quantity.value for row in sheets[0][35].rows if "def" in row.label) == 0
    assert figures["ends_with_year_mwh"] == Decimal(expected["end_of_year3_expires_mwh"])
    sheets, carry = settle_year(2029, 330_000, clause(**GROWING), carry)
    assert sheets[0][35].figures[2].value == Decimal(expected["end_of_year3_expires_mwh"])
    assert amounts(sheets, "made up") == (0, 0)
    assert "make_up" not in carry["35"]


def test_other_terms_bill_the_energy_and_make_up_is_a_credit():
    """The bill is the same wherever the energy itself stands."""
    expected = example("A25")["expected"]
    energy = PricedTerm(10, 10, "fixed_energy@1", "Energy", parameters={"price": "60", **GROWING})
    carry = {}
    for number, mwh in enumerate((310_000, 335_500, 325_000), start=1):
        terms = clause(**GROWING, energy_billed="OTHER_TERMS")
        sheets, carry = settle_year(2025 + number, mwh, terms, carry, extra=[energy])
        total = sum(sheet.amount_usd for one in sheets for sheet in one.values())
        assert f"{total:.2f}" == expected[f"year{number}"]["total"]


def test_recorded_excuses_of_the_buyer_lessen_what_is_to_be_taken():
    terms = clause(
        contract_quantity="27000", take_ratio="0.85", test="MONTH", excused=["excused_mwh"],
        make_up_years=0, energy_billed="OTHER_TERMS", price="58",
    )  # fmt: skip
    may = Period.month(CHICAGO, "2026-05")

    def excuse(days, whose, mwh):
        start = may.start_utc + timedelta(days=days)
        values = {"excused": whose, "energy_mwh": mwh, "cause": "storm"}
        return Event("excuse@1", start, start + timedelta(days=2), values)

    events = (excuse(-1, "BUYER", "9000"), excuse(3, "BUYER", "600"), excuse(30, "BUYER", "50"),
              excuse(5, "SELLER", "7000"))  # fmt: skip
    sheet, _ = charge(KEY, monthly("2026-05", "21400", events=events), terms)
    assert sheet.rows[-1].quantity.sentence() == "max(22300.000 MWh - 21400.000 MWh, 0)"
    nothing, _ = charge(KEY, monthly("2026-05", "21400"), terms)
    assert nothing.rows[-1].quantity.sentence() == "max(22950.000 MWh - 21400.000 MWh, 0)"
    kind = charge_type(KEY)
    assert kind.needs(kind.parse(terms)).events == ("excuse@1",)
    assert "excused is what recorded events excuse the buyer of" in kind.sentence(kind.parse(terms))


def test_a_month_less_excuses_and_deemed_energy():
    terms = clause(
        contract_quantity="27000",
        take_ratio="0.85",
        test="MONTH",
        pays="LESS_AVOIDED_COST",
        avoided_cost="21.50",
        excused=["outage_mwh", "curtailed_mwh"],
        deemed=["deemed_mwh"],
        make_up_years=0,
        energy_billed="OTHER_TERMS",
        price="58",
    )
    facts = {"outage_mwh": "600", "curtailed_mwh": "50", "deemed_mwh": "400"}
    sheet, carry = charge(KEY, monthly("2026-05", "21000", facts), terms)
    assert str(sheet.amount_usd) == "32850.00"
    assert carry == {}
    owed = sheet.rows[-1].quantity
    assert owed.sentence() == "max(22300.000 MWh - 21400.000 MWh, 0)"
    assert str(sheet.rows[-1].rate.value) == "36.50"


@pytest.mark.parametrize(
    ("more", "dollars"),
    [({"pays": "FIXED_PRICE", "deficiency_price": "12.5"}, "25000.00"), ({}, "120000.00")],
)
def test_the_price_of_a_deficiency(more, dollars):
    terms = clause(contract_quantity="10000", test="MONTH", energy_billed="OTHER_TERMS", **more)
    assert str(charge(KEY, monthly("2026-05", "7000"), terms)[0].amount_usd) == dollars


def test_deemed_energy_may_be_the_figure_of_a_lower_line():
    terms = clause(contract_quantity="10000", test="MONTH", deemed=["deemed_mwh"], make_up_years=1)
    line = PricedLine(12, "Deemed energy", Decimal(1), {"deemed_mwh": Decimal(1500)})
    sheet, carry = charge(KEY, monthly("2026-05", "7000", lines=(line,)), terms)
    assert sheet.rows[-1].quantity.value == 500
    assert carry["make_up"] == [{"year": 1, "quantity": "500.000", "price": "60"}]
    later, carry = charge(KEY, monthly("2026-06", "9200", {"deemed_mwh": "0"}), terms, carry)
    assert [(row.label, str(row.quantity.value)) for row in later.rows] == [
        ("Energy, energy", "9000.000"),
        ("Energy, made up of year 1", "200.000"),
        ("Energy, deficiency", "0"),
    ]
    assert carry["make_up"] == [{"year": 1, "quantity": "300.000", "price": "60"}]


def test_a_volume_that_nobody_states_blocks_and_keeps_the_carry():
    terms = clause(excused=["outage_mwh"])
    carry = {"make_up": [{"year": 1, "quantity": "5", "price": "60"}]}
    sheet, after = charge(KEY, monthly("2026-01", "7000"), terms, carry)
    assert sheet.amount_usd is None
    assert sheet.findings[0].message == "outage_mwh of 2026-01 is not known"
    assert after == carry


def test_a_year_goes_on_only_with_its_count():
    sheet, _ = charge(KEY, monthly("2026-06", "7000"), clause())
    assert (sheet.amount_usd, sheet.findings[0].code) == (None, "contracts.counted_unknown")
    opening = {"counted": {"year_from": "2026-01-01", "quantities": {"delivered": "310000"}}}
    sheet, _ = charge(KEY, monthly("2026-12", "7000"), clause(), opening)
    assert sheet.rows[-1].quantity.value == 7000


def test_the_year_that_turns_inside_a_month_ends_there():
    grid = Period.month(CHICAGO, "2027-03").grid(60)
    given_month = inputs(
        "2027-03",
        micro_series(grid, [10**9] * grid.count),
        anchor_date=date(2026, 3, 11),
        facts={"outage_mwh": "0"},
    )
    count = {"counted": {"year_from": "2026-03-11", "quantities": {"delivered": "300000"}}}
    terms = clause(
        excused=["outage_mwh"], year_quantities=[{"contract_year": 1, "quantity": "334000"}]
    )
    sheet, carry = charge(KEY, given_month, terms, count)
    assert [(row.label, str(row.quantity.value)) for row in sheet.rows] == [
        ("Energy, energy 2027-03-01 to 2027-03-10", "240.000"),
        ("Energy, deficiency 2027-03-01 to 2027-03-10", "360.000"),
        ("Energy, energy 2027-03-11 to 2027-03-31", "503.000"),
        ("Energy, deficiency 2027-03-11 to 2027-03-31", "0"),
    ]
    assert carry["counted"]["year_from"] == "2027-03-11"
    assert carry["make_up"] == [{"year": 1, "quantity": "360.000", "price": "60"}]
    given_month.facts["outage_mwh"] = "20"
    undated, _ = charge(KEY, given_month, terms, count)
    assert undated.amount_usd is None
    assert "cannot be given to one of the two years" in undated.findings[0].message


def test_make_up_never_pays_back_more_than_the_price_now():
    """The price fell below what was paid: made-up energy is free, no more."""
    carry = {
        "counted": {"year_from": "2027-01-01", "quantities": {"delivered": "324000"}},
        "make_up": [{"year": 1, "quantity": "100", "price": "75"}],
    }
    for billed, dollars in (("HERE", "54000.00"), ("OTHER_TERMS", "-6000.00")):
        terms = clause(energy_billed=billed)
        sheet, _ = charge(KEY, monthly("2027-12", "1000"), terms, carry)
        assert str(sheet.amount_usd) == dollars


volumes = st.lists(st.integers(0, 500), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(volumes, volumes, st.integers(1, 4))
def test_the_bank_never_gives_more_than_was_paid_and_takes_the_oldest_first(paid, drawn, years):
    bank = MakeUpBank([], years)
    put, taken = Decimal(0), Decimal(0)
    for year, quantity in enumerate(paid, start=1):
        put -= bank.expire_before(year)
        bank.pay(year, Decimal(quantity), Decimal(60))
        put += quantity
        for want in drawn[:year]:
            held = [one.year for one in bank.entries]
            parts = bank.draw(Decimal(want))
            assert [one.year for one in parts] == held[: len(parts)]
            taken += sum(one.quantity for one in parts)
        assert bank.total == put - taken >= 0
        assert all(one.year + years >= year for one in bank.entries)


def test_nothing_is_banked_where_nothing_may_be_made_up():
    bank = MakeUpBank([], 0)
    bank.pay(1, Decimal(5), Decimal(60))
    assert (bank.entries, bank.carry_out()) == ([], {})
    assert MakeUpBank([Paid(1, Decimal(5), Decimal(60))], 1).ending_with(2) == 5


def test_a_missing_reading_leaves_the_amount_empty():
    given_month = monthly("2026-01", "7000")
    given_month.series["delivered"].values[3] = MISSING
    sheet, _ = charge(KEY, given_month, clause())
    assert (sheet.amount_usd, sheet.findings[0].code) == (None, "contracts.quantity_missing")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"pays": "FIXED_PRICE"},
            "deficiency_price: FIXED_PRICE needs a price, and only that",
        ),
        (
            {"year_quantities": [{"contract_year": 1, "quantity": "1"}] * 2},
            "year_quantities: a contract year is named twice",
        ),
    ],
)
def test_wrong_clauses_are_refused(change, message):
    with pytest.raises(Refused) as caught:
        charge_type(KEY).parse(clause(**change))
    assert caught.value.message == message


@pytest.mark.parametrize("entry", [{"year": "one", "quantity": "1", "price": "1"}, {"year": 1}, 5])
def test_a_bank_that_cannot_be_read_is_refused(entry):
    with pytest.raises(Refused, match="make_up: "):
        charge(KEY, monthly("2026-01", "1"), clause(), {"make_up": [entry]})


def test_contract_years_need_a_first_day():
    kind = charge_type(KEY)
    assert [one.message for one in kind.check(kind.parse(clause()), TermContext())] == [
        "take or pay needs the first day of contract year 1"
    ]
