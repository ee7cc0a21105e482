"""What every kind of example shares: the given facts, small series, judging, and comparison."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from meters.calc.circumstances import Circumstances, Companion, Relation
from meters.calc.evidence import Evidence
from meters.estimation import Estimate, EstimationContext, estimators
from meters.validation import ValidationContext, rules
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series

Found = Any
PASS, FAIL = "PASS", "FAIL"
START = datetime(2026, 3, 2, 6, tzinfo=UTC)  # midnight in Chicago, a day of 24 hours
ZONE = "America/Chicago"


class NotUnderstood(Exception):  # noqa: N818 - reads as a sentence
    """A given fact is missing, is of no known form, or was not asked for."""


class Facts:
    """The given facts of an example; notes which were read.

    What an example leaves out stands in the example before it of the same rule: a series of
    examples says only what changes.
    """

    def __init__(self, given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> None:
        self._given, self._before = given, before or {}
        self._read: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def need(self, name: str) -> Any:
        """Return a fact, if need be that of the example before."""
        self._read.add(name)
        if name in self._given:
            return self._given[name]
        if name in self._before:
            return self._before[name]
        raise NotUnderstood(f"the example gives no {name!r}")

    def get(self, name: str, default: Any = None) -> Any:
        """Return a fact of the example itself, or a default."""
        self._read.add(name)
        return self._given.get(name, default)

    def number(self, name: str, default: Any = None) -> Decimal:
        """Return an exact number; without a default it is needed."""
        return decimal(self.need(name) if default is None else self.get(name, default), name)

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number."""
        found = self.number(name, default)
        if found != int(found):
            raise NotUnderstood(f"{name} is {found}, not a whole number")
        return int(found)

    def minutes(self, name: str = "seconds", default: int | None = 900) -> int:
        """Return a number of seconds as minutes."""
        minutes, rest = divmod(self.whole(name, default), 60)
        if rest:
            raise NotUnderstood(f"{name} is no whole number of minutes")
        return minutes

    def numbers(self, name: str) -> list[Decimal]:
        """Return a list of exact numbers."""
        return [decimal(each, name) for each in self.need(name)]

    def matching(self, pattern: str) -> tuple[re.Match[str], Any]:
        """Return the one fact whose name matches, with the match."""
        hits = [match for match in (re.fullmatch(pattern, name) for name in self._given) if match]
        if len(hits) != 1:
            raise NotUnderstood(f"the example gives {len(hits)} facts named like {pattern}")
        return hits[0], self.need(hits[0].string)

    def unread(self) -> list[str]:
        """Return the given facts that nobody asked for."""
        return sorted(set(self._given) - self._read)


Kind = Callable[[Facts], Found]


def decimal(value: Any, name: str) -> Decimal:
    """Return an exact number of JSON."""
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise NotUnderstood(f"{name} is {value!r}, not a number") from error


def words(pattern: str, text: Any, name: str) -> re.Match[str]:
    """Return the match of a fact that is written in words."""
    match = re.fullmatch(pattern, str(text))
    if match is None:
        raise NotUnderstood(f"{name} is {text!r}, expected is {pattern}")
    return match


def series(
    numbers: Sequence[Decimal | None], minutes: int = 15, unit: str = "kWh", start: datetime = START
) -> Series:
    """Return validated readings from a start on; None is missing."""
    return Series.of(Grid(start, minutes, len(numbers)), numbers, unit)


def beside(relation: Relation, other: Series) -> Companion:
    """Return another channel beside the judged one."""
    return Companion(relation, relation.value, other)


def judge(
    key: str,
    readings: Series,
    *companions: Companion,
    parameters: Mapping[str, Any] | None = None,
    circumstances: Mapping[str, Any] | None = None,
    **known: Any,
) -> list[Finding]:
    """Return what a rule finds; `parameters` that are None keep the default of the rule.

    Raises NotUnderstood where the rule says that it lacks something: it would pass unseen.
    """
    rule = rules.get(key)
    chosen = {name: value for name, value in (parameters or {}).items() if value is not None}
    around = Circumstances(companions=companions, **(circumstances or {}))
    context = ValidationContext(
        **{"zone": ZONE} | known, parameters=rule.Parameters(**chosen), circumstances=around
    )
    lacking = rule.lacks(readings, context)
    if lacking:
        raise NotUnderstood(f"{key} lacks {lacking}")
    return rule.check(readings, context)


def verdict(found: Sequence[Finding]) -> str:
    """Return PASS without findings, else FAIL."""
    return FAIL if found else PASS


def metric(found: Sequence[Finding]) -> Fraction:
    """Return what a rule measured where its limit was set to nothing; no finding measured zero."""
    return Fraction(0) if not found or found[0].metric is None else Fraction(found[0].metric)


def estimate(
    key: str,
    readings: Series,
    gap: slice,
    evidence: Evidence | None = None,
    parameters: Any = None,
    **known: Any,
) -> Estimate | None:
    """Return what an estimator makes of a gap."""
    context = EstimationContext(evidence=evidence or Evidence(), parameters=parameters, **known)
    return estimators.get(key).estimate(readings, gap, context)


def made(found: Estimate | None) -> list[Decimal]:
    """Return the values of an estimate; NotUnderstood where the method does not apply."""
    if found is None:
        raise NotUnderstood("the estimator says that its method does not apply")
    return found.decimals()


# -- comparison ----------------------------------------------------------------------------------

_ROUNDED_FROM = 3


def agrees(expected: Any, found: Found) -> bool:
    """Say whether what was found is what was expected.

    Of an object only what the example expects. Numbers must be the same; a Fraction, which is exact
    and rounded nowhere in the product, may be rounded (half to even) where the example shows at
    least three places.

    >>> agrees("1.3849", Fraction(13849, 10000) + Fraction(1, 10**6)), agrees("1.4", Decimal("1.3"))
    (True, False)
    >>> agrees("1.4", Fraction(143, 100))
    False
    """
    if isinstance(expected, Mapping):
        return (
            bool(expected)
            and isinstance(found, Mapping)
            and all(name in found and agrees(one, found[name]) for name, one in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(expected) == len(found)
            and all(agrees(one, other) for one, other in zip(expected, found, strict=True))
        )
    if expected is None or isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(found, Decimal | Fraction | int):
        return _same_number(str(expected), found)
    return isinstance(found, str) and expected == found


def _same_number(expected: str, found: Decimal | Fraction | int) -> bool:
    try:
        wanted = Decimal(expected)
    except InvalidOperation:
        return False
    places = _places(expected)
    if isinstance(found, Fraction) and places >= _ROUNDED_FROM:
        return to_places(found, places, Mode.HALF_EVEN) == wanted
    return Fraction(wanted) == found


def _places(text: str) -> int:
    return len(text.partition(".")[2])


def plain(found: Found, expected: Any = None) -> Any:
    """Return what was found as JSON, of an object what was expected (None: all of it)."""
    if isinstance(found, Mapping):
        names = expected if isinstance(expected, Mapping) else found
        return {
            name: plain(found[name], names[name]) if name in found else "not known"
            for name in names
        }
    if isinstance(found, list):
        wanted = expected if isinstance(expected, list) else []
        wanted = wanted + [None] * (len(found) - len(wanted))
        return [plain(one, other) for one, other in zip(found, wanted, strict=False)]
    if isinstance(found, Decimal | Fraction):
        return _number_text(found, _places(expected) if isinstance(expected, str) else 0)
    return found


def _number_text(number: Decimal | Fraction, places: int) -> str:
    """Return a number with as many places as are expected, or more where it has them."""
    exact = number if isinstance(number, Decimal) else to_places(number, 9, Mode.HALF_EVEN)
    whole, _, decimals = f"{exact:f}".partition(".")
    decimals = decimals.rstrip("0").ljust(places, "0")
    return f"{whole}.{decimals}" if decimals else whole
