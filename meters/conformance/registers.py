"""Registers: sum check, rollover, plausibility, scaling of estimates, and a meter exchanged."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from meters.calc.circumstances import RegisterAdvance
from meters.calc.evidence import Evidence, Exchanged
from meters.calc.registers import (
    Advance,
    Dial,
    Verdict,
    advance,
    most,
    primary,
    read_dial,
    straddling,
)
from meters.calc.registers import (
    judge as judge_advance,
)
from meters.calc.scaling import scale_all, scale_to_register
from meters.conformance._base import (
    FAIL,
    PASS,
    START,
    Facts,
    Found,
    Kind,
    NotUnderstood,
    estimate,
    judge,
    made,
    series,
    verdict,
    words,
)
from meters.validation.sum_check import SumCheckParameters, tolerance
from poweroptix.kernel.errors import Refused

_DAY = 96


def sum_check(facts: Facts) -> Found:
    """Compare the intervals of a day with what its register advanced, over zero if need be."""
    moved, last = _advance(facts)
    multiplier = facts.number("multiplier", 1)
    register = RegisterAdvance(
        START,
        START + timedelta(days=1),
        primary(moved.forward, multiplier),
        primary(last.least, multiplier),
        rolled_over=moved.rolled,
    )
    intervals = series([Decimal(0)] * (_DAY - 1) + [facts.number("interval_sum")])
    parameters = {"units": facts.whole("units")} if "units" in facts else {}
    found = judge(
        "sum_check@1", intervals, parameters=parameters, circumstances={"registers": [register]}
    )
    return {
        "register_kwh": register.energy,
        "rollover": moved.rolled,
        "diff": intervals.total() - register.energy,
        "tolerance": tolerance(register, SumCheckParameters(**parameters)),
        "result": verdict(found),
    }


def plausible(facts: Facts) -> Found:
    """Say whether the capacity proves an advance, or rather that the dial ran back."""
    moved, _ = _advance(facts)
    hours, capacity = Fraction(facts.number("hours")), facts.number("capacity_kw")
    elapsed = timedelta(microseconds=round(hours * 3_600_000_000))
    told = judge_advance(moved, facts.number("multiplier", 1), elapsed, capacity)
    return {
        "forward_delta": moved.forward,
        "backward_delta": moved.backward,
        "rollover": moved.rolled,
        "max_plausible_kwh": most(capacity, elapsed),
        "result": PASS if told is Verdict.ACCEPTED else FAIL,
    }


def _advance(facts: Facts) -> tuple[Advance, Dial]:
    digits = facts.whole("digits") if "digits" in facts else None
    first, last = (read_dial(facts.need(name), digits) for name in ("start", "end"))
    return advance(first, last), last


def scale(facts: Facts) -> Found:
    """Scale estimates so that they and the measured energy are what the register advanced."""
    register, measured = facts.number("register"), facts.number("valid_sum")
    estimates = facts.numbers("estimates")
    try:
        scaled = scale_to_register(register, measured, estimates, facts.number("tolerance", 0))
    except Refused as refused:
        if refused.code != "scaling.sum_check":
            raise
        return {"result": "REJECT", "need": Decimal(str(refused.data["need"]))}
    return {
        "result": PASS,
        "need": scaled.need,
        "factor": scaled.factor,
        "values": list(scaled.values),
        "sum": sum(scaled.values, Decimal(0)),
    }


def adjust_all(facts: Facts) -> Found:
    """Scale every interval, measured ones too, to a total."""
    values = list(scale_all(facts.numbers("intervals"), facts.number("scalar")))
    return {"values": values, "sum": sum(values, Decimal(0))}


def exchanged(facts: Facts) -> Found:
    """Fill the interval in which a meter was exchanged: both parts and the time without a meter."""
    clock = r"\d\d:\d\d"
    bounds = words(f"({clock})-({clock})", facts.need("interval"), "interval")
    start, end = (datetime.strptime(each, "%H:%M") for each in bounds.groups())  # noqa: DTZ007
    (to, old), (since, new) = (
        facts.matching(rf"{name}_(\d{{4}})") for name in ("old_kwh_to", "new_kwh_from")
    )
    removed, installed = (datetime.strptime(each[1], "%H%M") for each in (to, since))  # noqa: DTZ007
    dead, length = timedelta(seconds=facts.whole("dead_s")), end - start
    if installed - removed != dead:
        raise NotUnderstood(f"no meter counted for {installed - removed}, not for {dead}")
    old, new = Decimal(str(old)), Decimal(str(new))
    sheet = {"reads": ({"register": ""}, {"register": "", "read_at": ""})}
    whole = made(
        estimate(
            "exchange@1",
            series([None], length // timedelta(minutes=1)),
            slice(0, 1),
            Evidence(exchanges=(Exchanged(0, old, new, dead, (sheet, sheet)),)),
        )
    )
    measured, filled = straddling(old, new, dead, length)
    return {"measured": measured, "estimated_dead": filled, "total": whole[0]}


KINDS: dict[str, Kind] = {
    "SUM_CHECK": sum_check,
    "ROLLOVER": sum_check,
    "ROLLOVER_PLAUSIBILITY": plausible,
    "SCALE_TO_REGISTER": scale,
    "ORACLE_ADJUST_ALL": adjust_all,
    "METER_EXCHANGE_STRADDLE": exchanged,
}
