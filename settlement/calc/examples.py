"""Worked examples of metering as conformance cases: what is given, what must come out.

An example is `{"id", "rule", "given", "expect"}`. What it leaves out stands in the example before
it of the same rule. An example passes only if its rule, every given and every expected fact are
known, and all that is expected is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.calc.reading import SHAPELESS
from meters.conformance import KINDS, Facts, Found, Kind, NotUnderstood, agrees, plain
from poweroptix.kernel.errors import DomainError
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.calc.balance import campus_balance
from settlement.calc.cases import Verdict

_DAY = Period.day("UTC", date(2026, 3, 2))
_SOURCES, _SINKS = ("gen", "imp", "dis"), ("load", "exp", "chg")
#: What only stored readings can answer; `more` of `replay` brings the kinds.
_STORED = {"VERSION": "what replaces what, and what a settled month keeps, is held by the tests"}
_LOW, _HIGH = "-0.002", "0.025"  # the limits of a campus that sets none


def is_example(case: Mapping[str, Any]) -> bool:
    """Say whether a case is a worked example of metering.

    >>> is_example({"id": "M2", "rule": "KW_TO_KWH", "given": {}, "expect": {}})
    True
    """
    return isinstance(case.get("rule"), str) and isinstance(case.get("given"), Mapping)


def replay(
    cases: Iterable[Mapping[str, Any]], more: Mapping[str, Kind] | None = None
) -> list[Verdict]:
    """Return the verdict on each example, in order; `more` are kinds that need what is stored."""
    kinds = {**KINDS, "CAMPUS_BALANCE": balance, **(more or {})}
    before: dict[str, dict[str, Any]] = {}
    verdicts = []
    for case in cases:
        known = before.get(case["rule"], {})
        verdicts.append(_verdict(case, known, kinds))
        before[case["rule"]] = {**known, **case["given"]}
    return verdicts


def _verdict(
    case: Mapping[str, Any], before: Mapping[str, Any], kinds: Mapping[str, Kind]
) -> Verdict:
    """Replay one example."""
    name, expected = str(case.get("id", "")), case.get("expect")
    kind = kinds.get(case["rule"])
    if kind is None and case["rule"] in _STORED:
        return Verdict(name, "unsupported", expected, _STORED[case["rule"]])
    if kind is None:
        return Verdict(name, "fail", expected, f"There is no rule {case['rule']!r}.")
    facts = Facts(case["given"], before)
    try:
        found = kind(facts)
    except NotUnderstood as reason:
        return Verdict(name, "fail", expected, f"Not understood: {reason}.")
    except DomainError as refused:
        found = {"refused": refused.code, "message": refused.message}
    except SHAPELESS as error:  # a fact of another shape than its rule takes
        return Verdict(name, "unsupported", expected, f"given: {type(error).__name__}: {error}")
    if facts.unread():
        return Verdict(name, "fail", expected, f"Not understood: {', '.join(facts.unread())}.")
    passed = agrees(expected, found)
    return Verdict(name, "pass" if passed else "fail", expected, plain(found, expected))


def balance(facts: Facts) -> Found:
    """Balance a day of a campus."""

    def flows(names: tuple[str, ...]) -> dict[str, Series]:
        return {name: _flow(facts.number(name)) for name in names}

    found = campus_balance(
        flows(_SOURCES),
        flows(_SINKS),
        _DAY,
        low_ratio=facts.number("low", _LOW),
        high_ratio=facts.number("high", _HIGH),
    )
    [day] = found.days
    ratio = day.residual_ratio
    return {
        "sources": day.sources_kwh,
        "sinks": day.sinks_kwh,
        "loss": day.residual_kwh,
        "loss_pct": None if ratio is None else Fraction(ratio) * 100,
        "result": "PASS" if day.within else "FAIL",
    }


def _flow(kwh: Decimal) -> Series:
    grid = _DAY.grid(60)
    return Series.of(grid, [kwh, *[0] * (grid.count - 1)], "kWh")
