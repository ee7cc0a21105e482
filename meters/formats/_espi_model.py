"""ESPI resources joined by their links: which channel, unit and length a block of readings has.

A child belongs to a parent when the parent lists the child's ``up`` collection, or the child
itself, as ``related``. Document order and numbers in ids mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from meters.formats._base import Profile, printable
from meters.formats._espi_feed import Entry
from meters.formats._text import RowFault, check_id

#: uom code -> (quantity of the channel text, unit, base units per uom, is power)
_UOM: dict[int, tuple[str, str, Fraction, bool]] = {
    72: ("KWH", "kWh", Fraction(1, 1000), False),
    73: ("KVARH", "kVArh", Fraction(1, 1000), False),
    71: ("KVAH", "kVAh", Fraction(1, 1000), False),
    38: ("KWH", "kWh", Fraction(1, 1000), True),
}
_UOM_NAMES = {169: "therm", 132: "BTU", 119: "cubic feet", 29: "volt", 5: "ampere", 33: "hertz"}
_FLOWS = {1: "DEL", 19: "REC", 4: "NET", 20: "TOTAL"}
_LENGTHS = {60, 300, 600, 900, 1800, 3600}
_USAGE_POINT = re.compile(r"UsagePoint/([^/]+)")
_MICRO = 10**6
_BULK_QUANTITY = 1
Remark = tuple[str, str, str]  # code, field, text


@dataclass(frozen=True)
class Reading:
    """What a MeterReading with its ReadingType says about its blocks.

    ``factor``: canonical 10^-6 units per raw unit, exact. ``remarks``: doubtful declarations that
    were taken nevertheless, as (code, field, text).
    """

    channel: str
    unit: str
    factor: Fraction
    minutes: int
    default_quality: tuple[int, ...]
    remarks: tuple[Remark, ...] = ()


@dataclass
class Feed:
    """The resources seen so far."""

    usage_points: list[Entry]
    meter_readings: list[Entry]
    reading_types: list[Entry]

    def add(self, entry: Entry) -> None:
        """Keep an entry that says what readings mean; others are passed over."""
        target = {
            "UsagePoint": self.usage_points,
            "MeterReading": self.meter_readings,
            "ReadingType": self.reading_types,
        }.get(entry.kind)
        if target is not None:
            target.append(entry)

    def meter_reading_of(self, block: Entry) -> Entry | None:
        """Return the MeterReading of an entry with blocks, if it is known yet."""
        return _parent(block, self.meter_readings)

    def reading_type_of(self, meter_reading: Entry) -> Entry | None:
        """Return the ReadingType of a MeterReading, if it is known yet."""
        for entry in self.reading_types:
            if entry.self_href and entry.self_href in meter_reading.related:
                return entry
        return None

    def usage_point_of(self, meter_reading: Entry) -> Entry | None:
        """Return the UsagePoint of a MeterReading, if it is known yet."""
        return _parent(meter_reading, self.usage_points)


def _parent(child: Entry, parents: list[Entry]) -> Entry | None:
    for parent in parents:
        if (child.up and child.up in parent.related) or (
            child.self_href and child.self_href in parent.related
        ):
            return parent
    return None


def reading_of(feed: Feed, meter_reading: Entry, profile: Profile) -> Reading:
    """Return what the blocks of a MeterReading mean; raise ``RowFault`` X007, X008 or X013."""
    kind = feed.reading_type_of(meter_reading)
    if kind is None:
        name = printable(meter_reading.self_href)
        raise RowFault("X013", "ReadingType", f"MeterReading {name} has no ReadingType in the file")
    name = f"ReadingType {printable(kind.self_href)}"
    quantity, unit, scale, is_power = _uom(kind, name, profile)
    length = _number(kind, "intervalLength", name)
    remarks = _interval_energy(kind, name, profile, length, is_power=is_power)
    if length not in _LENGTHS:
        found = "no intervalLength" if length is None else f"intervalLength {length} s"
        raise RowFault("X007", "intervalLength", f"{name}: {found}; 1 to 60 minutes are read")
    power = _number(kind, "powerOfTenMultiplier", name) or 0
    if not -12 <= power <= 12:
        raise RowFault("X008", "powerOfTenMultiplier", f"{name}: powerOfTenMultiplier {power}")
    factor = scale * Fraction(10) ** power * (Fraction(length, 3600) if is_power else 1)
    if profile.unit_factor is not None:
        factor = Fraction(profile.unit_factor)
    channel = _channel(feed, meter_reading, kind, quantity, profile)
    default = _number(kind, "defaultQuality", name)
    quality = () if default is None else (default,)
    factor *= profile.sign * _MICRO
    if abs(factor) < 1:
        remarks += (_too_fine(power, unit, profile),)
    return Reading(channel, unit, factor, length // 60, quality, remarks)


def _uom(kind: Entry, name: str, profile: Profile) -> tuple[str, str, Fraction, bool]:
    commodity = _number(kind, "commodity", name)
    if commodity not in (None, 0, 1, 2):
        raise RowFault("X007", "commodity", f"{name}: commodity {commodity} is not electricity")
    uom = _number(kind, "uom", name)
    if uom is None:
        raise RowFault("X007", "uom", f"{name} has no unit (uom); electricity in Wh is read")
    if uom not in _UOM:
        known = _UOM_NAMES.get(uom, "another quantity")
        raise RowFault(
            "X007", "uom", f"{name}: uom {uom} ({known}) is not electric energy or power"
        )
    return _UOM[uom]


def _interval_energy(
    kind: Entry, name: str, profile: Profile, length: int | None, *, is_power: bool
) -> tuple[Remark, ...]:
    """Refuse registers, maxima and the like: only energy (or mean power) per interval counts.

    A bulk quantity (1) of a stated interval length is taken with a remark: a dial has no length,
    and utilities declare their interval data so.
    """
    behaviour = _number(kind, "accumulationBehaviour", name)
    allowed: set[int | None] = {None, 0, 4, 6, 12} if is_power else {None, 0, 4}
    vouched = profile.unit_factor is not None or profile.options.get("accumulation") == "delta"
    is_bulk = behaviour == _BULK_QUANTITY and bool(length) and not is_power
    if behaviour not in allowed and not vouched and not is_bulk:
        raise RowFault(
            "X007",
            "accumulationBehaviour",
            f"{name}: accumulationBehaviour {behaviour} is a register or a sum, not energy per "
            "interval; if the values are per interval, say so in the import profile",
        )
    qualifier = _number(kind, "dataQualifier", name)
    if qualifier not in ({None, 0, 2, 12} if is_power else {None, 0, 12}):
        raise RowFault("X007", "dataQualifier", f"{name}: dataQualifier {qualifier} is not normal")
    if vouched or not is_bulk:
        return ()
    text = (
        f"accumulationBehaviour 1 (bulk quantity) with intervalLength {length} s is taken as "
        "energy per interval; do not use the file if these are register readings, else set option "
        "accumulation to delta in the import profile"
    )
    return (("X007", "accumulationBehaviour", text),)


def _too_fine(power: int, unit: str, profile: Profile) -> Remark:
    """Return the remark on a raw unit below 10^-6: nobody meters so finely."""
    if profile.unit_factor is not None:
        found = f"unit_factor {profile.unit_factor:f} of the import profile"
        remedy = "correct it there if the unit is wrong"
    else:
        found = f"powerOfTenMultiplier {power}"
        remedy = "if the unit is wrong, set unit_factor in the import profile"
    text = (
        f"{found} makes a raw unit finer than 0.000001 {unit}; readings are rounded so "
        f"that their total is exact to 0.000001; {remedy}"
    )
    return "X008", "powerOfTenMultiplier", text


def _channel(feed: Feed, meter_reading: Entry, kind: Entry, quantity: str, profile: Profile) -> str:
    names = profile.options.get("channels", {})
    if meter_reading.self_href in names:
        return str(names[meter_reading.self_href])
    flow = _number(kind, "flowDirection", "ReadingType")
    if flow not in _FLOWS:
        raise RowFault(
            "X007",
            "flowDirection",
            f"ReadingType {printable(kind.self_href)}: flowDirection {flow} is not 1, 4, 19 or 20; "
            "name the channel in the import profile",
        )
    point = feed.usage_point_of(meter_reading)
    hrefs = [point.self_href if point else "", meter_reading.self_href]
    matches = [match for href in hrefs if (match := _USAGE_POINT.search(href))]
    if not matches:
        raise RowFault("X013", "UsagePoint", "a MeterReading belongs to no UsagePoint of the file")
    return f"{check_id(matches[0][1], 'UsagePoint')}/{_FLOWS[flow]}_{quantity}"


def _number(entry: Entry, name: str, where: str) -> int | None:
    text = entry.fields.get(name, "")
    if text == "":
        return None
    if not re.fullmatch(r"-?[0-9]{1,9}", text) or not text.isascii():
        raise RowFault("X007", name, f"{where}: {name} '{printable(text)}' is not a number")
    return int(text)
