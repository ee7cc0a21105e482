"""Energy above the limit of a month, a contract year and an hour."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from contracts.charges import PricedLine, TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from tests.contracts.builders import CHICAGO, charge, inputs, micro_series, spread
from tests.contracts.cases import example

KEY = "excess_energy@1"
DAY = Period.day(CHICAGO, date(2026, 3, 2))


def clause(**more):
    return {
        "price": "58.40",
        "contract_quantity": "30000",
        "limit_ratio": "1.1",
        "test": "MONTH",
        "prices": "BOTH",
        "excess_price": "SHARE",
        "excess_ratio": "0.75",
        "part_month": "DAYS",
        **more,
    }


HOURLY = clause(
    contract_quantity="42",
    limit_ratio="1.15",
    test="HOUR",
    prices="EXCESS",
    excess_price="LOWER_OF_INDEX",
    index="HUB",
)


def month(mwh, label="2026-03", **more):
    grid = Period.month(CHICAGO, label).grid(15)
    return inputs(label, spread(grid, str(Decimal(mwh) * 1000)), **more)


def hours(mwh, prices, minutes=60):
    """A day whose first hours have this energy and these prices."""
    grid = DAY.grid(minutes)
    per = 60 // minutes
    kwh = [int(Decimal(one) * 10**9) // per for one in mwh for _ in range(per)]
    values = kwh + [0] * (grid.count - len(kwh))
    hub = np.full(24, MISSING, dtype=np.int64)
    hub[: len(prices)] = [MISSING if one is None else int(Decimal(one) * 10**8) for one in prices]
    series = PriceSeries(DAY.grid(60), hub, "USD/MWh", "final")
    return inputs(period=DAY, series=micro_series(grid, values), prices={"HUB": series})


def test_a27_above_the_limit_of_the_month():
    expected = example("A27")["expected"]
    sheet, carry = charge(KEY, month("34600"), clause())
    within, excess = (f"{row.exact_usd:.2f}" for row in sheet.rows)
    assert within == expected["contract_energy"]
    assert excess == expected["excess_energy"]
    assert str(sheet.amount_usd) == expected["total"]
    assert carry == {}
    alone = [charge(KEY, month("34600"), clause(prices=one))[0] for one in ("CONTRACT", "EXCESS")]
    assert [str(one.amount_usd) for one in alone] == [within, excess]


@pytest.mark.parametrize("minutes", [60, 15])
def test_a27_above_the_limit_of_the_hour(minutes):
    expected = example("A27")["expected"]
    given = hours(["49.10", "48.90", "48.30"], ["36.20", "61.00"], minutes)
    sheet, _ = charge(KEY, given, HOURLY)
    assert str(sheet.amount_usd) == expected["hourly_over_cap_amount"]
    assert sheet.rows[0].quantity.value == Decimal("1.400")
    at_share, _ = charge(KEY, given, HOURLY | {"excess_price": "SHARE", "index": ""})
    assert str(at_share.amount_usd) == "61.32"


def test_the_excess_of_a_month_is_the_energy_after_the_limit_was_passed():
    terms = HOURLY | {"test": "MONTH", "contract_quantity": "100", "limit_ratio": "1"}
    given = hours(["60", "60", "30"], [None, "40", "70"])
    sheet, _ = charge(KEY, given, terms | {"part_month": "WHOLE"})
    assert sheet.amount_usd == 20 * 40 + 30 * Decimal("43.80")


def test_a_price_is_only_missed_where_there_is_excess():
    sheet, _ = charge(KEY, hours(["49.10", "40"], ["36.20", None]), HOURLY)
    assert str(sheet.amount_usd) == "28.96"
    empty, _ = charge(KEY, hours(["49.10", "49"], ["36.20", None]), HOURLY)
    assert empty.amount_usd is None
    assert [one.message for one in empty.findings] == [
        "no price of HUB for 2026-03-02 07:00 UTC, where there is excess"
    ]


def test_a_contract_year_counts_on_and_stops_at_the_anniversary():
    terms = clause(test="CONTRACT_YEAR", contract_quantity="100000", limit_ratio="1")
    anchor = {"anchor_date": date(2026, 2, 1)}
    first, carry = charge(KEY, month("60000", "2026-02", **anchor), terms)
    second, carry = charge(KEY, month("70000", "2026-03", **anchor), terms, carry)
    third, carry = charge(KEY, month("10", "2026-04", **anchor), terms, carry)
    assert [[row.quantity.value for row in one.rows] for one in (first, second, third)] == [
        [60_000, 0],
        [40_000, 30_000],
        [0, 10],
    ]
    again, carry = charge(KEY, month("5", "2027-02", **anchor), terms, carry)
    assert [row.quantity.value for row in again.rows] == [5, 0]
    assert carry["counted"]["year_from"] == "2027-02-01"
    unknown, _ = charge(KEY, month("5", "2027-03", **anchor), terms, {})
    assert (unknown.amount_usd, unknown.findings[0].code) == (None, "contracts.counted_unknown")


def test_make_up_of_a_lower_line_comes_before_the_excess():
    terms = clause(
        test="CONTRACT_YEAR",
        contract_quantity="100000",
        limit_ratio="1",
        drawn_before=["make_up_mwh"],
    )

    def settle(label, mwh, drawn, carry):
        line = PricedLine(35, "Take or pay", Decimal(0), {"make_up_mwh": Decimal(drawn)})
        given = month(mwh, label, anchor_date=date(2026, 2, 1), lines=(line,))
        sheet, after = charge(KEY, given, terms, carry)
        return sheet.rows[1].quantity.value, after

    excess, carry = settle("2026-02", "104000", "1000", {})
    assert excess == 3000
    excess, carry = settle("2026-03", "500", "200", carry)
    assert excess == 300
    assert carry["counted"]["quantities"] == {"ALL": "104500.000", "drawn": "1200.000"}


def test_a_volume_that_nobody_states_blocks():
    terms = clause(drawn_before=["make_up_mwh"])
    sheet, _ = charge(KEY, month("34600"), terms)
    assert sheet.amount_usd is None
    assert sheet.findings[0].message == "make_up_mwh of 2026-03 is not known"
    known, _ = charge(KEY, month("34600", facts={"make_up_mwh": "600"}), terms)
    assert known.rows[1].quantity.value == 1000


def test_a_price_that_turns_inside_the_month_keeps_one_limit():
    grid = Period.month(CHICAGO, "2027-03").grid(60)
    series = micro_series(grid, [10**9] * grid.count)
    terms = clause(contract_quantity="300", limit_ratio="1", escalator="STEP", escalator_step="1")
    sheet, _ = charge(KEY, inputs("2027-03", series, anchor_date=date(2026, 3, 11)), terms)
    assert [(row.quantity.value, row.rate.value) for row in sheet.rows] == [
        (240, Decimal("58.40")),
        (0, Decimal("43.8")),
        (60, Decimal("59.40")),
        (443, Decimal("44.55")),
    ]


def test_a_part_month_has_part_of_the_limit():
    held = (date(2026, 2, 1), date(2026, 2, 14))
    for rule, excess in (("DAYS", 3500), ("WHOLE", 0)):
        given = month("20000", "2026-02", in_force=held)
        sheet, _ = charge(KEY, given, clause(part_month=rule))
        assert sheet.rows[1].quantity.value == excess


def test_a_missing_reading_leaves_the_amount_empty():
    given = month("34600")
    given.series["delivered"].values[3] = MISSING
    sheet, _ = charge(KEY, given, clause())
    assert (sheet.amount_usd, sheet.findings[0].code) == (None, "contracts.quantity_missing")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"index": "HUB"}, "index: LOWER_OF_INDEX needs an index, and only that"),
        (
            {"test": "HOUR", "drawn_before": ["make_up_mwh"]},
            "drawn_before: volumes of the month cannot be taken from single hours",
        ),
    ],
)
def test_wrong_clauses_are_refused(change, message):
    with pytest.raises(Refused) as caught:
        charge_type(KEY).parse(clause(**change))
    assert caught.value.message == message


def test_a_yearly_limit_needs_a_first_day():
    kind = charge_type(KEY)
    found = kind.check(kind.parse(clause(test="CONTRACT_YEAR")), TermContext())
    assert [one.message for one in found] == [
        "a limit of the contract year needs the first day of contract year 1"
    ]
