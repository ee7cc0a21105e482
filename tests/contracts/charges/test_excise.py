from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.charges import charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, charge, inputs, spread, term

KEY = "excise@1"
STEPS = [
    {"up_to_kwh": "2000", "rate": "0.00465"},
    {"up_to_kwh": "15000", "rate": "0.00419"},
    {"rate": "0.00363"},
]
AGREED = {"steps": STEPS, "part_month": "WHOLE"}


def month(kwh, label="2026-04", **more):
    grid = Period.month(CHICAGO, label).grid(60)
    return inputs(label, spread(grid, kwh), term=term("kWh tax", 81), **more)


@pytest.mark.parametrize(
    ("kwh", "amount", "rows"),
    [
        ("18432517", "66919.36", 3),
        ("15000", "63.77", 2),
        ("2000", "9.30", 1),
        ("0", "0.00", 1),
        ("1999.4", "9.30", 1),  # taxed in whole kWh
        ("-100", "-0.47", 1),
    ],
)
def test_each_kwh_pays_the_rate_of_its_step(kwh, amount, rows):
    sheet, _ = charge(KEY, month(kwh), AGREED)
    assert (str(sheet.amount_usd), len(sheet.rows)) == (amount, rows)


def test_a_step_says_what_falls_into_it():
    sheet, _ = charge(KEY, month("9000"), AGREED)
    assert sheet.rows[1].quantity.sentence() == "max(min(9000 kWh, 15000 kWh) - 2000 kWh, 0)"


@pytest.mark.parametrize(("rule", "amount"), [("DAYS", "9.00"), ("WHOLE", "9.30")])
def test_a_part_month_shortens_the_steps_where_agreed(rule, amount):
    grid = Period.month(CHICAGO, "2026-04").grid(60)
    values = [Decimal(0)] * grid.count
    values[500] = Decimal(2000)
    held = {"in_force": (date(2026, 4, 16), date(2026, 4, 30))}
    given_month = inputs("2026-04", Series.of(grid, values, "kWh"), term=term("Tax", 81), **held)
    steps = [{"up_to_kwh": "2000", "rate": "0.00465"}, {"rate": "0.00435"}]
    sheet, _ = charge(KEY, given_month, {"steps": steps, "part_month": rule})
    assert str(sheet.amount_usd) == amount


def test_a_missing_reading_leaves_no_tax():
    grid = Period.month(CHICAGO, "2026-04").grid(60)
    series = Series.of(grid, [None] + [Decimal(1)] * (grid.count - 1), "kWh")
    sheet, _ = charge(KEY, inputs("2026-04", series, term=term("Tax", 81)), AGREED)
    assert sheet.amount_usd is None
    assert "has no value in 1 intervals" in sheet.findings[0].message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": []}, "give 1 to 50 steps, not 0"),
        ({"steps": STEPS[:2]}, "the last one ends at 15000 kWh; leave its end empty"),
        ({"steps": [STEPS[2], *STEPS]}, "step 1 has no end, so step 2 is never reached"),
        ({"steps": [STEPS[1], *STEPS]}, "step 1 ends at 15000 kWh, step 2 at 2000 kWh"),
        ({"part_month": "HALF"}, "part_month"),
    ],
)
def test_parameters_that_cannot_be_meant(change, said):
    with pytest.raises(Refused, match=said):
        charge_type(KEY).parse(AGREED | change)


def test_the_part_month_must_be_said():
    with pytest.raises(Refused, match="part_month: is required"):
        charge_type(KEY).parse({"steps": STEPS})


@given(st.integers(0, 100_000), st.integers(0, 100_000))
def test_more_energy_never_pays_less_and_steps_add_up(one, other):
    low, high = sorted((one, other))
    less, more = (charge(KEY, month(str(kwh)), AGREED)[0] for kwh in (low, high))
    assert less.exact_usd <= more.exact_usd
    assert sum(row.quantity.value for row in more.rows) == high
