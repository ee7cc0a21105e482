"""Time of use x blocks: three conventions, three bills."""

import ast
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.charges import TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, calendar, charge, inputs, micro_series
from tests.contracts.cases import example

KEY = "tou_blocks@1"
START = datetime(2026, 3, 2, 6, tzinfo=UTC)  # midnight in Chicago
#: OFF and PEAK change every hour, so that the load of a case stands in any order of periods.
ROWS = [
    {
        "day_types": ["all"],
        "start": f"{hour:02d}:00",
        "end": f"{hour + 1:02d}:00",
        "period": "PEAK" if hour % 2 else "OFF",
    }
    for hour in range(24)
]
CONVENTIONS = ("PRORATA", "CHRONOLOGICAL", "PER_PERIOD")


def tiers(first, rest, end="1200"):
    return [{"up_to": end, "price": first}, {"price": rest}]


def clause(convention, **more):
    return {
        "calendar": "C",
        "convention": convention,
        "counts": "MONTH",
        "volume": "MARGINAL",
        "part_month": "WHOLE",
        "price_unit": "USD/kWh",
        "line_per": "CHARGE",
        "periods": [
            {"period": "OFF", "blocks": tiers("0.06", "0.05")},
            {"period": "PEAK", "blocks": tiers("0.10", "0.08")},
        ],
        **more,
    }


def hours_of(pairs):
    """Hourly inputs with the energy of each pair in the next hour of its period."""
    values, hour = [], 0
    for name, kwh in pairs:
        while (hour % 2 == 1) != (name == "PEAK"):
            values.append(Decimal(0))
            hour += 1
        values.append(Decimal(kwh))
        hour += 1
    grid = Grid(START, 60, len(values))
    period = Period(START, START + timedelta(hours=len(values)), CHICAGO, "2026-03")
    series = Series.of(grid, values, "kWh")
    return inputs(period=period, series=series, calendars={"C": calendar(ROWS)})


def case_load():
    return ast.literal_eval(example("A10")["inputs"]["kwh_in_time_order"])


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a10_three_conventions(convention):
    expected = example("A10")["expected"]
    sheet, _ = charge(KEY, hours_of(case_load()), clause(convention))
    assert str(sheet.amount_usd) == expected[convention]
    assert sum(row.quantity.value for row in sheet.rows) == 2000


def test_prorata_rows_show_how_a_block_is_spread():
    sheet, _ = charge(KEY, hours_of(case_load()), clause("PRORATA"))
    assert [(row.label, str(row.quantity.value)) for row in sheet.rows] == [
        ("Energy, OFF, block 1", "720.000"),
        ("Energy, PEAK, block 1", "480.000"),
        ("Energy, OFF, block 2", "480.000"),
        ("Energy, PEAK, block 2", "320.000"),
    ]
    assert sheet.rows[0].quantity.formula == "block_1_kwh * off_kwh / all_kwh"


def test_the_interval_that_crosses_a_bound_is_split():
    load = [("OFF", 1000), ("PEAK", 500), ("OFF", 100)]
    sheet, _ = charge(KEY, hours_of(load), clause("CHRONOLOGICAL"))
    assert [(row.label[8:], str(row.quantity.value)) for row in sheet.rows] == [
        ("OFF, block 1", "1000.000"),
        ("PEAK, block 1", "200.000"),
        ("OFF, block 2", "100.000"),
        ("PEAK, block 2", "300.000"),
    ]
    assert sheet.rows[1].quantity.source.label == (
        "delivered in PEAK hours while the running total was from 0 to 1200 kWh"
    )


def test_losses_move_the_bound_that_the_running_total_reaches():
    load = [("OFF", 1000), ("PEAK", 500)]
    terms = clause("CHRONOLOGICAL", loss_ratio="0.2", loss_share_of="SENT")
    sheet, _ = charge(KEY, hours_of(load), terms)
    quantities = {row.label[8:]: row.quantity.value for row in sheet.rows}
    assert quantities == {
        "OFF, block 1": 1200,
        "OFF, block 2": 50,
        "PEAK, block 2": 625,
    }


def test_a_year_to_date_goes_on_in_the_next_month():
    carry = {"counted": {"year_from": "2026-01-01", "quantities": {"ALL": "1150"}}}
    for convention in ("PRORATA", "CHRONOLOGICAL"):
        given = hours_of([("OFF", 30), ("PEAK", 70)])
        object.__setattr__(given, "anchor_date", date(2026, 1, 1))
        sheet, after = charge(KEY, given, clause(convention, counts="CONTRACT_YEAR"), carry)
        found = {row.label[8:]: row.quantity.value for row in sheet.rows}
        shared = {
            "OFF, block 1": 15,
            "PEAK, block 1": 35,
            "OFF, block 2": 15,
            "PEAK, block 2": 35,
        }
        in_time = {"OFF, block 1": 30, "PEAK, block 1": 20, "PEAK, block 2": 50}
        assert found == (shared if convention == "PRORATA" else in_time)
        assert after["counted"]["quantities"] == {"ALL": "1250.000"}


def test_each_period_may_count_its_own_year():
    carry = {"counted": {"year_from": "2026-01-01", "quantities": {"OFF": "1190", "PEAK": "5"}}}
    given = hours_of([("OFF", 30), ("PEAK", 70)])
    object.__setattr__(given, "anchor_date", date(2026, 1, 1))
    sheet, after = charge(KEY, given, clause("PER_PERIOD", counts="CONTRACT_YEAR"), carry)
    assert {row.label[8:]: row.quantity.value for row in sheet.rows} == {
        "OFF, block 1": 10,
        "OFF, block 2": 20,
        "PEAK, block 1": 70,
    }
    assert after["counted"]["quantities"] == {"OFF": "1220.000", "PEAK": "75.000"}
    unknown, _ = charge(KEY, given, clause("CHRONOLOGICAL", counts="CONTRACT_YEAR"))
    assert unknown.amount_usd is None
    assert unknown.findings[0].code == "contracts.counted_unknown"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 900_000_000), min_size=24, max_size=24))
def test_every_convention_bills_all_energy_between_the_cheapest_and_the_dearest_price(values):
    period = Period(START, START + timedelta(hours=24), CHICAGO, "2026-03")
    series = micro_series(Grid(START, 60, 24), values)
    given = inputs(period=period, series=series, calendars={"C": calendar(ROWS)})
    total = Decimal(sum(values)) / 10**6
    for convention in CONVENTIONS:
        sheet, _ = charge(KEY, given, clause(convention, quantity_places=6))
        billed = sum(row.quantity.value for row in sheet.rows)
        assert abs(billed - total) <= Decimal("0.000004"), convention
        assert total * Decimal("0.05") - 1 <= sheet.amount_usd <= total * Decimal("0.10") + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"periods": [{"period": "OFF", "blocks": tiers("1", "2")}] * 2},
            "periods: OFF has two prices",
        ),
        ({"periods": []}, "periods: no period is given"),
        (
            {
                "periods": [
                    {"period": "OFF", "blocks": tiers("1", "2")},
                    {"period": "PEAK", "blocks": tiers("1", "2", "900")},
                ]
            },
            "periods: CHRONOLOGICAL needs the same bounds in all periods",
        ),
        ({"volume": "REACHED"}, "volume: a running total gives each interval its own block"),
    ],
)
def test_wrong_clauses_are_refused(change, message):
    with pytest.raises(Refused) as caught:
        charge_type(KEY).parse(clause("CHRONOLOGICAL") | change)
    assert caught.value.message == message


def test_periods_are_those_of_the_calendar():
    kind = charge_type(KEY)
    terms = clause("PRORATA")
    terms["periods"][1] = {"period": "ON", "blocks": tiers("1", "2")}
    context = TermContext(calendars={"C": calendar(ROWS)})
    assert [one.message for one in kind.check(kind.parse(terms), context)] == [
        "PEAK has no price",
        "'ON' is not a period of C; known: OFF, PEAK",
    ]
    with pytest.raises(Refused, match="PEAK has no price; name its blocks"):
        charge(KEY, hours_of([("PEAK", 1)]), terms | {"convention": "PER_PERIOD"})


def test_a_missing_reading_leaves_the_amount_empty():
    given = hours_of([("OFF", 1), ("PEAK", 1)])
    given.series["delivered"].values[1] = -(2**63)
    sheet, _ = charge(KEY, given, clause("PRORATA"))
    assert sheet.amount_usd is None
    assert sheet.findings[0].code == "contracts.quantity_missing"
