"""Conformance cases: an input document and the amounts it must give.

A case is `{"id", "kind": "settle", "inputs": document, "expected": {"lines": {code: amount},
"total": amount}}`. Lines are given by line code (their sum, when a code has several) or as a list
of amounts in order. A case of kind "pool" has the document of a pool's month with the energy of
its members in full (`"series"`) and expects `{"amount", "operator", "shares": {member: amount}}`;
one of kind "owners" has the document of a month's statements and expects `{"net": {party: amount}}`
and the like. Other kinds, and cases that cannot be read, are reported as unsupported with the path
of what is wrong, never as passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import reading
from poweroptix.kernel.errors import DomainError
from settlement.calc.inputs import from_document, read_series
from settlement.calc.money import divide, period_of
from settlement.calc.owners import statements
from settlement.calc.settle import Outcome, settle

CASE_FIELDS = ("id", "kind", "title", "inputs", "expected")
#: Refusals that say that the case is not written as we read it, so nothing was computed.
UNREADABLE = {
    reading.CODE,
    "settlement.document",
    "settlement.pool_document",
    "settlement.owners_document",
    "settlement.reference",
    "registry.unknown",
}


@dataclass(frozen=True)
class Verdict:
    """What came of a case: pass, fail or unsupported."""

    id: str
    verdict: str
    expected: Any
    got: Any

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "id": self.id,
            "verdict": self.verdict,
            "expected": self.expected,
            "got": self.got,
        }


def run_case(case: Mapping[str, Any]) -> Verdict:
    """Settle a case and compare every amount that it names, to the cent."""
    name, expected = str(case.get("id", "")), case.get("expected", {})
    kind = case.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        return Verdict(name, "unsupported", expected, f"kind {kind!r}")
    try:
        reading.required("the case", case, ("inputs",), CASE_FIELDS)
        inputs = reading.as_object("inputs", case["inputs"])
        reading.exact("inputs", inputs)
        reading.as_object("expected", expected, EXPECTED[kind])
        got = KINDS[kind](inputs, expected)
    except DomainError as error:
        return _refused(name, expected, error)
    except reading.SHAPELESS as error:  # read, but not reckoned: the other cases go on
        return Verdict(name, "fail", expected, f"{type(error).__name__}: {error}")
    passed = bool(expected) and _plain(got) == _plain(expected)
    return Verdict(name, "pass" if passed else "fail", expected, got)


def _refused(name: str, expected: Any, error: DomainError) -> Verdict:
    """Return the verdict on a refusal: what cannot be read is unsupported, unless expected so."""
    got = {"refused": error.code, "message": error.message}
    if isinstance(expected, Mapping) and expected.get("refused") == error.code:
        return Verdict(name, "pass", expected, got)
    return Verdict(name, "unsupported" if error.code in UNREADABLE else "fail", expected, got)


def _settled(document: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    return _got(settle(from_document(document)), expected)


def _pool(document: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """Divide a pool's month; energy stands in the document under "series"."""
    with reading.reading("inputs"):
        inputs = {name: one for name, one in document.items() if name != "series"}
        period = period_of(inputs)
        series = reading.each(
            "inputs.series",
            document.get("series", {}),
            lambda code, entry: read_series(code, entry, period, None),
        )
        division = divide(inputs, series)
    if division.findings:
        return {"findings": [one.code for one in division.findings]}
    got = {
        "amount": _text(division.amount_usd),
        "operator": _text(division.operator_usd),
        "shares": {share.member: _text(share.amount_usd) for share in division.shares},
    }
    return {name: got[name] for name in expected if name in got}


def _owners(document: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """State a month; each expected name is a column of the parties: revenue, cost, fee, net."""
    with reading.reading("inputs"):
        found = statements(document)
    return {
        name: {party: _text(found.sums(party)[f"{name}_usd"]) for party in found.parties}
        for name in expected
        if name in ("revenue", "cost", "fee", "net")
    }


#: What a case of a kind may expect; `refused` is the code of a refusal.
EXPECTED = {
    "settle": ("lines", "quantities", "total", "refused"),
    "pool": ("amount", "operator", "shares", "refused"),
    "owners": ("revenue", "cost", "fee", "net", "refused"),
}
KINDS = {"settle": _settled, "pool": _pool, "owners": _owners}


def _got(outcome: Outcome, expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the case asks about, as the outcome has it."""
    got: dict[str, Any] = {}
    if "lines" in expected:
        got["lines"] = (
            [_text(line.amount_usd) for line in outcome.lines]
            if isinstance(expected["lines"], list)
            else _by_code(outcome)
        )
    if "quantities" in expected:
        got["quantities"] = [_text(line.quantity) for line in outcome.lines]
    if "total" in expected:
        got["total"] = _text(outcome.total_usd)
    return got


def _by_code(outcome: Outcome) -> dict[str, str | None]:
    sums: dict[str, Decimal | None] = {}
    for line in outcome.lines:
        key, before = str(line.line_code), sums.get(str(line.line_code), Decimal(0))
        known = before is not None and line.amount_usd is not None
        sums[key] = before + line.amount_usd if known else None
    return {key: _text(amount) for key, amount in sums.items()}


def _text(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def _plain(value: Any) -> Any:
    """Return numbers without trailing zeros, so that 10.5 equals 10.50."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        try:
            return format(Decimal(value).normalize(), "f")
        except ArithmeticError:
            return value
    return value
