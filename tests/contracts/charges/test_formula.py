from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.charges import PricedLine, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, charge, inputs, micro_series, term
from tests.contracts.cases import example

KEY = "formula@1"
DAY = Period.day(CHICAGO, date(2026, 3, 3))
HOURS = DAY.grid(60)


def series(name, take="SUM", unit="MWh", of="delivered"):
    return {"name": name, "kind": "SERIES", "of": of, "take": take, "unit": unit}


def index(name, take="EACH", unit="USD/MWh", of="HUB"):
    return {"name": name, "kind": "INDEX", "of": of, "take": take, "unit": unit}


def constant(name, value, unit="USD/MWh"):
    return {"name": name, "kind": "CONSTANT", "value": value, "unit": unit}


def agreed(formula, *names):
    return {"formula": formula, "names": list(names)}


def day(kwh=None, hub=None, minutes=60, **more):
    grid = DAY.grid(minutes)
    values = kwh or ["1000"] * grid.count
    readings = Series.of(grid, [None if one is None else Decimal(one) for one in values], "kWh")
    prices = {} if hub is None else {"HUB": PriceSeries.of(HOURS, hub, "USD/MWh", "final")}
    fields = {"term": term("Special", 36), "prices": prices} | more
    return inputs(period=DAY, series=readings, **fields)


def test_the_formula_is_shown_filled_in():
    terms = agreed(
        "max(0, agreed * share - taken) * price",
        {"name": "agreed", "kind": "FACT", "of": "contract_mwh", "unit": "MWh"},
        constant("share", "0.8", "ratio"),
        series("taken"),
        constant("price", "31.75"),
    )
    sheet, carried = charge(KEY, day(facts={"contract_mwh": "40"}), terms)
    [row] = sheet.rows
    assert row.quantity.sentence() == ("max(0, 40 MWh x 0.8 ratio - 24 MWh) x 31.75 USD/MWh")
    assert (str(sheet.amount_usd), carried) == ("254.00", {})
    assert [figure.name for figure in sheet.figures] == ["agreed", "share", "taken", "price"]
    assert all(figure.source is not None for figure in sheet.figures)


@pytest.mark.parametrize(
    ("take", "unit", "value", "note"),
    [
        ("SUM", "MWh", "24.5", "sum of 24 intervals"),
        ("MAX", "kW", "1500", "the highest, of the interval that begins 2026-03-03 08:00 UTC"),
        ("MIN", "MW", "1", "the lowest, of the interval that begins 2026-03-03 06:00 UTC"),
        ("AVERAGE", "kWh", "1020.8333333333333", "average of 24 intervals"),
    ],
)
def test_how_intervals_become_one_number_is_a_choice(take, unit, value, note):
    kwh = ["1000"] * 24
    kwh[2] = "1500"
    terms = agreed("x1 * price", series("x1", take, unit), constant("price", "2", f"USD/{unit}"))
    figure = charge(KEY, day(kwh), terms)[0].figures[0]
    assert str(figure.value).startswith(value)
    assert (figure.unit, figure.note) == (unit, note)


def test_kw_follow_from_the_length_of_the_interval():
    terms = agreed("peak * rate", series("peak", "MAX", "kW"), constant("rate", "1", "USD/kW"))
    quarters = ["250"] * 95 + ["300"]
    assert str(charge(KEY, day(quarters, minutes=15), terms)[0].amount_usd) == "1200.00"


def test_a15_the_collar_by_interval_and_on_the_average():
    case = example("A15")
    hours = Period(
        datetime(2026, 3, 3, 6, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC), CHICAGO, "4 h"
    )
    prices = [Decimal(one) for one in ("31.27", "28.94", "-5.10", "144.615")]
    grid = hours.grid(60)
    given_hours = inputs(
        period=hours,
        series=Series.of(grid, [Decimal(25000)] * 4, "kWh"),
        prices={"HUB": PriceSeries.of(grid, prices, "USD/MWh", "final")},
        term=term("Index energy", 12),
    )
    limits = (constant("floor", "25"), constant("cap", "60"))
    ways = {
        "per_interval": agreed(
            "clip(lmp, floor, cap) * energy", index("lmp"), *limits, series("energy", "EACH")
        ),
        "period_average": agreed(
            "clip(lmp, floor, cap) * energy", index("lmp", "AVERAGE"), *limits, series("energy")
        ),
        "uncollared": agreed("lmp * energy", index("lmp"), series("energy", "EACH")),
    }
    for name, terms in ways.items():
        sheet, _ = charge(KEY, given_hours, terms)
        assert str(sheet.amount_usd) == case["expected"][name], name
    row = charge(KEY, given_hours, ways["per_interval"])[0].rows[0]
    assert row.rate.sentence() == "clip(lmp, 25 USD/MWh, 60 USD/MWh) x energy"
    assert row.sentence().startswith("4 intervals")


def test_lines_of_lower_codes_and_parts_of_them():
    terms = agreed(
        "max(floor - energy - 0.5 * demand, 0)",
        constant("floor", "1000", "USD"),
        {"name": "energy", "kind": "LINE", "of": "10", "unit": "USD"},
        {"name": "demand", "kind": "LINE", "of": "20", "unit": "USD"},
    )
    lines = (
        PricedLine(10, "Energy", Decimal("250.10")),
        PricedLine(20, "Demand", Decimal("99.99")),
    )
    sheet, _ = charge(KEY, day(lines=lines), terms)
    assert str(sheet.amount_usd) == "699.91"  # 1,000 - 250.10 - 49.995 = 699.905
    empty, _ = charge(KEY, day(lines=(lines[0], PricedLine(20, "Demand", None))), terms)
    assert empty.amount_usd is None
    assert "line 20 'Demand' has no amount yet" in empty.findings[0].message
    with pytest.raises(Refused, match="no line 20 comes before line 36; known: 10"):
        charge(KEY, day(lines=lines[:1]), terms)


BY_INTERVAL = agreed("lmp * energy", index("lmp"), series("energy", "EACH"))


@pytest.mark.parametrize(
    ("terms", "given_day", "message"),
    [
        (BY_INTERVAL, {"kwh": ["1"] * 23 + [None], "hub": [Decimal(1)] * 24},
         "'delivered' has no value in 1 intervals"),
        (BY_INTERVAL, {"hub": [Decimal(1)] * 23 + [None]},
         "no price of HUB for 2026-03-04 05:00 UTC and later (1 intervals)"),
        (agreed("n * p", {"name": "n", "kind": "FACT", "of": "starts", "unit": "count"},
                constant("p", "1", "USD")), {}, "starts of 2026-03-03 is not known"),
        (agreed("e * p", series("e"), constant("p", "1")), {"kwh": ["1"] * 23 + [None]},
         "'delivered' has no value in 1 intervals"),
    ],
)  # fmt: skip
def test_what_is_missing_leaves_no_amount_and_is_said(terms, given_day, message):
    sheet, _ = charge(KEY, day(**given_day), terms)
    assert sheet.amount_usd is None
    assert message in sheet.findings[0].message


def test_prices_that_are_not_final_are_said():
    prices = PriceSeries.of(HOURS, [Decimal(1)] * 24, "USD/MWh", "preliminary", final=False)
    sheet, _ = charge(KEY, day(prices={"HUB": prices}), BY_INTERVAL)
    assert str(sheet.amount_usd) == "24.00"
    assert sheet.findings[0].message == "prices of HUB are 'preliminary', not final"


P, E = constant("p", "2"), series("e")


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (agreed("e * q", E, P), "unknown name 'q'; known: e, p"),
        (agreed("e * p + e", E, P), "puts USD and MWh together: both sides need one unit"),
        (agreed("e + 5", E), "puts MWh and a number without unit together"),
        (agreed("e * p / p", E, P), "the formula comes to MWh, it must come to USD"),
        (agreed("e * p", E, constant("p", "2", "USD/kWh")), "comes to MWh x USD/kWh"),
        (agreed("__import__('os')", E), "only min, max, abs, round, clip can be called"),
        (agreed("e.real * p", E, P), "Attribute is not allowed"),
        (agreed("(lambda: p)()", P), "only min, max"),
        (agreed("p ** 9", P), "Pow is not allowed"),
        (agreed("e * p" + " + e * p" * 90, E, P), "too many parts"),
        (agreed("(" * 21 + "e * p" + ")" * 21, E, P), "nested too deeply"),
        (agreed("e * p " * 500, E, P), "too many parts: 3000 characters"),
        (agreed("", E), "The formula is empty"),
        (agreed("p * 1", P, E), "e does not stand in the formula"),
        (agreed("e * p", E, E, P), "e is named twice"),
        (agreed("1", *[]), "give 1 to 40 names, not 0"),
        (agreed("e * p", E, constant("p", None)), "a CONSTANT has a value"),
        (agreed("e * p", series("e", ""), P), "say how its intervals are taken"),
        (agreed("e * p", E, index("p", "SUM")), "prices are not summed"),
        (agreed("e * p", E, constant("p", "2", "USD/furlong")), "The unit 'furlong' is not known"),
        (
            agreed("e * p / (1 - z)", E, P, constant("z", "1", "ratio")),
            "divides by 1 - z, which is",
        ),
        (agreed("max * p", series("max"), P), "max: is no name for a formula"),
        (agreed("l1", {"name": "l1", "kind": "LINE", "of": "ten", "unit": "USD"}), "by its code"),
    ],
)
def test_formulas_that_cannot_be_meant(terms, said):
    with pytest.raises(Refused) as refused:
        charge_type(KEY).parse(terms)
    assert said in refused.value.message
    assert refused.value.findings[0].where.split("[")[0].split(".")[0] in ("formula", "names")


def test_a_division_by_zero_is_refused_and_named():
    terms = agreed("p * e / (e - e)", series("e", "EACH"), constant("p", "1", "USD"))
    with pytest.raises(Refused, match="zero in the interval that begins 2026-03-03 06:00 UTC"):
        charge(KEY, day(), terms)
    once = agreed("p * e / (e - e)", E, constant("p", "1", "USD"))
    with pytest.raises(Refused, match="division by zero in formula_usd"):
        charge(KEY, day(), once)


def test_an_amount_that_no_bill_holds_is_refused():
    terms = agreed("e * e * e * p", E, constant("p", "99999999999", "USD/MWh/MWh/MWh"))
    with pytest.raises(Refused, match="a bill holds 1E"):
        charge(KEY, day(), terms)
    endless = agreed(" * ".join(["n"] * 60) + " * p", constant("n", "9" * 28, "count"),
                     constant("p", "1", "USD"))  # fmt: skip
    with pytest.raises(Refused, match="a bill holds"):
        charge(KEY, day(), endless)


def test_readings_of_another_unit_are_refused():
    grid = DAY.grid(60)
    heat = Series.of(grid, [Decimal(1)] * grid.count, "MMBtu")
    with pytest.raises(Refused, match="cannot become"):
        charge(KEY, inputs(period=DAY, series=heat), agreed("e * p", E, P))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(-(10**12), 10**12), min_size=24, max_size=24),
    st.lists(st.integers(-(10**12), 10**12), min_size=24, max_size=24),
)
def test_every_interval_is_exact(kwh, cents):
    hub = PriceSeries(HOURS, np.array(cents, dtype=np.int64), "USD/MWh", "final")
    given_day = inputs(period=DAY, series=micro_series(HOURS, kwh), prices={"HUB": hub})
    terms = agreed(
        "clip(lmp, low, high) * max(energy, 0) / 3",
        index("lmp"),
        constant("low", "-5.5"),
        constant("high", "70"),
        series("energy", "EACH"),
    )
    [row] = charge(KEY, given_day, terms)[0].rows
    low, high, none = Fraction(-11, 2), Fraction(70), Fraction(0)
    wanted = sum(
        min(max(Fraction(price, 10**8), low), high) * max(Fraction(energy, 10**9), none) / 3
        for price, energy in zip(cents, kwh, strict=True)
    )
    assert Fraction(row.exact_scaled, row.scale) == wanted
