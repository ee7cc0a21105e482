"""Worked examples: price a version on agreed inputs and compare to the cent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts import queries
from contracts.calc.agreed_lines import PricedBy, not_agreed
from contracts.calc.documents import pricing_inputs
from contracts.calc.price_terms import PricedTerm, PricingInputs, needs_of, price_terms
from contracts.models import ContractExample, ContractVersion
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.plain import plain_decimal
from poweroptix.kernel.worksheet import Worksheet


@dataclass(frozen=True)
class ExampleVerdict:
    """What came out of one example: per line code what was agreed and what was computed."""

    name: str
    passed: bool
    expected: dict[str, str]
    got: dict[str, str | None]
    messages: tuple[str, ...] = ()


def run_examples(version: ContractVersion, *, now: datetime) -> list[ExampleVerdict]:
    """Run every example of a version; a draft remembers the verdicts."""
    verdicts = []
    for example in version.examples.order_by("name"):
        verdict = run_example(example)
        verdicts.append(verdict)
        if version.state == ContractVersion.State.DRAFT:
            example.last_verdict = "PASS" if verdict.passed else "FAIL"
            example.last_report = list(verdict.messages)
            example.last_run_at = now
            example.save(update_fields=["last_verdict", "last_report", "last_run_at"])
    return verdicts


def lines_not_agreed(version: ContractVersion) -> list[tuple[PricedTerm, str]]:
    """Return each line that a version adds or changes and that no worked example agrees on.

    It is held against the version of the contract that was activated before it. A line counts as
    agreed where an example names an amount for it; whether it comes out is the example's verdict.
    """
    before = version_before(version)
    named = [one for one in version.examples.all() if isinstance(one.expected, dict)]
    agreed = {int(code) for one in named for code in one.expected if str(code).isdecimal()}
    was = None if before is None else _priced_by(before)
    return not_agreed(_priced_by(version), was, agreed)


def version_before(version: ContractVersion) -> ContractVersion | None:
    """Return the version of the contract that was activated before this one, or None."""
    earlier = version.contract.versions.filter(number__lt=version.number)
    return earlier.exclude(state=ContractVersion.State.DRAFT).order_by("-number").first()


def _priced_by(version: ContractVersion) -> PricedBy:
    return PricedBy(tuple(queries.terms(version)), version.facts, version.anchor_date)


def run_example(example: ContractExample) -> ExampleVerdict:
    """Price the lines that the example names and compare them."""
    try:
        expected = read_expected(example.expected)
        sheets = price_example(example, set(expected))
    except DomainError as error:
        return ExampleVerdict(example.name, False, {}, {}, (error.message,))
    got = {code: sheet.amount_usd for code, sheet in sheets.items()}
    messages = [
        describe(code, amount, got.get(code), sheets.get(code))
        for code, amount in expected.items()
        if got.get(code) != amount
    ]
    return ExampleVerdict(
        example.name,
        not messages,
        {code: f"{amount:f}" for code, amount in expected.items()},
        {code: None if amount is None else f"{amount:f}" for code, amount in got.items()},
        tuple(messages),
    )


def check_example(
    version: ContractVersion, inputs: Mapping[str, Any], expected: Mapping[str, str]
) -> None:
    """Refused when inputs cannot be read, or give no amount for a line that is agreed on."""
    example = ContractExample(version=version, inputs=dict(inputs), expected=dict(expected))
    agreed = read_expected(example.expected)
    for code, sheet in price_example(example, set(agreed)).items():
        if sheet.amount_usd is None:
            raise Refused("contracts.no_amount", describe(code, agreed[code], None, sheet))


def describe(code: str, expected: Decimal, got: Decimal | None, sheet: Worksheet | None) -> str:
    """Why a line differs, in one sentence."""
    if sheet is None:
        return f"the version has no line {code}"
    if got is None:
        first = next(iter(sheet.findings), None)
        reason = "a figure is missing" if first is None else first.message
        fix = f". {first.fix}" if first is not None and first.fix else ""
        return f"line {code}: agreed {expected:,.2f}, no amount because {reason}{fix}"
    computed = f"computed {got:,.2f}, differs by {got - expected:,.2f}"
    return f"line {code}: agreed {expected:,.2f}, {computed}"


def read_expected(document: Any) -> dict[str, Decimal]:
    """Agreed amounts per line code. Refused unless they are cents written as text."""
    if not isinstance(document, dict) or not document:
        raise Refused("contracts.expected", "the example agrees on no amount")
    found = {}
    for code, text in document.items():
        amount = plain_decimal(text)
        if amount is None or amount.as_tuple().exponent < -2:
            raise Refused("contracts.expected", f"line {code}: {text!r} is not an amount in quotes")
        found[str(code)] = amount
    return found


def price_example(example: ContractExample, codes: set[str]) -> dict[str, Worksheet]:
    """Worksheets of the named lines on the example's inputs."""
    version = example.version
    wanted = [term for term in queries.terms(version) if str(term.line_code) in codes]
    label = example.inputs.get("period") if isinstance(example.inputs, dict) else None
    if label is None:
        raise Refused("contracts.document", "the example names no period, such as 2026-03")
    first = version.valid.lower
    defaults = queries.pricing_inputs(
        version, Period.month(version.contract.zone, f"{first:%Y-%m}")
    )
    inputs = read_inputs(example.inputs, defaults)
    missing = set(needs_of(wanted).calendars) - set(inputs.calendars)
    inputs.calendars.update(queries.calendars(missing))
    priced, _carry = price_terms(wanted, inputs)
    return {str(term.line_code): sheet for term, sheet in priced}


def read_inputs(document: Mapping[str, Any], defaults: PricingInputs) -> PricingInputs:
    """Return the inputs of a document. Refused when an entry has not the shape of its kind."""
    try:
        return pricing_inputs(document, defaults)
    except KeyError as error:
        text = f"the inputs cannot be read: {error} is missing"
        raise Refused("contracts.document", text) from error
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise Refused("contracts.document", f"the inputs cannot be read: {error}") from error
