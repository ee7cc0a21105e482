"""Published worked examples, to the digit that is printed."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from esg.calc.combustion import heat_from_heat_rate, heat_from_volume, masses_kg
from esg.calc.gases import rebase
from esg.calc.grid_import import KG_PER_POUND, kg_per_mwh
from esg.calc.masses import to_kg
from esg.calc.pool import LOSSES, PoolInputs, share_pool
from esg.calc.shares import split_grams
from esg.calc.storage import Store
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.rounding import Mode, to_places
from tests.esg.cases import expected
from tests.esg.factors import FACTORS, combustion, grid, gwp

MWH = 10**9  # micro-kWh
KG = 10**6  # milligrams


def text(number, places):
    return str(to_places(number, places))


def kilograms(milligrams):
    """Statements round half-even, once, at the end."""
    return str(to_places(to_kg(milligrams), 3, Mode.HALF_EVEN))


def test_e01_gas_by_volume():
    case = expected("E01")
    heat = heat_from_volume(Decimal(1_000_000), FACTORS["HHV.NG"].value)
    kg = masses_kg(heat, combustion("NG"))
    assert text(heat, 6) == case["mmbtu"]
    assert text(kg["CO2"], 3) == case["co2_kg"]
    assert text(kg["CH4_FOSSIL"], 4) == case["ch4_kg"]
    assert text(kg["N2O"], 5) == case["n2o_kg"]
    for name in ("AR4", "AR5", "AR6"):
        assert text(gwp(name).co2e(kg), 3) == case[f"co2e_{name}"]


def test_e02_gas_by_heat_input():
    case = expected("E02")
    kg = masses_kg(Decimal(7500), combustion("NG"))
    assert text(kg["CO2"], 3) == case["co2_kg"]
    assert text(gwp("AR5").co2e(kg), 3) == case["co2e_AR5"]
    per_mmbtu = gwp("AR5").co2e(combustion("NG"))
    assert text(per_mmbtu, 6) == case["kg_co2e_per_mmbtu_AR5"]


def test_e04_heat_rate():
    case = expected("E04")
    heat = heat_from_heat_rate(Decimal(100), Decimal(7740))
    kg = masses_kg(heat, combustion("NG"))
    assert text(heat, 2) == case["mmbtu"]
    assert text(kg["CO2"] / 100, 4) == case["co2_kg_per_mwh"]
    assert text(gwp("AR5").co2e(kg) / 100, 4) == case["co2e_AR5_kg_per_mwh"]


def test_e12_published_co2e_of_the_grid():
    case = expected("E12")
    rate = kg_per_mwh(FACTORS["GRID.ERCT.CO2E"].value)
    assert text(rate, 4) == case["kg_per_mwh"]
    assert text(12_000 * rate / 1000, 3) == case["t_co2e"]


def test_e13_grid_by_gas_rebased():
    case = expected("E13")
    rates = grid("ERCT")
    assert text(gwp("AR5").co2e(rates), 3) == case["lb_AR5"]
    ar6 = gwp("AR6").co2e(rates)
    assert text(ar6, 4) == case["lb_AR6"]
    assert text(12_000 * ar6 * KG_PER_POUND / 1000, 3) == case["t_AR6"]


def test_published_co2e_is_never_rebased():
    with pytest.raises(Refused) as error:
        rebase("CO2e", "AR5", "AR6")
    assert error.value.code == "esg.gwp_baked_in"
    assert "cannot be re-based to AR6" in str(error.value)


def one_interval(sinks_mwh: dict[str, str]) -> PoolInputs:
    """Gas 40 MWh at 411.1062, solar 10 at 0, import 5 at 334.1293, as CO2e counted as CO2."""
    energy = {"gas": 40, "solar": 10, "import": 5}
    masses = {"gas": 40 * Decimal("411.1062"), "import": 5 * Decimal("334.1293")}
    return PoolInputs(
        day=np.array([0]),
        sources={code: np.array([mwh * MWH]) for code, mwh in energy.items()},
        emitters={code: {"CO2": np.array([int(kg * KG)])} for code, kg in masses.items()},
        sinks={code: np.array([int(Decimal(mwh) * MWH)]) for code, mwh in sinks_mwh.items()},
    )


def test_e17_proportional_pool():
    case = expected("E17")
    pool = share_pool(one_interval({"A": "30", "B": "20", "house": "5"}))
    assert kilograms(pool.masses_in["CO2"].sum()) == case["total_kg"]
    assert text(pool.intensity(gwp("AR5"))[0], 6) == case["pool_kg_per_mwh"]
    for sink in ("A", "B", "house"):
        assert kilograms(pool.of(sink, "CO2")) == case[f"{sink}_kg"]
    assert pool.of(LOSSES, "CO2") == 0


def test_e18_losses_passed_through():
    case = expected("E18")
    metered = {"A": "29.4", "B": "19.6", "house": "4.9"}
    grossed_up = {code: str(Decimal(mwh) * 55 / Decimal("53.9")) for code, mwh in metered.items()}
    pool = share_pool(one_interval(grossed_up))
    assert kilograms(pool.of("A", "CO2")) == case["i_A_kg"]
    per_delivered = Fraction(pool.of("A", "CO2"), KG) / Fraction("29.4")
    assert text(per_delivered, 6) == case["i_delivered_kg_per_mwh"]


def test_e18_losses_kept_by_the_operator():
    case = expected("E18")
    pool = share_pool(one_interval({"A": "29.4", "B": "19.6", "house": "4.9"}))
    assert int(pool.losses.sum()) == int(Decimal("1.1") * MWH)
    assert kilograms(pool.of("A", "CO2")) == case["ii_A_kg"]
    assert kilograms(pool.of(LOSSES, "CO2")) == case["ii_operator_loss_kg"]


def test_e21_whole_grams():
    case = expected("E21")
    parts = split_grams(18_114_895, {"A": 30, "B": 20, "house": 5})
    assert parts == {"A": case["A_g"], "B": case["B_g"], "house": case["house_g"]}
    assert sum(parts.values()) == case["sum_g"]


def test_e22_stored_carbon_of_a_battery():
    case = expected("E22")
    store = Store("bat", Fraction(95, 100), Fraction(95, 100))
    store.charge(20 * MWH, {"CO2": 0})
    store.charge(10 * MWH, {"CO2": 4000 * KG})
    assert text(store.stock_micro_kwh / MWH, 4) == case["stored_mwh"]
    out = store.discharge(18 * MWH)
    assert text(Fraction(out["CO2"], KG), 3) == case["discharged_kg"]
    assert text(Fraction(out["CO2"], KG) / 18, 4) == case["kg_per_delivered_mwh"]
    assert text(store.stock_micro_kwh / MWH, 6) == case["left_mwh"]
    assert text(Fraction(store.masses_mg["CO2"], KG), 3) == case["left_kg"]


def test_e24_standing_losses_concentrate():
    case = expected("E24")
    store = Store("bat", Fraction(1), Fraction(1))
    store.charge(100 * MWH, {"CO2": 20_000 * KG})
    store.stand(4 * MWH)
    out = store.discharge(96 * MWH)
    assert text(Fraction(out["CO2"], KG), 3) == case["kg"]
    assert text(Fraction(out["CO2"], KG) / 96, 4) == case["kg_per_delivered_mwh"]
