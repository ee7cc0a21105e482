"""The shipped factors, by code, for tests of arithmetic."""

from esg.calc.gases import GwpSet
from esg.services.factor_files import read_all

FACTORS = {factor.code: factor for factor in read_all()}


def gwp(name: str) -> GwpSet:
    return GwpSet(
        name, {f.gas: f.value for f in FACTORS.values() if f.code.startswith(f"GWP.{name}.")}
    )


def combustion(fuel: str) -> dict:
    codes = (f"SC.{fuel}.{gas}" for gas in ("CO2", "CH4", "N2O"))
    return {FACTORS[code].gas: FACTORS[code].value for code in codes}


def grid(region: str) -> dict:
    codes = (f"GRID.{region}.{gas}" for gas in ("CO2", "CH4", "N2O"))
    return {FACTORS[code].gas: FACTORS[code].value for code in codes}
