"""Price every term of a version for one period: the one place where charges are called.

Settlement runs, worked examples, desk-checks and what-ifs all come through here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from typing import Any

from contracts.charges._base import (
    Calendar,
    ChargeInputs,
    Needs,
    PoolView,
    PricedLine,
    TermRef,
    charge_type,
)
from contracts.events import Event
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet


@dataclass(frozen=True)
class PricedTerm:
    """A term as pricing sees it, without its row in the database."""

    position: int
    line_code: int
    charge_type: str
    label: str
    clause: str = ""
    quantity_name: str = "delivered"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    term_id: int | None = None

    @cached_property
    def parsed(self) -> Any:
        """The parameters as the charge type reads them. Refused with a finding per field."""
        return charge_type(self.charge_type).parse(self.parameters)


@dataclass(frozen=True)
class PricingInputs:
    """Everything that pricing one contract version for one period reads.

    `lines` are taken as priced already; a document that shows one term alone names them.
    """

    contract: str
    version: int
    period: Period
    zone: str
    currency: str
    series: Mapping[str, Series] = field(default_factory=dict)
    prices: Mapping[str, PriceSeries] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    histories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    in_force: tuple[date, date] | None = None
    anchor_date: date | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    lines: tuple[PricedLine, ...] = ()
    pools: Mapping[str, PoolView] = field(default_factory=dict)
    carry_in: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rounding_point: str = "LINE"
    rounding: Mode = Mode.HALF_UP


def price_terms(
    terms: Iterable[PricedTerm], inputs: PricingInputs
) -> tuple[list[tuple[PricedTerm, Worksheet]], dict[str, dict[str, Any]]]:
    """Worksheets of all terms in order of line code, and the carry for the next period.

    A term sees the lines of lower codes: a minimum bill the charges it tops up, a tax what it is
    levied on. The carry is keyed by line code as text. Errors of a term name the term; nothing is
    priced past the first one.
    """
    priced, carry_out = price_parts([(term, inputs) for term in terms])
    return [(part.term, part.sheet) for part in priced], carry_out


@dataclass(frozen=True)
class PricedPart:
    """A term on the days of its inputs, with what it costs there."""

    term: PricedTerm
    inputs: PricingInputs
    sheet: Worksheet

    @cached_property
    def days(self) -> tuple[date, date]:
        """First and last local day."""
        return _days(self.inputs)

    @cached_property
    def line(self) -> PricedLine:
        """The part as terms of higher codes see it."""
        figures = {figure.name: figure.value for figure in self.sheet.figures}
        return PricedLine(self.term.line_code, self.term.label, self.sheet.amount_usd, figures)


def price_parts(
    parts: Iterable[tuple[PricedTerm, PricingInputs]],
) -> tuple[list[PricedPart], dict[str, dict[str, Any]]]:
    """Worksheets of terms that hold on days of their own, in order of line code and first day.

    Each term comes with its inputs; its days are their `in_force`. It sees the lines of lower codes
    on its days: one that was priced in parts is their sum. The carry goes from part to part.
    """
    priced: list[PricedPart] = []
    carry_out: dict[str, dict[str, Any]] = {}
    for (code, _day), group in groupby(sorted(parts, key=_order), key=lambda one: _order(one)[:2]):
        key, handed = str(code), {}
        for term, inputs in group:
            carry = carry_out.get(key, inputs.carry_in.get(key, {}))
            sheet, carried = _charged(term, inputs, _lower(inputs, priced), carry)
            priced.append(PricedPart(term, inputs, sheet))
            handed = carried or handed
        if handed:
            carry_out[key] = handed
    return priced, carry_out


def _order(part: tuple[PricedTerm, PricingInputs]) -> tuple[int, date, int]:
    term, inputs = part
    return term.line_code, _days(inputs)[0], term.position


def _days(inputs: PricingInputs) -> tuple[date, date]:
    return inputs.in_force or (inputs.period.first_date, inputs.period.last_date)


def _charged(
    term: PricedTerm,
    inputs: PricingInputs,
    lines: tuple[PricedLine, ...],
    carry: Mapping[str, Any],
) -> tuple[Worksheet, dict[str, Any]]:
    """Return the worksheet of a term and its carry; what it refuses names the term."""
    try:
        kind = charge_type(term.charge_type)
        return kind.charge(charge_inputs(term, inputs, lines), term.parsed, carry)
    except Refused as error:
        raise Refused(
            error.code,
            f"line {term.line_code} '{term.label}': {error.message}",
            findings=error.findings,
            **{**error.data, "line_code": term.line_code},
        ) from error


def _lower(inputs: PricingInputs, priced: Iterable[PricedPart]) -> tuple[PricedLine, ...]:
    """Return the lines that were priced before on the days of a term, the sum of parts in front."""
    first, last = own = _days(inputs)
    if all(one.days == own for one in priced):
        return (*inputs.lines, *(one.line for one in priced))
    seen = [one for one in priced if one.days[0] <= last and first <= one.days[1]]
    by_code: dict[int, dict[tuple[date, date], PricedLine]] = {}
    for one in seen:
        by_code.setdefault(one.term.line_code, {}).setdefault(one.days, one.line)
    sums = [_sum([*parts.values()]) for parts in by_code.values() if len(parts) > 1]
    return (*inputs.lines, *sums, *(one.line for one in seen))


def _sum(lines: Sequence[PricedLine]) -> PricedLine:
    """Return the parts of one line as one; without an amount while a part has none."""
    amounts = [line.amount_usd for line in lines if line.amount_usd is not None]
    total = sum(amounts, Decimal("0.00")) if len(amounts) == len(lines) else None
    return PricedLine(lines[0].line_code, lines[0].label, total)


def charge_inputs(
    term: PricedTerm, inputs: PricingInputs, lines: tuple[PricedLine, ...] = ()
) -> ChargeInputs:
    """Return what one term's charge is given; `lines` were priced before it."""
    return ChargeInputs(
        period=inputs.period,
        zone=inputs.zone,
        currency=inputs.currency,
        term=TermRef(
            inputs.contract,
            inputs.version,
            term.clause,
            term.line_code,
            term.label,
            term.quantity_name,
        ),
        series=inputs.series,
        prices=inputs.prices,
        calendars=inputs.calendars,
        histories=inputs.histories,
        in_force=inputs.in_force,
        anchor_date=inputs.anchor_date,
        facts=inputs.facts,
        events=inputs.events,
        lines=lines,
        pools=inputs.pools,
        rounding_point=inputs.rounding_point,
        rounding=inputs.rounding,
    )


def needs_of(terms: Iterable[PricedTerm]) -> Needs:
    """All that the terms read by name, each name once and sorted.

    A price is `helped` when every term that leads with it has a ladder, and `standby` when no
    term leads with it.
    """
    wanted: dict[str, set[str]] = {one.name: set() for one in fields(Needs)}
    days_before: dict[str, int] = {}
    leading: set[str] = set()
    strict: set[str] = set()
    for term in terms:
        kind = charge_type(term.charge_type)
        needs = kind.needs(term.parsed)
        for name, found in wanted.items():
            found |= set(getattr(needs, name))
        if kind.reads_quantity(term.parsed):
            wanted["series"].add(term.quantity_name)
        leading |= set(needs.prices) - set(needs.standby)
        strict |= set(needs.prices) - set(needs.standby) - set(needs.helped)
        for code, days in needs.days_before.items():
            days_before[code] = max(days, days_before.get(code, 0))
    wanted |= {"helped": leading - strict, "standby": wanted["prices"] - leading}
    names = {name: tuple(sorted(found)) for name, found in wanted.items()}
    reach = {code: days for code, days in sorted(days_before.items()) if days}
    return Needs(**{**names, "days_before": reach})


def absent(needs: Needs, inputs: PricingInputs) -> list[Finding]:
    """Return a blocking finding per thing that the terms read and the inputs do not have.

    A number that nobody states is none of them: its line says so and has no amount.
    """
    kinds = (
        ("quantity", needs.series, inputs.series),
        ("prices", needs.prices, inputs.prices),
        ("calendar", needs.calendars, inputs.calendars),
        ("pool", needs.pools, inputs.pools),
        ("index", needs.histories, inputs.histories),
    )
    return [
        Finding(f"contracts.{kind}_absent", f"{kind} '{name}' is not there", where=inputs.contract)
        for kind, wanted, have in kinds
        for name in wanted
        if name not in have
    ]
