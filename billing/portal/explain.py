"""Why a line has its amount: sentence, arithmetic, clause, days, intervals, reading versions."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from billing import access
from billing.access import bound_channels, history_of, not_yours, own_channels, parts_of
from billing.calc.demand import demand_facts
from billing.calc.wording import parts, pretty, read, role_of, sums
from billing.documents.correction_view import correction_at
from billing.documents.text import amount_of, rate
from billing.documents.view import demand_view
from billing.models import InvoiceLine
from billing.portal.base import TenantPage, month_title
from billing.queries import inputs_of
from contracts.models import Term
from contracts.models.quantities import ALLOCATED
from contracts.services import sentences
from meters.models import Edit
from poweroptix.kernel.exact import dot
from poweroptix.kernel.fixed import MISSING, from_micro, from_price
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status, letter
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.inputs import Inputs
from settlement.calc.intervals import PriceColumn
from settlement.calc.own_intervals import Priced, PricedLine, own_intervals
from settlement.models import Line
from settlement.storage import read_parts

ORDER = "ASME?X"
STAMP = "%Y%m%dT%H%MZ"
PARTS = {
    "TOTAL": "delivered to you",
    "METERED": "your own meters",
    "SHARED": "your share of shared points",
    "LOSS": "your share of losses",
}


class LinePage(TenantPage, View):
    """One line of an invoice, with what all pages below it need."""

    verb = "portal.invoices"

    def line(self, number: str, position: int) -> InvoiceLine:
        """Return the line, its worksheet and its run; one query."""
        found = access.line(self.tenant_id, number, position)
        self.period = _period(found)
        return found

    def context(self, line: InvoiceLine) -> dict[str, Any]:
        """Return what the head of each page shows."""
        return {
            "line": line,
            "invoice": line.invoice,
            "zone": self.period.zone,
            "title": month_title(self.period.label),
        }


class Explain(LinePage):
    """The line itself and its days."""

    def get(self, request, number, position):
        """Show them."""
        line = self.line(number, position)
        settled = line.settlement_line
        term = _term(self.tenant_id, settled.term_id)
        sheet = read(settled.worksheet)
        own = _priced(inputs_of(settled.run), line, term)
        correction = self._correction(line)
        context = {
            **self.context(line),
            "settled": settled,
            "term": term,
            "clause_says": sentences([term])[term.pk] if term else "",
            "correction": correction,
            "sentence": "" if settled.corrects_period else _sentence(line, parts(sheet)),
            "sums": [{**row, "sentence": pretty(row["sentence"])} for row in sums(sheet)],
            "sheet": settled.worksheet,
            "demand": self._demand(line, sheet),
            "days": _days(own, self.period) if own else [],
            "is_exact": bool(own and own.column and own.column.is_exact),
            "shares": self._shares(settled) if own else [],
            "own": own,
        }
        return render(request, "portal/explain.html", context)

    def _shares(self, settled: Line) -> list[dict[str, Any]]:
        """Return the tenant's part of what is shared, for a line that prices energy."""
        found = [p for p in parts_of(self.tenant_id, settled.run) if p.kind in ("SHARED", "LOSS")]
        return [{"kind": PARTS[p.kind], "part": p, "view": p.worksheet} for p in found]

    def _correction(self, line: InvoiceLine) -> dict[str, Any] | None:
        """Return both versions of a corrected line as the invoice froze them."""
        if not line.settlement_line.corrects_period:
            return None
        document = access.document(self.tenant_id, line.invoice.number)
        return correction_at(document, line.position)

    def _demand(self, line: InvoiceLine, sheet: Worksheet) -> dict[str, Any] | None:
        """Return how the kW came about; each peak leads to the readings of its window."""
        shown = demand_view(demand_facts(sheet, self.period.zone))
        for one in shown["windows"] if shown else ():
            stamp = datetime.fromisoformat(one["start_utc"]).strftime(STAMP)
            own = (line.invoice.number, line.position, stamp)
            one["url"] = reverse("portal-interval", args=own)
        return shown


class ExplainDay(LinePage):
    """All intervals of one local day of a line."""

    def get(self, request, number, position, day):
        """Show them with quality and price."""
        line = self.line(number, position)
        day = _day_of(day, self.period)
        settled = line.settlement_line
        term = _term(self.tenant_id, settled.term_id)
        own = _priced(inputs_of(settled.run), line, term)
        if own is None:
            raise not_yours()
        start, end = self.period.day_bounds(day)
        context = {
            **self.context(line),
            "day": day,
            "rows": _intervals(own, start, end),
            "column": own.column,
            "total": _kwh(own, start, end),
            "own": own,
            "before": day - timedelta(days=1) if day > self.period.first_date else None,
            "after": day + timedelta(days=1) if day < self.period.last_date else None,
        }
        return render(request, "portal/explain_day.html", context)


class ExplainInterval(LinePage):
    """One interval: what it consists of, and every version of the readings behind it."""

    known_parameters = frozenset({"meter"})

    def get(self, request, number, position, stamp):
        """Show the parts and one meter's versions."""
        line = self.line(number, position)
        run = line.settlement_line.run
        at = _instant_of(stamp, self.period)
        found = read_parts(
            run.allocation_run_id, contract_ids=[run.contract_id], kinds=tuple(PARTS)
        )
        rows = [_part_row(kind, pool, series, at) for (_, kind, pool), (series, _) in found.items()]
        names = _quantities(line.settlement_line.worksheet) - set(ALLOCATED)
        bound = bound_channels(self.tenant_id, run.contract_id, names) if names else []
        channels = [
            one
            for one in bound or own_channels(self.tenant_id, run.contract_id)
            if one.clipped(at, at + timedelta(minutes=1))[0] == at
        ]
        wanted = request.GET.get("meter", "")
        chosen = next((c for c in channels if wanted in ("", c.channel.code)), None)
        if wanted and chosen is None:
            raise not_yours()
        history = history_of(chosen, at) if chosen else None
        context = {
            **self.context(line),
            "at": at,
            "day": self._local(at),
            "parts": [] if bound else sorted(rows, key=lambda row: list(PARTS).index(row["kind"])),
            "channels": channels,
            "chosen": chosen,
            "clock": f"{at.astimezone(ZoneInfo(self.period.zone)):%H:%M %Z}",
            "history": history,
            "versions": _told(history.versions) if history else [],
            "edits": _told(history.edits) if history else [],
            "used": _used(history, run.created_at),
        }
        return render(request, "portal/explain_interval.html", context)

    def _local(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.period.zone)).date()


def _quantities(sheet: Any) -> set[str]:
    """Return the names of the quantities whose readings stand behind a worksheet."""
    if isinstance(sheet, list):
        return set().union(*map(_quantities, sheet))
    if not isinstance(sheet, dict):
        return set()
    named = sheet["data"].get("quantity") if sheet.get("kind") == "readings" else None
    return ({named} if named else set()).union(*map(_quantities, sheet.values()))


def _term(tenant_id: int, term_id: int | None) -> Term | None:
    return Term.objects.filter(tenant=tenant_id, pk=term_id).select_related("version").first()


def _period(line: InvoiceLine) -> Period:
    run = line.settlement_line.run
    return Period(run.start_utc, run.end_utc, run.contract.zone, run.period)


def _priced(inputs: Inputs, line: InvoiceLine, term: Term | None) -> Priced | None:
    """Return what the line priced; None for a line that prices no energy of this period."""
    if term is None or line.settlement_line.corrects_period:
        return None
    return own_intervals(inputs, PricedLine.of(line.settlement_line), term.quantity_name)


def _sentence(line: InvoiceLine, priced: list[dict]) -> str:
    """Return the line in one sentence."""
    amount = f"${line.amount_usd:,.2f}" if line.amount_usd >= 0 else f"−${-line.amount_usd:,.2f}"
    pieces = [
        f"{amount_of(part['quantity'], part['unit'])} at {rate(part['rate_text'])}"
        for part in priced
        if part["quantity"] is not None
    ]
    said = "; ".join(pieces[:4]) + ("; and more" if len(pieces) > 4 else "")
    return f"{said} make {amount}." if said else f"The amount is {amount}."


def _days(priced: Priced, period: Period) -> list[dict]:
    rows = []
    for day in period.days():
        first, part, own = priced.cut(*period.day_bounds(day))
        if not own.any():
            continue
        rows.append(
            {
                "day": day,
                "kwh": priced.kwh_of(first, own),
                "letters": _letters(part, own),
                "estimated_kwh": priced.kwh_of(first, own & _is_estimated(part)),
                **_day_price(priced, first, part, own),
            }
        )
    return rows


def _kwh(priced: Priced, start: datetime, end: datetime) -> Decimal:
    first, _part, own = priced.cut(start, end)
    return priced.kwh_of(first, own)


def _is_estimated(part: Series) -> np.ndarray:
    return np.array([letter(Status(code)) == "E" for code in part.status.tolist()], dtype=bool)


def _day_price(priced: Priced, first: int, part: Series, own: np.ndarray) -> dict[str, Any]:
    """Return the exact money of a day where every interval has its own price."""
    column = priced.column
    if column is None or not column.is_exact:
        return {}
    prices = column.prices[first : first + part.grid.count]
    known = (prices != MISSING) & ~part.missing & own
    if not known.any():
        return {"exact_usd": None, "average": None}
    share = from_price(column.share_at(first))  # a day has one version, so one share
    scale = Decimal(10) ** 14 * column.divisor
    usd = Decimal(dot(prices[known], part.values[known])) / scale * share
    kwh = priced.kwh_of(first, known)
    return {"exact_usd": usd, "average": usd * column.divisor / kwh if kwh else None}


def _letters(part: Series, chosen: np.ndarray) -> str:
    found = {letter(Status(code)) for code in set(part.status[chosen].tolist())}
    return " ".join(sorted(found, key=ORDER.find))


def _intervals(priced: Priced, start: datetime, end: datetime) -> list[dict]:
    first, part, own = priced.cut(start, end)
    column = priced.column
    rows = []
    for index in np.flatnonzero(own).tolist():
        at, kwh = part.grid.start_of(index), priced.kwh_at(first + index)
        row: dict[str, Any] = {
            "at": at,
            "stamp": at.strftime(STAMP),
            "kwh": kwh,
            "letter": letter(Status(int(part.status[index]))),
        }
        if column is not None:
            row |= _interval_price(column, first + index, kwh)
        rows.append(row)
    return rows


def _interval_price(column: PriceColumn, at: int, kwh: Decimal | None) -> dict[str, Any]:
    part = int(column.parts[at])
    return {
        "price": column.price_at(at),
        "part": column.part_names[part] if part >= 0 else "",
        "exact_usd": column.exact_usd(at, kwh),
    }


def _part_row(kind: str, pool: str, series: Series, at: datetime) -> dict[str, Any]:
    index = series.grid.index_of(at)
    value, code = int(series.values[index]), int(series.status[index])
    return {
        "kind": kind,
        "words": PARTS[kind],
        "pool": pool,
        "kwh": None if value == MISSING else from_micro(value),
        "letter": letter(Status(code)),
        "digest": series.digest(),
    }


def _told(deeds: Sequence[Any]) -> list[dict[str, str]]:
    """Return versions or edits with the role of who made them and why; names stay in the house."""
    told = []
    for one in deeds:
        if isinstance(one, Edit):
            actor, why = one.actor, (one.get_reason_code_display(), one.comment)
        else:
            source = one.publication
            actor, why = source.actor, (source.get_kind_display(), source.reason)
        text = ": ".join(word for word in why if word)
        told.append({"version": one, "made_by": role_of(actor), "why": text})
    return told


def _used(history, settled_at: datetime):
    """Return the final version that readers saw when the line was settled."""
    if history is None:
        return None
    seen = [
        one
        for one in history.versions
        if one.layer == 2 and one.is_published and one.publication.published_at <= settled_at
    ]
    return max(seen, key=lambda one: one.version, default=None)


def _day_of(text: str, period: Period) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as fault:
        raise not_yours() from fault
    if not period.first_date <= day <= period.last_date:
        raise not_yours()
    return day


def _instant_of(text: str, period: Period) -> datetime:
    try:
        at = datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    except ValueError as fault:
        raise not_yours() from fault
    if not period.start_utc <= at < period.end_utc:
        raise not_yours()
    return at
