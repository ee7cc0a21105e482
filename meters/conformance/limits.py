"""Rules that judge one channel by itself: spikes, limits, jumps, runs, clocks, counters."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from meters.calc.circumstances import ClockCheck, PastPeriod
from meters.conformance._base import (
    START,
    Facts,
    Found,
    Kind,
    NotUnderstood,
    judge,
    metric,
    series,
    verdict,
    words,
)
from meters.validation.spike import SpikeParameters, assess
from meters.validation.usage import average_day
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import LocalClock, Period
from poweroptix.kernel.series import Series

_HUGE = Decimal(10) ** 12
_LOAD = {"kind": "TENANT_LOAD"}
_DIRECTIONS = {"DEL": "DELIVERED", "REC": "RECEIVED", "NET": "NET"}


def spike(facts: Facts) -> Found:
    """Judge one day of readings at a base, with peaks by index."""
    values = [facts.number("base", 90)] * facts.whole("n")
    for index, peak in facts.get("peaks", {}).items():
        values[int(index)] = Decimal(str(peak))
    chosen = {
        "threshold": facts.number("threshold") if "threshold" in facts else None,
        "min_intervals": facts.whole("min_n") if "min_n" in facts else None,
    }
    parameters = SpikeParameters(**{k: v for k, v in chosen.items() if v is not None})
    least = Fraction(facts.number("min_peak", 0)) * MICRO
    told = assess(series(values).values, parameters, least)
    return {
        "result": told.result,
        "reason": told.reason,
        "ratio": None if told.ratio is None else Fraction(told.ratio),
        "flagged": list(told.flagged),
    }


def high_limit(facts: Facts) -> Found:
    """Judge a reading by the capacity of its point, or by its instrument transformers."""
    minutes, value = facts.minutes("seconds", None), facts.number("value")
    numbers = ("line_v", "primary_a", "rating_factor")
    parameters = {name: facts.number(name) for name in numbers if name in facts}
    parameters["factor"] = facts.number("factor")
    capacity = facts.number("nameplate_kw")

    def judged(kwh: Decimal) -> list:
        return judge(
            "high_limit@1", series([kwh], minutes), parameters=parameters, capacity_kw=capacity
        )

    return {"limit": judged(_HUGE)[0].threshold, "result": verdict(judged(value))}


def usage(facts: Facts) -> Found:
    """Judge the average day of a period against an earlier one, by its real hours."""
    if "tz" in facts:
        first, after = (date.fromisoformat(facts.need(name)) for name in ("start", "end"))
        period = Period.days_between(facts.need("tz"), first, after - timedelta(days=1))
        grid = Grid.spanning(period.start_utc, period.end_utc, 60)
    else:
        grid = Grid(START, 60, 24 * facts.whole("days"))
    month = Series.of(grid, [facts.number("kwh"), *[0] * (grid.count - 1)], "kWh")
    day = facts.number("hist_adu")
    earlier = PastPeriod("the earlier period", day * 30, Decimal(0), Decimal(720), Decimal(1))

    def judged(low: Decimal | None, high: Decimal | None) -> list:
        parameters = {"low_ratio": low, "high_ratio": high}
        return judge("usage@1", month, parameters=parameters, circumstances={"previous": earlier})

    low, high = (facts.number(name) if name in facts else None for name in ("low", "high"))
    return {
        "hours": grid.count,
        "adu": average_day(month.total(), Decimal(grid.count)),
        "ratio": metric(judged(Decimal(0), Decimal(0))),
        "result": verdict(judged(low, high)),
    }


def consecutive(facts: Facts) -> Found:
    """Judge the change from one reading to the next."""
    pair = series([facts.number("prev_valid"), facts.number("cur")])
    limit = facts.number("threshold_pct")
    key = "consecutive@1"
    return {
        "pct": metric(judge(key, pair, parameters={"tolerance_pct": Decimal(0)})),
        "result": verdict(judge(key, pair, parameters={"tolerance_pct": limit})),
    }


def clock(facts: Facts) -> Found:
    """Judge the drift of a meter's clock."""
    check = ClockCheck(START + timedelta(minutes=15), facts.number("drift_s"))
    found = judge(
        "clock@1",
        series([Decimal(1)] * 2),
        parameters={"tolerance_s": facts.number("tolerance_s")},
        circumstances={"clock_checks": [check]},
    )
    return {"result": verdict(found)}


def pulses(facts: Facts) -> Found:
    """Judge a counter of so many bits."""
    found = judge(
        "pulse_overflow@1",
        series([Decimal(1)]),
        parameters={"bits": facts.whole("bits")},
        circumstances={"raw": series([facts.number("count")], unit="count")},
    )
    return {"result": verdict(found)}


def zero_run(facts: Facts) -> Found:
    """Judge a run of zeros of a load, counted in intervals."""
    minutes, run = facts.minutes(), facts.whole("run")
    most = facts.whole("max_zero_run") * minutes
    parameters = {"warn_after_minutes": most, "hold_after_minutes": max(most, 1440)}
    readings = series([Decimal(1), *[Decimal(0)] * run, Decimal(1)], minutes)
    return {"result": verdict(judge("zero_run@1", readings, parameters=parameters, facts=_LOAD))}


def stuck(facts: Facts) -> Found:
    """Judge identical values in a row."""
    limit = facts.whole("max_repeat") if "max_repeat" in facts else None
    found = judge("stuck@1", series(facts.numbers("values")), parameters={"max_repeat": limit})
    return {"result": verdict(found)}


def negative(facts: Facts) -> Found:
    """Judge a reading by the direction that its channel counts."""
    prefix = words(r"(DEL|REC|NET)_.*", facts.need("channel"), "channel")[1]
    found = judge("negative@1", series([facts.number("value")]), direction=_DIRECTIONS[prefix])
    return {"result": verdict(found)}


def gap(facts: Facts) -> Found:
    """Find the gaps of a local day from which some starts are absent."""
    zone, day = facts.need("tz"), date.fromisoformat(facts.need("date"))
    grid = Period.day(zone, day).grid(facts.minutes())
    clocks = r"\d\d:\d\d(?:(?:,| and )\d\d:\d\d)*"
    said = words(
        rf"all (\d+)(?: except starts ({clocks}) local)?", facts.need("present"), "present"
    )
    if int(said[1]) != grid.count:
        raise NotUnderstood(f"the day has {grid.count} intervals, not {said[1]}")
    away = set(said[2].replace(" and ", ",").split(",")) if said[2] else set()
    slots = LocalClock.of(grid, zone).minute_of_day.tolist()
    shown = [f"{slot // 60:02d}:{slot % 60:02d}" for slot in slots]
    readings = Series.of(grid, [None if each in away else 1 for each in shown], "kWh")
    found = judge("gap@1", readings, zone=zone)
    return {
        "expected": grid.count,
        "present": grid.count - readings.missing_count,
        "gaps": [
            [f"{one.start_utc:%Y-%m-%dT%H:%MZ}", f"{one.end_utc:%Y-%m-%dT%H:%MZ}", int(one.metric)]
            for one in found
            if one.start_utc and one.end_utc and one.metric is not None
        ],
        "result": verdict(found),
    }


KINDS: dict[str, Kind] = {
    "SPIKE": spike,
    "HIGH_LIMIT": high_limit,
    "HIGH_LOW_USAGE": usage,
    "CONSECUTIVE_TOLERANCE": consecutive,
    "TIME_TOLERANCE": clock,
    "PULSE_OVERFLOW": pulses,
    "ZERO_RUN": zero_run,
    "STUCK": stuck,
    "NEGATIVE": negative,
    "GAP": gap,
}
