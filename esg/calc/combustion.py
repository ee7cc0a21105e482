"""Fuel to kilograms per gas: 40 CFR 98.33 equations C-1, C-1a, C-1b and C-8.

    kg = MMBtu (HHV) x factor (kg per MMBtu)

Everything is exact; rounding happens once, where an interval's mass is written down.
"""

from collections.abc import Mapping
from decimal import Decimal

#: 1,055.056 MJ and 10 therms make one MMBtu; the latter is exact by equation C-1a.
MMBTU_PER_THERM = Decimal("0.1")
#: The unit in which fuel is metered and factors are quoted.
MMBTU_UNIT = "MMBtu"


def heat_from_volume(volume: Decimal, hhv_mmbtu: Decimal) -> Decimal:
    """Return MMBtu (HHV) of a volume and its heat content per unit (scf, gal); equation C-1.

    >>> heat_from_volume(Decimal(1_000_000), Decimal("0.001026"))
    Decimal('1026.000000')
    """
    return volume * hhv_mmbtu


def heat_from_heat_rate(net_mwh: Decimal, btu_per_kwh_hhv: Decimal) -> Decimal:
    """Return MMBtu (HHV) of net energy and a heat rate in Btu per kWh on HHV basis.

    A heat rate on LHV basis must be converted before; mixing them understates by about 10 %.

    >>> heat_from_heat_rate(Decimal(100), Decimal(7740))
    Decimal('774.000')
    """
    return net_mwh * btu_per_kwh_hhv * Decimal("0.001")


def masses_kg(heat_mmbtu: Decimal, kg_per_mmbtu: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return exact kg per gas of heat input (HHV); equations C-1b and C-8b.

    >>> masses_kg(Decimal(7500), {"CO2": Decimal("53.06")})
    {'CO2': Decimal('397950.00')}
    """
    return {gas: heat_mmbtu * factor for gas, factor in kg_per_mmbtu.items()}
