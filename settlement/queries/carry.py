"""What a period gets from earlier ones: the carry, and differences that were not billed yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc.opening_carry import opened
from contracts.models import Contract
from poweroptix.kernel.period import Period
from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.delta import Billed, Delta, Key, billed_rows, compare, numbered
from settlement.calc.materiality import told_apart
from settlement.models import Line, SettlementRun
from settlement.queries.causes import causes_of_runs
from settlement.queries.closing import rules_of
from settlement.queries.shelf import Shelf

#: Without a calendar every cent is billed.
NO_LIMIT = Decimal(0)


def carry_in(
    contract: Contract, period: Period, shelf: Shelf
) -> tuple[Mapping[str, Any], dict[str, Any], SettlementRun | None]:
    """Return what is carried in: the last approved run's, or what an opening balance says.

    An opening balance of the period replaces the lines that it names and no others.
    """
    run = shelf.settled(contract.pk, period.previous().label)
    for opening in shelf.openings[contract.pk]:
        if opening.period == period.label:
            before = {} if run is None else run.carry_out
            terms = [term for one in shelf.versions[contract.pk] for term in one.terms]
            carry = opened(opening.carry, opening.open_items, terms, before)
            return carry, {"kind": "opening", "id": opening.pk}, run
    if run is None:
        return {}, {"kind": "none"}, None
    return run.carry_out, {"kind": "run", "id": run.pk, "inputs_sha256": run.inputs_sha256}, run


def is_continued(contract: Contract, period: Period, shelf: Shelf) -> bool:
    """Say whether anything of the contract was settled or opened before the period."""
    return any(one.period < period.label for one in shelf.openings[contract.pk]) or any(
        one.period < period.label and one.is_settled for one in shelf.history[contract.pk]
    )


@dataclass(frozen=True)
class Adjustments:
    """Differences of earlier periods: those that are billed, and those too small for it."""

    billed: tuple[Mapping[str, Any], ...] = ()
    held: tuple[Mapping[str, Any], ...] = ()


def adjustments(contract: Contract, period: Period, shelf: Shelf) -> Adjustments:
    """Return the differences of earlier periods that this period has to bill, and those it holds.

    An earlier period that was invoiced and then approved again owes the difference between its
    newest approved run and the run up to which it was billed. A run that corrects this period
    itself repeats the differences that were billed with it.
    """
    before = shelf.settled(contract.pk, period.label)
    if before is not None:
        return Adjustments(tuple(before.adjustments))
    billed = {one.period: one.pk for one in shelf.history[contract.pk] if one.was_invoiced}
    corrected = [
        one
        for one in shelf.history[contract.pk]
        if one.is_settled and not one.was_invoiced and one.period in billed
    ]
    if not corrected:
        return Adjustments()
    for label, run_id in _posted(contract):
        billed[label] = max(billed.get(label, 0), run_id)
    versions = dict(
        SettlementRun.objects.filter(pk__in=billed.values()).values_list("pk", "version")
    )
    found = tuple(
        {
            "period": run.period,
            "runs": {
                "before_run": billed[run.period],
                "after_run": run.pk,
                "before_version": versions[billed[run.period]],
                "after_version": run.version,
            },
            "deltas": _with_causes(deltas, billed[run.period], run.pk),
        }
        for run in corrected
        if billed[run.period] != run.pk
        and (deltas := compare(billed_lines(billed[run.period]), billed_lines(run.pk)))
    )
    rules = rules_of([contract]).get(contract.pk)
    return Adjustments(*told_apart(found, rules.calendar.materiality_usd if rules else NO_LIMIT))


def _with_causes(deltas: list[Delta], before_id: int, after_id: int) -> list[dict[str, Any]]:
    """Return the differences as documents, each with what every cause did to it, in cents."""
    found = {one.key: one.by_cause for one in causes_of_runs(before_id, after_id)}
    return [
        {
            **delta.document(),
            "causes": {name: format(usd, "f") for name, usd in found.get(delta.key, {}).items()},
        }
        for delta in deltas
    ]


def _posted(contract: Contract) -> list[tuple[str, int]]:
    """Return (period, run up to which it is billed) of corrections on approved runs."""
    rows = Line.objects.filter(
        run__contract=contract,
        run__state__in=SettlementRun.SETTLED,
        corrects_run__isnull=False,
    )
    return list(rows.values_list("corrects_period", "corrects_run"))


def billed_lines(run_id: int) -> list[Billed]:
    """Return the lines of a run that have an amount, without corrections of other months."""
    rows = Line.objects.filter(run=run_id, corrects_run__isnull=True).order_by("position")
    return [one for one in as_billed(list(rows)) if one.amount_usd is not None]


def as_billed(rows: Sequence[Line]) -> list[Billed]:
    """Return a run's own lines as a comparison needs them, those without an amount included."""
    keys = keys_of(rows)
    return [
        Billed(
            key,
            row.label,
            row.quantity,
            row.unit,
            row.amount_usd,
            billed_rows(Worksheet.from_json(row.worksheet)),
            ((row.first_date, row.last_date),),
        )
        for key, row in zip(keys, rows, strict=True)
    ]


def keys_of(rows: Sequence[Line]) -> list[Key]:
    """Return what each of a run's lines is told by from run to run."""
    return numbered((row.line_code, row.label, row.first_date.isoformat()) for row in rows)
