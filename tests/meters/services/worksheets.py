"""Computes an estimate again from its worksheet alone; of the product only rounding is used.

What a verifier would do with the printed sheet. Every sheet that a test of estimates looks at goes
through here.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from poweroptix.kernel.rounding import cumulative, to_places


def again(sheet: dict) -> list[str]:
    """Return the values that a worksheet leads to, as text."""
    first = _METHODS[sheet["method"]](sheet)
    own = [f"{value:.3f}" for value in first]
    assert own == sheet.get("estimated", own), "the estimate before scaling"
    values = [Decimal(text) for text in own]
    for step in sheet.get("scaled", []):
        values = _scaled(sheet, step, values)
    return [_plain(value) for value in values]


def _plain(value: Decimal) -> str:
    text = f"{value:.6f}"
    return text[:-3] + text[-3:].rstrip("0")


def _each(numbers) -> list[Decimal]:
    return [to_places(Fraction(number), 3, "HALF_EVEN") for number in numbers]


def _hours(sheet: dict) -> Fraction:
    first, last = (_moment(text) for text in sheet["gap"])
    return Fraction(int((last - first).total_seconds()), 3600 * len(sheet["values"]))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _line(sheet: dict) -> list[Decimal]:
    points = [(_moment(n["start"]), Fraction(n["value"])) for n in sheet["neighbours"]]
    step, start = _hours(sheet) * 3600, _moment(sheet["gap"][0])
    numbers = []
    for n in range(len(sheet["values"])):
        if len(points) == 1:
            numbers.append(points[0][1])
            continue
        (ta, a), (tb, b) = points
        at = Fraction(int((start - ta).total_seconds())) + n * step
        numbers.append(a + (b - a) * at / Fraction(int((tb - ta).total_seconds())))
    return cumulative(numbers, 3)


def _days(sheet: dict) -> list[Decimal]:
    numbers = []
    for day in sheet["days"]:
        columns = [[Fraction(v) for v in each["values"]] for each in day["references"]]
        numbers += [sum(slot) / len(columns) for slot in zip(*columns, strict=True)]
    return _each(numbers)


def _check(sheet: dict) -> list[Decimal]:
    factor = Fraction(sheet["ratio"]["k"] if "ratio" in sheet else sheet["loss_factor"])
    return _each(Fraction(v) * factor for v in sheet["check_values"])


def _scada(sheet: dict) -> list[Decimal]:
    factor = Fraction(sheet["kw_per_unit"]) * Fraction(sheet["hours"])
    factor *= Fraction(sheet["ratio"]["k"])
    means = [sum(map(Fraction, s)) / len(s) for s in sheet["samples"]]
    return _each(mean * factor for mean in means)


def _node(sheet: dict) -> list[Decimal]:
    kept = 1 - Fraction(sheet["loss_pct"]) / 100
    numbers = []
    for n in range(len(sheet["values"])):
        into = sum(Fraction(f["values"][n]) for f in sheet["flows"] if f["into_node"])
        out = sum(Fraction(f["values"][n]) for f in sheet["flows"] if not f["into_node"])
        flows_in = sheet["formula"].startswith("sum of out")
        numbers.append(out / kept - into if flows_in else into * kept - out)
    return _each(numbers)


def _nothing(sheet: dict) -> list[Decimal]:
    return _each([0] * len(sheet["values"]))


def _average(sheet: dict) -> list[Decimal]:
    values = []
    for day in sheet["days"]:
        whole = cumulative([Fraction(day["each"])] * day["missing"], 3)
        values += whole[day["first"] : day["first"] + day["count"]]
    return values


def _profile(sheet: dict) -> list[Decimal]:
    weights = [Fraction(text) for text in sheet["weights"]]
    rest, whole = Fraction(sheet["known"]["rest"]), sum(weights)
    parts = [rest * w / whole if whole else rest / len(weights) for w in weights]
    rounded = cumulative(parts, 3)
    first, last = sheet["gap"]
    return [v for v, at in zip(rounded, sheet["missing"], strict=True) if first <= at < last]


def _exchange(sheet: dict) -> list[Decimal]:
    measured = Fraction(sheet["old"]) + Fraction(sheet["new"])
    whole = sheet["interval_s"]
    return _each([measured * whole / (whole - sheet["dead_s"])])


def _store(sheet: dict) -> list[Decimal]:
    numbers = []
    for before, after in pairwise(Fraction(text) for text in sheet["charge_pct"]):
        moved = (after - before) / 100 * Fraction(sheet["usable_kwh"])
        charge = max(moved, 0) / Fraction(sheet["charge_ratio"])
        discharge = max(-moved, 0) * Fraction(sheet["discharge_ratio"])
        numbers.append({"CHARGE": charge, "DISCHARGE": discharge}.get(
            sheet["counts"], discharge - charge))  # fmt: skip
    return _each(numbers)


def _fuel(sheet: dict) -> list[Decimal]:
    return _each(
        Fraction(step["fuel_mmbtu"]) * 10**6 / Fraction(step["heat_rate_btu_per_kwh"])
        for step in sheet["steps"]
    )


def _sun(sheet: dict) -> list[Decimal]:
    numbers = []
    for step in sheet["steps"]:
        if step["basis"] == "night":
            numbers.append(Fraction(0))
        elif step["basis"] == "inverters":
            numbers.append(Fraction(step["sum"]) * (1 - Fraction(step["loss_pct"]) / 100))
        elif Fraction(step["GHI"]) <= 0:
            numbers.append(Fraction(0))
        else:
            ratio = Fraction(step["GHI"]) / Fraction(step["GHI_ref"])
            numbers.append(Fraction(step["E_ref"]) * ratio)
    return _each(numbers)


def _wind(sheet: dict) -> list[Decimal]:
    kept = 1 - Fraction(sheet["loss_pct"]) / 100
    return _each(
        Fraction(s["sum"]) * kept if "sum" in s else Fraction(s["kw"]) * _hours(sheet) * kept
        for s in sheet["steps"]
    )


_METHODS = {
    "interpolate@1": _line,
    "like_day@1": _days,
    "avg_like_day@1": _days,
    "recent_days@1": _days,
    "prev_year@1": _days,
    "check_meter@1": _check,
    "scada@1": _scada,
    "node_calc@1": _node,
    "zero@1": _nothing,
    "average_daily_load@1": _average,
    "profile@1": _profile,
    "exchange@1": _exchange,
    "storage@1": _store,
    "gas@1": _fuel,
    "solar@1": _sun,
    "wind@1": _wind,
}


def _scaled(sheet: dict, step: dict, values: list[Decimal]) -> list[Decimal]:
    """Return the values with one part of them set to its register."""
    hours = _hours(sheet)
    start = _moment(sheet["gap"][0])
    first, end = (
        int(Fraction(int((_moment(t) - start).total_seconds())) / (hours * 3600))
        for t in step["part"]
    )
    rest = max(Decimal(step["rest"]), Decimal(0))
    assert Decimal(step["register"]) - Decimal(step["measured"]) == Decimal(step["rest"])
    run = Fraction(step["estimates_before"])
    factor, count = step["factor"], step["count_before"]

    def at(run: Fraction, count: int) -> Decimal:
        exact = run * Fraction(factor) if factor else Fraction(rest) * count / step["count"]
        places = max(3, -rest.normalize().as_tuple().exponent)
        return to_places(exact, places, "HALF_EVEN")

    found = list(values)
    for index in range(first, end):
        before = at(run, count)
        run, count = run + Fraction(values[index]), count + 1
        found[index] = at(run, count) - before
    return found
