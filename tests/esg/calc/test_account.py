"""A whole campus: hourly fuel, quarter-hour power, five-minute tenant, battery, grid tie."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from esg.calc.account import account
from esg.calc.gases import ALL_GASES
from esg.calc.grid_import import kg_per_kwh
from esg.calc.inputs import AccountInputs, ContractShare, Emitter, FactorUse, StoreSpec
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import to_integer
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from tests.esg.factors import FACTORS, gwp

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
HOURS = 48


def series(minutes, wh_per_hour, unit="kWh"):
    """Energy that repeats by the hour, in watt-hours (or 10^-3 MMBtu)."""
    count = HOURS * 60 // minutes
    pattern = np.resize(np.array(wh_per_hour, dtype=np.int64), HOURS)
    values = np.repeat(pattern, 60 // minutes) * 1000 // (60 // minutes)
    return Series(Grid(START, minutes, count), values, np.full(count, 10, np.uint8), unit)


def uses(codes, unit, convert):
    return tuple(
        FactorUse(
            code=code,
            edition=FACTORS[code].edition,
            gas=FACTORS[code].gas,
            value=convert(FACTORS[code].value),
            unit=unit,
            printed=FACTORS[code].value,
            printed_unit=FACTORS[code].unit,
            source=f"{FACTORS[code].source}, {FACTORS[code].source_table}",
        )
        for code in codes
    )


def campus(**changes) -> AccountInputs:
    imported = series(15, [0, 4_000_123, 2_000_001])
    sources = {
        "GEN-A": series(15, [10_000_000, 9_000_000, 0]),
        "AUX": series(15, [200_000, 200_000, 90_000]).negated(),
        "SOL": series(15, [0, 1_500_000, 900_000]),
        "GRID": imported,
        "BAT": series(15, [0, 0, 1_100_000, 500_000]),
    }
    sinks = {
        "GRID out": series(15, [700_000, 0, 0]),
        "BAT out": series(15, [1_500_000, 900_000, 0, 0]),
        "HOUSE": series(15, [300_000]),
        "TEN-A": series(15, [4_000_000, 6_500_003, 1_400_000]),
        "TEN-B": series(5, [2_400_000, 5_100_000, 900_000]),
    }
    made = {
        "label": "CAPROCK 2026-03 v1",
        "period_label": "2026-03",
        "kinds": {
            "GEN-A": "GENERATOR",
            "AUX": "GENERATOR_AUX",
            "SOL": "GENERATOR",
            "GRID": "GRID_TIE",
            "BAT": "STORAGE",
            "HOUSE": "HOUSE",
            "TEN-A": "TENANT_LOAD",
            "TEN-B": "TENANT_LOAD",
        },
        "sources": sources,
        "sinks": sinks,
        "contracts": (
            ContractShare("PPA-A", sinks["TEN-A"], sinks["TEN-A"], sinks["TEN-A"]),
            ContractShare("PPA-B", sinks["TEN-B"], sinks["TEN-B"], sinks["TEN-B"]),
        ),
        "emitters": (
            Emitter(
                "FUEL-A",
                "fuel_a",
                "Gas to A",
                series(60, [82_500, 74_250, 6_125], "MMBtu"),
                uses(["SC.NG.CO2", "SC.NG.CH4", "SC.NG.N2O"], "kg/MMBtu", lambda v: v),
            ),
            Emitter(
                "GRID",
                "grid",
                "Grid import",
                imported,
                uses(["GRID.ERCT.CO2", "GRID.ERCT.CH4", "GRID.ERCT.N2O"], "kg/kWh", kg_per_kwh),
            ),
        ),
        "stores": (StoreSpec("BAT", Fraction("0.95"), Fraction("0.95"), None),),
        "day_of": lambda grid: np.arange(grid.count) * grid.minutes // 1440,
        "gwp": gwp("AR5"),
        "gwp_source": "IPCC AR5 WG1",
        "loss_carbon": "OPERATOR",
    } | changes
    return AccountInputs(**made)


def test_everything_is_conserved():
    result = account(campus())
    assert result.grid.minutes == 60
    assert result.grid.count == HOURS
    for gas in ALL_GASES:
        assert sum(line.masses_mg[gas] for line in result.lines) == result.masses_mg[gas]
    assert sum(line.co2e_g for line in result.lines) == result.co2e_g


def test_what_came_in_is_fuel_and_import_plus_what_the_battery_gave_back():
    inputs = campus()
    result = account(inputs)
    by_code = {row["code"]: row for row in result.sources}
    fuel = inputs.emitters[0].quantity.total()
    assert by_code["FUEL-A"]["masses_kg"]["CO2"] == fuel * Decimal("53.06")
    expected = to_integer(
        Fraction(inputs.emitters[1].quantity.total() * kg_per_kwh(Decimal("733.862"))) * 10**6
    )
    assert by_code["GRID"]["masses_kg"]["CO2"] == Decimal(expected).scaleb(-6)
    direct = sum(int(row["masses_kg"]["CO2"] * 10**6) for row in result.sources)
    held = int(result.carry_out["BAT"]["masses_mg"]["CO2"])
    charged = sum(line.masses_mg["CO2"] for line in result.lines if line.sink == "STORAGE")
    given_back = result.masses_mg["CO2"] - direct
    assert given_back == charged - held > 0


def test_the_worksheet_is_the_line():
    result = account(campus())
    line = next(line for line in result.lines if line.code == "PPA-A")
    sheet = Worksheet.from_json(line.worksheet.to_json())
    assert abs(sheet.exact_usd * 1000 - line.co2e_g) < 1
    names = {figure.name: figure for figure in sheet.figures}
    pool = names["pool_co2_kg"]
    assert pool.value == Decimal(result.masses_mg["CO2"]).scaleb(-6)
    fuel = pool.inputs[0]
    assert fuel.name == "fuel_a_co2_kg"
    assert fuel.inputs[0].source.kind == "readings"
    assert fuel.inputs[1].value == Decimal("53.06")
    assert "40 CFR 98 Subpart C, Table C-1" in fuel.inputs[1].source.label


def test_station_service_takes_carbon_when_auxiliaries_exceed_generation():
    inputs = campus()
    night = dict(inputs.sources) | {"SOL": series(15, [0, 1_500_000, 0])}
    result = account(campus(sources=night))
    station = next(line for line in result.lines if line.sink == "STATION")
    assert station.energy_kwh == Decimal("90") * (HOURS // 3)
    assert station.co2e_g > 0


def test_the_same_carbon_for_five_minutes_as_for_the_hour_they_make():
    inputs = campus()
    hourly = tuple(
        ContractShare(
            share.code,
            share.settled.to_minutes(60),
            share.pooled.to_minutes(60),
            share.metered.to_minutes(60),
        )
        for share in inputs.contracts
    )
    assert account(campus(contracts=hourly)).document() == account(inputs).document()


def test_a_tenant_alone_with_the_plant_gets_the_plants_intensity():
    fuel = series(60, [77_400], "MMBtu")
    generated = series(15, [10_000_000])
    inputs = campus()
    result = account(
        campus(
            sources={"GEN-A": generated},
            sinks={"TEN-A": generated},
            contracts=(ContractShare("PPA-A", generated, generated, generated),),
            emitters=(Emitter("FUEL-A", "fuel_a", "Gas", fuel, inputs.emitters[0].factors),),
            stores=(),
        )
    )
    only = next(line for line in result.lines if line.code == "PPA-A")
    assert only.kg_per_mwh == Decimal("411.106230")
    assert set(result.intensity.tolist()) == {41_110_623_000}


def with_house(**changes) -> AccountInputs:
    """10 MWh an hour made, 9 taken by tenant A and 0.9 by the house, which both tenants bear."""
    inputs, made = campus(), series(15, [10_000_000])
    own, house, part = series(15, [9_000_000]), series(15, [900_000]), series(15, [360_000])
    other = house.subtract(part)
    contracts = (
        ContractShare("PPA-A", own.add(part), own.add(part), own),
        ContractShare("PPA-B", other, other, None),
    )
    plain = {
        "sources": {"GEN-A": made},
        "sinks": {"TEN-A": own, "HOUSE": house},
        "contracts": contracts,
        "emitters": inputs.emitters[:1],
        "stores": (),
        "shared": frozenset({"HOUSE"}),
    }
    return campus(**(plain | changes))


def taken_by(result) -> dict[tuple[str, str], Decimal]:
    return {(line.sink, line.code): line.pooled_kwh / HOURS for line in result.lines}


def test_house_load_that_tenants_bear_stands_with_them_alone():
    result = account(with_house())
    assert taken_by(result) == {
        ("CONTRACT", "PPA-A"): 9360,
        ("CONTRACT", "PPA-B"): 540,
        ("LOSSES", "losses"): 100,
    }
    for line in result.lines:
        rate = Fraction(line.co2e_g) / Fraction(line.pooled_kwh)
        assert abs(rate - Fraction(result.co2e_g) / Fraction(result.energy_in_kwh)) < Fraction(1)


def test_house_load_that_nobody_bears_is_a_use_of_its_own():
    own = series(15, [9_000_000])
    result = account(
        with_house(contracts=(ContractShare("PPA-A", own, own, own),), shared=frozenset())
    )
    assert taken_by(result) == {
        ("CONTRACT", "PPA-A"): 9000,
        ("HOUSE", "HOUSE"): 900,
        ("LOSSES", "losses"): 100,
    }


def test_a_house_point_of_a_contract_is_a_load_like_others():
    both = series(15, [9_900_000])
    share = ContractShare("PPA-A", both, both, both)
    claimed = frozenset({"TEN-A", "HOUSE"})
    result = account(with_house(contracts=(share,), shared=frozenset(), claimed=claimed))
    assert taken_by(result) == {("CONTRACT", "PPA-A"): 9900, ("LOSSES", "losses"): 100}


def test_auxiliaries_that_tenants_bear_are_not_netted_as_well():
    aux = series(15, [900_000])
    sources = {"GEN-A": series(15, [10_000_000]), "AUX": aux.negated()}
    result = account(
        with_house(sources=sources, sinks={"TEN-A": series(15, [9_000_000])}, shared={"AUX"})
    )
    assert taken_by(result)["LOSSES", "losses"] == 100
    assert result.energy_in_kwh == 10_000 * HOURS


def test_energy_that_stands_twice_is_refused():
    with pytest.raises(Refused) as refused:
        account(with_house(shared=frozenset()))
    assert refused.value.code == "esg.not_closed"
    assert refused.value.message == (
        "CAPROCK 2026-03 v1: uses of 518,400.000 kWh are more than the 480,000.000 kWh that "
        "entered (up to 0.200 % is within the tolerance of the campus). Look for a meter or a "
        "share that counts twice."
    )


def test_a_missing_reading_is_named():
    inputs = campus()
    gap = inputs.sinks["TEN-A"]
    values = gap.values.copy()
    values[5] = MISSING
    status = gap.status.copy()
    status[5] = Status.MISSING
    broken = Series(gap.grid, values, status, "kWh")
    with pytest.raises(Refused) as error:
        account(campus(sinks={**inputs.sinks, "TEN-A": broken}))
    assert error.value.code == "esg.missing"
    assert "TEN-A has no value in 1 intervals" in str(error.value)


def test_without_sources_the_carbon_is_unknown():
    with pytest.raises(Refused) as error:
        account(campus(sources={}))
    assert error.value.code == "esg.no_sources"


def test_stored_carbon_is_carried_into_the_next_period():
    first = account(campus())
    spec = StoreSpec("BAT", Fraction("0.95"), Fraction("0.95"), first.carry_out["BAT"])
    second = account(campus(stores=(spec,)))
    opening = int(first.carry_out["BAT"]["masses_mg"]["CO2"])
    closing = int(second.carry_out["BAT"]["masses_mg"]["CO2"])
    direct = sum(int(row["masses_kg"]["CO2"] * 10**6) for row in second.sources)
    taken = sum(line.masses_mg["CO2"] for line in second.lines if line.sink != "STORAGE")
    assert opening > 0
    assert direct + opening == taken + closing
