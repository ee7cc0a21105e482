"""The unit a file writes, as canonical unit and exact factor."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from meters.formats._base import Profile, printable
from meters.formats._text import RowFault
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.units import to_canonical

METERED = frozenset(
    {
        *("kWh", "kW", "kVArh", "kVAr", "kVAh", "kVA", "MMBtu", "m3", "kg", "V", "A", "Hz"),
        *("ratio", "count", "W/m2", "m/s"),
    }
)


def unit_of(text: str, profile: Profile, field: str) -> tuple[str, Decimal]:
    """Return canonical unit and factor of a file's unit; raise ``RowFault`` R204.

    The profile's ``unit`` overrides, its ``unit_factor`` replaces the conversion, its ``sign`` is
    applied.
    """
    return _unit(profile.unit or text, profile.unit_factor, profile.sign, field)


@lru_cache(maxsize=256)
def _unit(name: str, given: Decimal | None, sign: int, field: str) -> tuple[str, Decimal]:
    if not name.strip():
        raise RowFault("R204", field, "no unit is given; set the unit in the import profile")
    try:
        unit, factor = to_canonical(name)
    except Refused:
        unit, factor = "", Decimal(1)
    if unit not in METERED:
        raise RowFault("R204", field, f"unit '{printable(name)}' is not a unit of a meter")
    return unit, (factor if given is None else given) * sign
