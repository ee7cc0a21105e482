"""Losses of transformers and lines, and loss factors, both ways."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.losses import (
    Side,
    Transformer,
    apply_factor,
    by_factor,
    compensate,
    energy_kwh,
    line_kw,
    vars_,
    watts,
)
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.rounding import estimate as rounded
from tests.contracts.cases import example as settlement_example
from tests.meters.cases import example, needs_cases
from tests.meters.estimation.sheets import series

SHEET = Transformer(Decimal(10_000_000), Decimal("0.12"), Decimal("0.45"))


def test_a34_a_transformer_of_the_settlement_examples():
    """60 MVA, 38 kW without load, 210 kW at its rating; four quarter-hours at rated volts."""
    case = settlement_example("A34")
    rated = Decimal(60_000_000)
    iron, copper = (Decimal(kw) * 100_000 / rated for kw in (38, 210))
    sheet = Transformer(rated, iron_w_pct=iron, copper_w_pct=copper)
    losses = [
        energy_kwh(watts(sheet, Decimal(1), Decimal(mva) / 60).total, 15)
        for mva in case["inputs"]["mva"]
    ]
    steps = case["steps"][2].split("[")[1].strip("]").replace("'", "").split(", ")
    assert [f"{float(one):.4f}" for one in losses] == steps
    assert f"{float(sum(losses)):.4f}" == case["expected"]["transformer_kwh"]


@needs_cases
def test_transformer_percent_example():
    case, want = example("X1")["given"], example("X1")["expect"]
    sheet = Transformer(*(Decimal(case[key]) for key in ("rated_va", "lwfe_pct", "lwcu_pct")))
    loss = watts(sheet, Decimal(case["v_ratio"]), Decimal(case["i_ratio"]))
    assert [str(rounded(each)) for each in (loss.iron, loss.copper, loss.total)] == [
        want["core_w"], want["copper_w"], want["total_w"],
    ]  # fmt: skip
    assert str(rounded(energy_kwh(loss.total, 15))) == want["kwh_15"]


@needs_cases
def test_transformer_var_example():
    case, want = example("X1v")["given"], example("X1v")["expect"]
    sheet = Transformer(
        Decimal(case["rated_va"]),
        iron_var_pct=Decimal(case["lvfe_pct"]),
        copper_var_pct=Decimal(case["lvcu_pct"]),
    )
    loss = vars_(sheet, Decimal(case["v_ratio"]), Decimal(case["i_ratio"]))
    assert str(rounded(loss.iron)) == want["core_var"]
    assert str(rounded(loss.copper)) == want["copper_var"]


@needs_cases
def test_loss_factor_examples():
    delivered, received = example("X3"), example("X4")
    found = by_factor(
        Decimal(delivered["given"]["measured"]),
        Decimal(delivered["given"]["factor"]),
        Side.DELIVERED,
    )
    assert str(rounded(found)) == delivered["expect"]["delivered"]
    found = by_factor(
        Decimal(received["given"]["measured_received"]),
        Decimal(received["given"]["factor"]),
        Side.RECEIVED,
    )
    assert str(rounded(found)) == received["expect"]["received"]


def test_a_line_loses_by_the_square_of_its_current():
    # I = 5000 / (sqrt(3) x 13.8 x 0.95) = 220.2 A; 3 x I^2 x 0.2 / 1000 = 29.09 kW
    loss = line_kw(Decimal(5000), Decimal("13.8"), Decimal("0.95"), Decimal("0.2"))
    assert str(rounded(loss)) == "29.091"
    assert line_kw(Decimal(10000), Decimal("13.8"), Decimal("0.95"), Decimal("0.2")) == 4 * loss
    with pytest.raises(Refused, match="power factor of 0"):
        line_kw(Decimal(1), Decimal(1), Decimal(0), Decimal(1))
    with pytest.raises(Refused, match="line of 0 kV"):
        line_kw(Decimal(1), Decimal(0), Decimal(1), Decimal(1))


def test_losses_are_added_to_delivered_energy():
    # 1500 kWh in 15 min = 6000 kW: 0.6 of 10 MVA; iron 12 000 W, copper 16 200 W
    found = compensate(series([1500, None, 0]), SHEET, Side.DELIVERED)
    assert [v and str(v.normalize()) for v in found.series.decimals()] == ["1507.05", None, "3"]
    assert found.loss.tolist() == [7_050_000, 0, 3_000_000]
    assert found.series.missing.tolist() == [False, True, False]


def test_losses_are_taken_from_received_energy_as_far_as_it_goes():
    found = compensate(series([1500, 1, 0]), SHEET, Side.RECEIVED)
    assert found.series.decimals()[0] == Decimal("1492.95")
    assert found.series.decimals()[1:] == [0, 0]
    assert found.unmet.tolist()[0] == 0
    assert found.unmet.tolist()[2] == 3_000_000
    assert (found.loss >= found.unmet).all()


def test_a_lower_voltage_loses_less_iron_and_more_copper():
    found = compensate(
        series([1500]), SHEET, Side.DELIVERED, v_ratio=Decimal("0.98"), power_factor=Decimal("0.9")
    )
    amperes = Fraction(6000, 10000) / Fraction("0.9") / Fraction("0.98")
    exact = 12000 * Fraction("0.98") ** 2 + 45000 * amperes**2
    assert found.loss[0] == round(energy_kwh(exact, 15) * 10**6)


def test_what_the_meter_compensated_is_left_alone():
    values = series([1500, None])
    assert compensate(values, SHEET, Side.DELIVERED, in_meter=True).series is values
    assert compensate(values, SHEET, Side.DELIVERED, in_meter=True).loss.tolist() == [0, 0]
    assert apply_factor(values, Decimal("1.02"), Side.RECEIVED, in_meter=True) is values


def test_a_factor_on_a_series_keeps_gaps_and_statuses():
    values = series([10000, None])
    there = apply_factor(values, Decimal("1.0125"), Side.DELIVERED)
    assert there.decimals() == [Decimal(10125), None]
    assert there.status.tolist() == values.status.tolist()
    back = apply_factor(values, Decimal("1.0125"), Side.RECEIVED)
    assert back.decimals()[0] == Decimal("9876.543210")


@given(st.decimals(0, 10**7, places=3), st.decimals(1, 2, places=4))
def test_a_factor_there_and_back_is_the_same(energy, factor):
    there = by_factor(energy, factor, Side.DELIVERED)
    assert there >= energy >= by_factor(energy, factor, Side.RECEIVED)
    assert there / Fraction(factor) == energy


def test_what_is_no_transformer_or_factor_is_refused():
    with pytest.raises(Refused, match="would create energy"):
        by_factor(Decimal(1), Decimal("0.99"), Side.DELIVERED)
    with pytest.raises(Refused, match="a rating above 0"):
        watts(Transformer(Decimal(0)), Decimal(1), Decimal(1))
    with pytest.raises(Refused, match="current ratio of -1 is below zero"):
        watts(SHEET, Decimal(1), Decimal(-1))
    with pytest.raises(Refused, match="not on kvarh"):
        compensate(series([1], unit="kvarh"), SHEET, Side.DELIVERED)
    with pytest.raises(Refused, match="Without voltage"):
        compensate(series([1]), SHEET, Side.DELIVERED, v_ratio=Decimal(0))
