"""Units: what a source may write, what we store, and the exact factor between them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import EXACT

#: kind -> (canonical unit, {other spelling: how many canonical units it is})
_KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "energy": ("kWh", {"Wh": "0.001", "MWh": "1000", "GWh": "1000000"}),
    "power": ("kW", {"W": "0.001", "MW": "1000", "GW": "1000000"}),
    "reactive energy": ("kVArh", {"VArh": "0.001", "MVArh": "1000"}),
    "reactive power": ("kVAr", {"VAr": "0.001", "MVAr": "1000"}),
    "apparent energy": ("kVAh", {"VAh": "0.001", "MVAh": "1000"}),
    "apparent power": ("kVA", {"VA": "0.001", "MVA": "1000"}),
    "heat": (
        "MMBtu",
        {"Btu": "0.000001", "therm": "0.1", "therms": "0.1", "Dth": "1", "dekatherm": "1"},
    ),
    "mass": (
        "kg",
        {"g": "0.001", "t": "1000", "tonne": "1000", "lb": "0.45359237", "short ton": "907.18474"},
    ),
    "volume": ("m3", {"ft3": "0.028316846592", "scf": "0.028316846592", "Mcf": "28.316846592"}),
    "money": ("USD", {"cent": "0.01"}),
    "voltage": ("V", {"kV": "1000"}),
    "current": ("A", {}),
    "frequency": ("Hz", {}),
    "irradiance": ("W/m2", {"kW/m2": "1000"}),
    "speed": ("m/s", {}),
    "ratio": ("ratio", {"%": "0.01", "pct": "0.01", "percent": "0.01"}),
    "number": ("count", {}),
    "time in months": ("month", {"months": "1"}),
    "time in hours": ("hours", {"hour": "1", "h": "1"}),
    "time in days": ("days", {"day": "1"}),
    "time in minutes": ("minutes", {"minute": "1", "min": "1"}),
    "area": ("m2", {"ft2": "0.09290304"}),
    "capacity over time": ("kW-month", {"MW-month": "1000"}),
}
#: Prices keep their quoted unit; these are the ones that convert into each other.
_PRICES: dict[str, dict[str, str]] = {
    "price of energy": {"USD/kWh": "1", "USD/MWh": "0.001", "cent/kWh": "0.01"},
    "price of capacity": {
        "USD/kW-month": "1",
        "USD/MW-month": "0.001",
        "USD/kW": "1",
        "USD/MW": "0.001",
    },
    "price of heat": {"USD/MMBtu": "1", "USD/therm": "10", "USD/Dth": "1"},
    "price per month": {"USD/month": "1"},
    "price per hour": {"USD/hour": "1"},
    "price per start": {"USD/start": "1"},
    "price of mass": {"USD/kg": "1", "USD/t": "0.001"},
    "heat rate": {"MMBtu/kWh": "1", "MMBtu/MWh": "0.001", "Btu/kWh": "0.000001"},
    "carbon intensity": {"kgCO2e/kWh": "1", "kgCO2e/MWh": "0.001", "g/kWh": "0.001"},
    "carbon of heat": {"kg/MMBtu": "1", "g/MMBtu": "0.001"},
}


def _table() -> dict[str, tuple[str, str, Fraction]]:
    """Return lower-case spelling -> (spelling, kind, how many base units it is)."""
    rows: dict[str, tuple[str, str, Fraction]] = {}
    for kind, (canonical, others) in _KINDS.items():
        rows[canonical.lower()] = (canonical, kind, Fraction(1))
        rows.update({each.lower(): (each, kind, Fraction(text)) for each, text in others.items()})
    for kind, prices in _PRICES.items():
        rows.update({each.lower(): (each, kind, Fraction(text)) for each, text in prices.items()})
    return rows


_UNITS = _table()


def to_canonical(unit: str) -> tuple[str, Decimal]:
    """Return the stored unit and the exact factor to it; case does not matter.

    Prices keep their quoted unit (factor 1). Raises Refused("units.unknown").

    >>> to_canonical("mwh"), to_canonical("Wh"), to_canonical("usd/mwh")
    (('kWh', Decimal('1000')), ('kWh', Decimal('0.001')), ('USD/MWh', Decimal('1')))
    """
    spelling, kind, factor = _find(unit)
    if kind in _PRICES:
        return spelling, Decimal(1)
    return _KINDS[kind][0], _decimal(factor, unit, _KINDS[kind][0])


def convert(number: Decimal, from_unit: str, to_unit: str) -> Decimal:
    """Return the same amount in another unit of its kind, exactly.

    Raises Refused for different kinds, and when the result would not end as a decimal.

    >>> convert(Decimal("98.40"), "USD/MWh", "USD/kWh"), convert(Decimal("2.5"), "MWh", "kWh")
    (Decimal('0.0984'), Decimal('2500'))
    """
    _, from_kind, from_factor = _find(from_unit)
    _, to_kind, to_factor = _find(to_unit)
    if from_kind != to_kind:
        text = f"{from_unit} ({from_kind}) cannot become {to_unit} ({to_kind})."
        raise Refused("units.kinds_differ", text)
    result = Fraction(number) * from_factor / to_factor
    return _decimal(result, from_unit, to_unit)


def same_kind(first: str, second: str) -> bool:
    """Say whether two units measure the same thing.

    >>> same_kind("MWh", "kWh"), same_kind("kW", "kWh")
    (True, False)
    """
    return _find(first)[1] == _find(second)[1]


def spelling(unit: str) -> str:
    """Return a unit as we write it; Refused when it is not known.

    >>> spelling("mwh"), spelling("usd/mwh")
    ('MWh', 'USD/MWh')
    """
    return _find(unit)[0]


def _find(unit: str) -> tuple[str, str, Fraction]:
    found = _UNITS.get(str(unit).strip().lower())
    if found is None:
        text = f"The unit {unit!r} is not known; for example kWh, kW, MMBtu or USD/MWh."
        raise Refused("units.unknown", text, unit=unit)
    return found


def _decimal(number: Fraction, from_unit: str, to_unit: str) -> Decimal:
    """Return a fraction whose denominator has only factors 2 and 5 as a Decimal."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        text = f"{number} {from_unit} does not end as a decimal number of {to_unit}."
        raise Refused("units.inexact", text)
    return EXACT.divide(Decimal(number.numerator), Decimal(number.denominator))
