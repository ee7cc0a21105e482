"""From frozen inputs to lines: pure, so that any run can be computed again to the byte.

Order of evaluation: the quantities are those of the allocation; every term prices the days on
which it holds (determinants, prices, worksheets); then come the differences of earlier periods as
lines 70. Lines are ordered by line code; each is rounded once; the total is their sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from contracts.calc.price_terms import (
    PricedPart,
    PricedTerm,
    PricingInputs,
    absent,
    price_parts,
)
from poweroptix.kernel.canonical import canonical_json, digest_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import EXACT, MISSING
from poweroptix.kernel.quality import Status, is_one_of
from poweroptix.kernel.rounding import display
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Row, Worksheet
from settlement.calc.cause import CAUSES
from settlement.calc.delta import DELTA_LINE_CODE
from settlement.calc.inputs import Inputs
from settlement.calc.materiality import held_findings
from settlement.calc.pricing import parts_of, pricings
from settlement.calc.version_inputs import VersionInputs

ESTIMATED = (Status.ESTIMATED, Status.SUBSTITUTED_FINAL)
ZERO = Decimal(0)
EFFECTS = (
    ("volume effect", "volume_usd", "because quantities changed, at the prices of before"),
    ("price effect", "price_usd", "the rest: because prices changed"),
)


@dataclass(frozen=True)
class SettledLine:
    """One printed amount with its evidence; `amount_usd` is None when an input is missing.

    `estimated_ratio` is None where no reading has a say, as with a fee.
    """

    position: int
    line_code: int
    label: str
    first_date: date
    last_date: date
    quantity: Decimal | None
    unit: str
    rate_text: str
    exact_usd: Decimal | None
    amount_usd: Decimal | None
    estimated_ratio: Decimal | None
    worksheet: Worksheet
    term_id: int | None = None
    charge_type: str = ""
    clause: str = ""
    rate: Decimal | None = None
    corrects_period: str = ""
    corrects_run: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the line as plain data; its digest is what `verify` compares."""
        return {
            "position": self.position,
            "line_code": self.line_code,
            "label": self.label,
            "first_date": self.first_date,
            "last_date": self.last_date,
            "quantity": _bare(self.quantity),
            "unit": self.unit,
            "rate_text": self.rate_text,
            "exact_usd": _bare(self.exact_usd),
            "amount_usd": self.amount_usd,
            "estimated_ratio": _bare(self.estimated_ratio),
            "term_id": self.term_id,
            "charge_type": self.charge_type,
            "clause": self.clause,
            "corrects_period": self.corrects_period,
            "corrects_run": self.corrects_run,
            "worksheet": self.worksheet.to_json(),
        }


def _bare(number: Decimal | None) -> Decimal | None:
    """Return a number without trailing zeros, so that a database column gives the same text."""
    return None if number is None else number.normalize(EXACT)


def _column(number: Decimal | None, places: int) -> Decimal | None:
    """Return a number as its column keeps it; the worksheet has it in full."""
    return None if number is None else display(number, places)


@dataclass(frozen=True)
class Outcome:
    """Lines in order, the carry for the next period, and what was found on the way."""

    lines: tuple[SettledLine, ...]
    carry_out: Mapping[str, Mapping[str, Any]]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def total_usd(self) -> Decimal | None:
        """The sum of the printed lines; None as long as one of them has no amount."""
        amounts = [line.amount_usd for line in self.lines]
        if None in amounts:
            return None
        return sum(amounts, Decimal("0.00"))

    def lines_sha256(self) -> str:
        """Return the digest of all lines in order."""
        return digest_of([digest_of(line.document()) for line in self.lines])


def settle(inputs: Inputs) -> Outcome:
    """Price the period. Refused when terms read something that the inputs do not have."""
    if not inputs.versions:
        text = f"No version of {inputs.contract} holds in {inputs.period.label}."
        raise Refused("settlement.no_version", text)
    carry = dict(inputs.carry_in)
    shares = _EstimatedShares(inputs)
    drafts: list[SettledLine] = []
    given = pricings(inputs)
    for version, pricing in zip(inputs.versions, given, strict=True):
        _refuse_absent(version, pricing)
    priced, carried = price_parts(parts_of(inputs, given))
    for part in priced:
        drafts += _lines(part, shares)
    carry |= carried
    drafts += [_adjustment(entry, inputs) for entry in _deltas(inputs)]
    drafts.sort(key=lambda line: (line.line_code, line.position))
    lines = tuple(replace(line, position=at) for at, line in enumerate(drafts, 1))
    held = held_findings(inputs.held, inputs.currency)
    return Outcome(lines, carry, (*_findings(lines), *held))


def _refuse_absent(version: VersionInputs, pricing: PricingInputs) -> None:
    findings = absent(version.needs, pricing)
    if findings:
        text = "; ".join(finding.message for finding in findings)
        raise Refused("settlement.inputs_absent", f"{pricing.contract}: {text}.", findings=findings)


def _lines(part: PricedPart, shares: _EstimatedShares) -> list[SettledLine]:
    """Return one line per printed amount: the charge, or each of its rows."""
    sheet = part.sheet
    if sheet.line_per == "ROW" and len(sheet.rows) > 1:
        sheets = [replace(sheet, rows=(row,), title=row.label) for row in sheet.rows]
    else:
        sheets = [sheet]
    share = shares.of(part.term.quantity_name, *part.days)
    return [_line(part, one, share) for one in sheets]


def _line(part: PricedPart, sheet: Worksheet, share: Decimal) -> SettledLine:
    rates = {row.rate.value for row in sheet.rows}
    term, (first, last) = part.term, part.days
    return SettledLine(
        position=term.position,
        line_code=term.line_code,
        label=_label(term, sheet),
        first_date=first,
        last_date=last,
        quantity=_column(sheet.quantity, 8),
        unit=sheet.unit,
        rate_text=sheet.rate_text,
        exact_usd=_column(sheet.exact_usd, 20),
        amount_usd=sheet.amount_usd,
        estimated_ratio=share if _rests_on_readings(sheet) else None,
        worksheet=sheet,
        term_id=term.term_id,
        charge_type=term.charge_type,
        clause=term.clause,
        rate=_column(rates.pop(), 8) if len(rates) == 1 else None,
    )


def _rests_on_readings(sheet: Worksheet) -> bool:
    """Say whether a quantity of the worksheet comes from readings; that of a fee does not."""
    return any(_was_read(row.quantity) for row in sheet.rows)


def _was_read(figure: Figure) -> bool:
    source = figure.source
    own = source is not None and source.kind in ("readings", "allocation")
    return own or any(_was_read(one) for one in figure.inputs)


def _label(term: PricedTerm, sheet: Worksheet) -> str:
    if len(sheet.rows) == 1 and sheet.rows[0].label not in ("", term.label):
        row = sheet.rows[0].label
        return row if row.startswith(term.label) else f"{term.label}, {row}"
    return term.label


def _deltas(inputs: Inputs) -> Iterable[Mapping[str, Any]]:
    for adjustment in inputs.adjustments:
        for delta in adjustment["deltas"]:
            yield {**delta, "period": adjustment["period"], **adjustment["runs"]}


def _adjustment(entry: Mapping[str, Any], inputs: Inputs) -> SettledLine:
    """Return the line 70 of one difference: volume effect and price effect, already in cents."""
    source = Source(
        "carry",
        entry["period"],
        _compared(entry),
        {"before_usd": entry["before_usd"], "after_usd": entry["after_usd"]},
    )
    one = Figure("difference", Decimal(1), "count", source)
    rows = [
        Row(label, one, Figure("amount", Decimal(entry[name]), inputs.currency, source, note=note))
        for label, name, note in EFFECTS
    ]
    told = entry.get("causes", {})
    causes = tuple(
        Figure(one.title, Decimal(told[one.key]), inputs.currency, source, note=one.meaning)
        for one in CAUSES
        if one.key in told
    )
    sheet = Worksheet(f"Correction of {entry['period']}: {entry['label']}", tuple(rows), causes)
    return SettledLine(
        position=1_000,
        line_code=DELTA_LINE_CODE,
        label=f"Correction {entry['period']}, {entry['label']}",
        first_date=inputs.period.first_date,
        last_date=inputs.period.last_date,
        quantity=_quantity_change(entry),
        unit=entry["unit"],
        rate_text="",
        exact_usd=_column(sheet.exact_usd, 20),
        amount_usd=sheet.amount_usd,
        estimated_ratio=None,
        worksheet=sheet,
        corrects_period=entry["period"],
        corrects_run=entry["after_run"],
    )


def _compared(entry: Mapping[str, Any]) -> str:
    """Return which runs a difference lies between; documents of other origin name no versions."""
    if "after_version" not in entry:
        return f"two runs of {entry['period']}"
    return f"{entry['period']} v{entry['after_version']} against v{entry['before_version']}"


def _quantity_change(entry: Mapping[str, Any]) -> Decimal | None:
    before, after = entry.get("before_quantity"), entry.get("after_quantity")
    if before is None and after is None:
        return None
    return Decimal(after or "0") - Decimal(before or "0")


def _findings(lines: tuple[SettledLine, ...]) -> tuple[Finding, ...]:
    """Return each finding of the worksheets once, and a blocking one per line without amount."""
    found: dict[bytes, Finding] = {}
    for line in lines:
        for finding in line.worksheet.findings:
            found.setdefault(canonical_json(finding.to_json()), finding)
    empty = [
        Finding(
            "settlement.no_amount",
            f"Line {line.line_code} '{line.label}' has no amount because an input is missing.",
            where=str(line.line_code),
            fix="Bring in what the worksheet shows as missing, then calculate again.",
        )
        for line in lines
        if line.amount_usd is None
    ]
    return (*found.values(), *empty)


class _EstimatedShares:
    """How much of a quantity was estimated, by name and days; each computed once."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._known: dict[tuple[str, date, date], Decimal] = {}

    def of(self, name: str, first: date, last: date) -> Decimal:
        """Return the estimated part of the energy of these days, 0 to 1, 6 decimals."""
        key = (name, first, last)
        if key not in self._known:
            series = self._inputs.series.get(name)
            self._known[key] = ZERO if series is None else self._share(series, first, last)
        return self._known[key]

    def _share(self, series: Series, first: date, last: date) -> Decimal:
        period = self._inputs.period
        if (first, last) != (period.first_date, period.last_date):
            series = series.slice(period.day_bounds(first)[0], period.day_bounds(last)[1])
        return estimated_ratio(series)


def estimated_ratio(series: Series) -> Decimal:
    """Return the part of the energy whose readings were estimated, 6 decimals; 0 without energy."""
    chosen = is_one_of(series.status, ESTIMATED)
    if not chosen.any():
        return ZERO
    size = np.where(series.values == MISSING, 0, np.abs(series.values))
    total = int(size.sum())
    return display(Decimal(int(size[chosen].sum())) / total, 6) if total else ZERO
