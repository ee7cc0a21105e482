"""What readers make of files: ESPI units and codes, NEM12 qualities, repeated rows."""

from __future__ import annotations

import io
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal

from meters.calc.resolution import takers
from meters.conformance._base import FAIL, PASS, START, Facts, Found, Kind, words
from meters.formats import ChannelBlock, Profile, RowError, formats
from meters.formats._espi_codes import dst_rule, money
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.quality import Status

_POINT = "/User/1/UsagePoint/1"
_POWER = 38
_REPEATED, _CONFLICT = "W301", "R301"


def _read(key: str, text: str, profile: Profile | None = None) -> list:
    return list(formats.get(key).read(io.BytesIO(text.encode()), profile or Profile()))


def _blocks(items: list) -> list[ChannelBlock]:
    return [item for item in items if isinstance(item, ChannelBlock)]


# -- ESPI ----------------------------------------------------------------------------------------


def espi_scale(facts: Facts) -> Found:
    """Read one interval of a feed with a unit and a power of ten."""
    seconds, uom = facts.whole("intervalLength", 900), facts.whole("uom")
    kind = {
        "accumulationBehaviour": 4,
        "commodity": 1,
        "flowDirection": 1,
        "intervalLength": seconds,
        "powerOfTenMultiplier": facts.whole("powerOfTenMultiplier"),
        "uom": uom,
    }
    text = _feed(kind, facts.whole("value"), seconds)
    [block] = _blocks(_read("espi@1", text))
    found = {block.unit.lower(): from_micro(int(block.values[0]))}
    if uom == _POWER:
        found["kw"] = found["kwh"] * 3600 / seconds
    return found


def _feed(kind: dict[str, int], value: int, seconds: int) -> str:
    """Return a feed of one reading."""
    start = int(START.timestamp())
    period = f"<duration>{seconds}</duration><start>{start}</start>"
    reading = f"<timePeriod>{period}</timePeriod><value>{value}</value>"
    fields = "".join(f"<{name}>{each}</{name}>" for name, each in kind.items())
    block = f"<interval>{period}</interval><IntervalReading>{reading}</IntervalReading>"
    meter = f"{_POINT}/MeterReading/1"
    entries = (
        _entry(_POINT, [f"{_POINT}/MeterReading"], "UsagePoint", ""),
        _entry(meter, [f"{meter}/IntervalBlock", "/ReadingType/1"], "MeterReading", ""),
        _entry("/ReadingType/1", [], "ReadingType", fields),
        _entry(f"{meter}/IntervalBlock/1", [], "IntervalBlock", block),
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'


def _entry(self_href: str, related: list[str], name: str, content: str) -> str:
    links = f'<link rel="self" href="{self_href}"/>'
    links += f'<link rel="up" href="{self_href.rpartition("/")[0]}"/>'
    links += "".join(f'<link rel="related" href="{each}"/>' for each in related)
    resource = f'<{name} xmlns="http://naesb.org/espi">{content}</{name}>'
    return f"<entry>{links}<content>{resource}</content></entry>"


def espi_cost(facts: Facts) -> Found:
    """Read an amount of money."""
    currency, amount = money(facts.whole("cost"), facts.whole("currency"))
    return {currency.lower(): amount}


def espi_dst_rule(facts: Facts) -> Found:
    """Read a rule of daylight saving."""
    names = [name for name in ("dstStartRule", "dstEndRule") if name in facts]
    return asdict(dst_rule(str(facts.need(names[0] if names else "dstStartRule"))))


# -- rows ----------------------------------------------------------------------------------------


def null_quality(facts: Facts) -> Found:
    """Read a NEM12 day whose intervals all have one value and one quality."""
    said = words(r"value (\S+), quality ([A-Z]\d{0,2})", facts.need("nem12"), "nem12")
    reason = "76" if said[2][0] in "SF" else ""
    values = ",".join([said[1]] * 48)
    text = (
        "100,NEM12,202603030000,MDP,RET\n200,NMI0000001,E1,1,E1,N1,SER1,kWh,30,\n"
        f"300,20260302,{values},{said[2]},{reason},,20260303010000,\n900\n"
    )
    [block] = _blocks(_read("nem12@1", text))
    value = int(block.values[0])
    return {
        "value": None if value == MISSING else from_micro(value),
        "status": Status(int(block.status[0])).name,
    }


def duplicate(facts: Facts) -> Found:
    """Read rows of one day of which some name the same start."""
    rows = [(str(clock), str(value)) for clock, value in facts.need("rows")]
    head = "meter_id,channel,interval_start,interval_seconds,value,unit,status\n"
    lines = [f"M,DEL_KWH,2026-03-02T{clock}:00Z,900,{value},kWh,A\n" for clock, value in rows]
    items = _read("csv_long@1", head + "".join(lines))
    taken: dict[str, Decimal] = {}
    for block in _blocks(items):
        for n, value in enumerate(block.values.tolist()):
            at = block.start_utc + n * timedelta(minutes=block.minutes)
            taken[f"{at:%H:%M}"] = from_micro(value)
    told = [item for item in items if isinstance(item, RowError)]
    refused = {rows[item.line - 2][0] for item in told if item.code == _CONFLICT}
    found: dict[str, Found] = {
        "identical_dropped": sum(item.code == _REPEATED for item in told),
        "conflicting": len(refused),
        "result": FAIL if refused else PASS,
    }
    for clock, _ in rows:
        found[f"accepted_{clock.replace(':', '_')}"] = taken.get(clock)
    return found


def interval_size(facts: Facts) -> Found:
    """Say whether a channel takes readings of a delivered interval length."""
    channel = facts.minutes("channel_seconds", None)
    accept = [int(seconds) // 60 for seconds in facts.get("accept_seconds", [])]
    taken = takers([channel], facts.minutes("delivered_seconds", None), "kWh", accept)
    return {"result": PASS if taken else FAIL}


KINDS: dict[str, Kind] = {
    "ESPI_SCALE": espi_scale,
    "ESPI_COST": espi_cost,
    "ESPI_DST_RULE": espi_dst_rule,
    "NULL_QUALITY": null_quality,
    "DUPLICATE": duplicate,
    "INTERVAL_SIZE": interval_size,
}
