"""Sums over time and over channels: interval lengths, power as energy, net generation."""

from __future__ import annotations

from decimal import Decimal

from meters.calc.expressions import compute
from meters.calc.resolution import change_length
from meters.conformance._base import Facts, Found, Kind, NotUnderstood, series, words
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

_WRITTEN = {"ACTUAL": Status.VALIDATED}  # as examples call a reading that passed
_LENGTHS = {"fifteen": 15, "thirty": 30, "hour": 60}


def energy_of_power(facts: Facts) -> Found:
    """Turn mean power into the energy of an interval."""
    minutes = facts.minutes("seconds", None)
    power = series([facts.number("avg_kw")], minutes, "kW")
    return {"kwh": compute(f"KW * {minutes} / 60", {"KW": power}, unit="kWh").decimals()[0]}


def aggregate(facts: Facts) -> Found:
    """Sum intervals of five minutes to longer ones; peaks are of their mean power."""
    five = series(facts.numbers("five_min"), 5)
    whole = len(five.values) * 5
    sums = {
        name: change_length(five, minutes).decimals()
        for name, minutes in _LENGTHS.items()
        if whole % minutes == 0
    }
    found: dict[str, Found] = {"total": five.total(), **sums}
    if len(sums.get("hour", ())) == 1:
        found["hour"] = sums["hour"][0]
    for name, minutes in _LENGTHS.items():
        if name in sums:
            label = "hour" if minutes == 60 else str(minutes)
            kwh = change_length(five, minutes)
            power = compute(f"E * 60 / {minutes}", {"E": kwh}, unit="kW")
            known = [each for each in power.decimals() if each is not None]
            found[f"peak_{label}_kw"] = max(known, default=None)
            if label == "hour" and len(known) == 1:
                found["avg_kw_hour"] = known[0]
    return found


def aggregate_status(facts: Facts) -> Found:
    """Sum parts of different statuses: the worst counts, and a missing one leaves no sum."""
    names = [str(name) for name in facts.need("children")]
    for name in names:
        if name not in _WRITTEN and name not in Status.__members__:
            raise NotUnderstood(f"there is no status {name!r}")
    statuses = [_WRITTEN.get(name) or Status[name] for name in names]
    values = facts.numbers("values") if "values" in facts else [Decimal(100)] * len(names)
    parts = series(
        [None if s is Status.MISSING else v for s, v in zip(statuses, values, strict=True)], 5
    )
    parts = Series(parts.grid, parts.values, [int(each) for each in statuses], parts.unit)
    whole = change_length(parts, 5 * len(names))
    status = Status(int(whole.status[0]))
    said = {value: name for name, value in _WRITTEN.items()}
    return {"value": whole.decimals()[0], "status": said.get(status, status.name)}


def length_change(facts: Facts) -> Found:
    """Bring history to another interval length."""
    name, _ = facts.matching(r"hist_(\d+)min")
    target = words(r"(\d+) x (\d+) min", facts.need("target"), "target")
    history = series(facts.numbers(name.string), int(name[1]))
    found = change_length(history, int(target[2])).decimals()
    if len(found) != int(target[1]):
        raise NotUnderstood(f"the history gives {len(found)} intervals, not {target[1]}")
    return {"values": found}


def net_generation(facts: Facts) -> Found:
    """Take the auxiliaries off gross generation; what they draw beyond it is station service."""
    terms = {name.upper(): series([facts.number(name)]) for name in ("gross", "aux")}
    formulas = {
        "net": "GROSS - AUX",
        "net_signed": "GROSS - AUX",
        "net_generation": "max(0, GROSS - AUX)",
        "station_service": "max(0, AUX - GROSS)",
    }
    return {name: compute(formula, terms).decimals()[0] for name, formula in formulas.items()}


KINDS: dict[str, Kind] = {
    "KW_TO_KWH": energy_of_power,
    "AGGREGATE": aggregate,
    "AGGREGATE_STATUS": aggregate_status,
    "LENGTH_CHANGE": length_change,
    "NET_GENERATION": net_generation,
}
