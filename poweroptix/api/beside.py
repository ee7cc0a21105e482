"""Two sides beside each other: runs of a month, a what-if and its run, their statement and ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from poweroptix.api import commerce, resources
from poweroptix.api.lists import found
from poweroptix.api.tables import Table, TableView, document
from poweroptix.kernel.errors import NotFoundError
from settlement.calc.cause import Cause
from settlement.calc.shadow import Compared
from settlement.models import SettlementRun
from settlement.pages.statements import HEAD, rows_of
from settlement.queries.behind import Behind, behind
from settlement.queries.chain import billing_month, later_months
from settlement.queries.compare import ComparedLine, Comparison, compared
from settlement.queries.runs import other_versions, read_against, run_with_its_split
from settlement.queries.what_if import WHAT, beside_its_run
from settlement.services.statements import Comparison as Shadow
from settlement.services.statements import compare_statement, undisputed_of

RUN = ("id", "period", "version", "kind", "state", "total_usd", "inputs_sha256")
LINE = (
    *("label", "unit", "before_quantity", "after_quantity", "before_usd", "after_usd"),
    *("amount_usd", "volume_usd", "price_usd", "corrects_period", "reason"),
)
DUE = ("invoiced_usd", "open_usd", "credited_usd", "stays_due_usd")
SIDE = ("label", "amount_usd", "quantity", "unit", "rate")
WHY = ("text", "quantity_usd", "price_usd", "repriced_usd", "requantified_usd", "is_by_terms")


class RunCompare(TableView):
    """Any two runs of a contract month: every line, its causes, and what lies behind them."""

    staff_verb = "settlement.view"
    parameters = frozenset({"against"})

    def get(self, request: Request, key: str) -> Response:
        """Return the comparison; `against` names the other run by its version."""
        run = found(resources.RUNS, self.principal, key)
        after = run_with_its_split(run.pk)
        before = read_against(after, other_versions(after), request.query_params.get("against", ""))
        if before is None:
            text = f"{after} is the only run of its month; there is nothing to compare it with."
            raise NotFoundError("settlement.run", text)
        side_by_side = compared(before, after)
        if self.is_table(request):
            return Response(Table(*side_by_side.table()))
        carries = before.carry_out != after.carry_out
        return document(
            {
                "before": _named(before, RUN),
                "after": _named(after, RUN),
                **_lines(side_by_side),
                "behind": _behind(behind(before, after)),
                "billing": _billing(after) if side_by_side.is_own_changed else None,
                "later": [
                    {"run": one.run.pk, "period": one.run.period, "amount_usd": one.amount_usd}
                    for one in (later_months(after) if carries else ())
                ],
            }
        )


class WhatIfCompare(TableView):
    """A what-if beside the run it starts from, with what each change did."""

    staff_verb = "settlement.view"

    def get(self, request: Request, key: str) -> Response:
        """Return the comparison."""
        asked = found(commerce.WHAT_IFS, self.principal, key)
        side_by_side = beside_its_run(asked)
        if self.is_table(request):
            return Response(Table(*side_by_side.table()))
        return document({"run": _named(asked.run, RUN), **_lines(side_by_side, WHAT)})


class StatementCompare(TableView):
    """A counterparty's statement beside our run: verdict, likely cause and dispute of each line."""

    staff_verb = "settlement.view"

    def get(self, request: Request, key: str) -> Response:
        """Return the comparison; refused while the month has no run."""
        statement = found(commerce.STATEMENTS, self.principal, key)
        shadow = compare_statement(statement)
        if self.is_table(request):
            return Response(Table(HEAD, rows_of(shadow)))
        due = undisputed_of(statement)
        return document(
            {
                "run": _named(shadow.run, RUN),
                "lines": [_shadowed(one, shadow) for one in shadow.lines],
                "is_purchase": statement.contract.is_purchase,
                "undisputed": due and _named(due, DUE),
            }
        )


def _named(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _lines(
    side_by_side: Comparison, others: Mapping[str, Cause] = MappingProxyType({})
) -> dict[str, Any]:
    """Return lines, causes and totals; `others` say the causes otherwise, by key."""
    causes = [others.get(one.key, one) for one in side_by_side.causes]
    return {
        "lines": [_line(one) for one in side_by_side.lines],
        "causes": [
            {"key": one.key, "title": one.title, "meaning": one.meaning}
            | {"amount_usd": side_by_side.total_of(one)}
            for one in causes
        ],
        "totals": side_by_side.sums(),
    }


def _line(one: ComparedLine) -> dict[str, Any]:
    code, _label, first_date, *_number = one.key
    head = {"line_code": code, "first_date": first_date}
    return {**head, **_named(one, LINE), "by_cause": dict(one.by_cause)}


def _behind(found_behind: Behind) -> dict[str, Any]:
    changes = ("start_utc", "end_utc", "interval_count", "before_kwh", "after_kwh")
    versions = found_behind.versions
    return {
        "readings": [
            {"channel": one.channel, "is_own": one.is_own, **_named(one.change, changes)}
            for one in found_behind.readings
        ],
        "prices": [asdict(one) for one in found_behind.prices],
        "amended": [asdict(one) for one in found_behind.amended],
        "versions": versions and dict(zip(("before", "after"), versions, strict=True)),
        "is_split_otherwise": found_behind.is_split_otherwise,
        "carried_run": found_behind.carried.pk if found_behind.carried else None,
    }


def _billing(run: SettlementRun) -> dict[str, Any] | None:
    month = billing_month(run)
    if month is None:
        return None
    return {
        "period": month.period,
        "run": month.run.pk if month.run else None,
        "amount_usd": month.amount_usd,
        "limit_usd": month.limit_usd,
    }


def _shadowed(one: Compared, shadow: Shadow) -> dict[str, Any]:
    dispute = shadow.disputes.get(one.line_code)
    return {
        **_named(one, ("line_code", "label", "verdict", "difference_usd", "tolerance_usd")),
        "ours": one.ours and _named(one.ours, SIDE),
        "theirs": one.theirs and _named(one.theirs, (*SIDE, "row", "charge")),
        "cause": one.cause and _named(one.cause, WHY),
        "dispute": dispute.pk if dispute else None,
    }
