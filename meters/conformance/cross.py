"""Rules that judge a channel beside others: reactive energy, check meters, sun, stores."""

from __future__ import annotations

from decimal import Decimal

from meters.calc.circumstances import Relation
from meters.conformance._base import (
    Facts,
    Found,
    Kind,
    beside,
    judge,
    metric,
    series,
    verdict,
)
from meters.validation.solar import SolarNightParameters

_DAY, _MONTH = 96, 30
_NONE = Decimal(0)


def kvarh(facts: Facts) -> Found:
    """Judge reactive energy of a load beside its active energy."""
    found = judge(
        "kvarh@1",
        series([facts.number("kwh")]),
        beside(Relation.REACTIVE, series([facts.number("kvarh")], unit="kVArh")),
        parameters={"min_kvarh": facts.number("min_kvarh", 0)},
        facts={"kind": "TENANT_LOAD"},
    )
    return {"result": verdict(found)}


def main_check(facts: Facts) -> Found:
    """Judge a day of the main meter against its check meter."""
    main, check = (
        series([facts.number(name), *[_NONE] * (_DAY - 1)]) for name in ("main", "check")
    )
    limit = facts.number("tolerance_pct") if "tolerance_pct" in facts else None

    def judged(tolerance: Decimal | None) -> list:
        other = beside(Relation.CHECK, check)
        return judge("main_check_day@1", main, other, parameters={"tolerance_pct": tolerance})

    return {"diff_pct": metric(judged(_NONE)), "result": verdict(judged(limit))}


def solar_night(facts: Facts) -> Found:
    """Judge what a solar plant shows with the sun at a height."""
    night = SolarNightParameters().night_ratio
    capacity = facts.number("tolerance_kwh") * 4 / night  # what passes is a share of capacity
    found = judge(
        "solar_night@1",
        series([facts.number("value")]),
        beside(Relation.SUN_ELEVATION, series([facts.number("elevation_deg")], unit="deg")),
        facts={"kind": "GENERATOR", "technology": "SOLAR"},
        capacity_kw=capacity,
    )
    return {"result": verdict(found)}


def round_trip(facts: Facts) -> Found:
    """Judge what a store gave back of its charge over thirty days."""
    rest = [_NONE] * (_MONTH - 1)
    discharge = series([*rest, facts.number("discharge")], 1440)
    charge = series([facts.number("charge"), *rest], 1440)
    names = ("low", "high")

    def judged(low: Decimal | None, high: Decimal | None) -> list:
        return judge(
            "storage_efficiency@1",
            discharge,
            beside(Relation.CHARGE, charge),
            parameters={"low_ratio": low, "high_ratio": high},
            facts={"kind": "STORAGE", "technology": "BATTERY"},
        )

    limits = (facts.number(name) if name in facts else None for name in names)
    return {"rte": metric(judged(_NONE, _NONE)), "result": verdict(judged(*limits))}


KINDS: dict[str, Kind] = {
    "KVARH": kvarh,
    "MAIN_VS_CHECK": main_check,
    "SOLAR_NIGHT": solar_night,
    "STORAGE_RTE": round_trip,
}
