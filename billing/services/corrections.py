"""What a correction on an invoice rests on: which readings changed, and each line before and after.

Read from the two runs that the frozen inputs name, so that a tenant can compute the difference
without asking: own channels, days and files; shares only as totals; every corrected line in full.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import Q

from billing.calc.demand import demand_facts
from billing.calc.wording import parts, read, sums
from billing.models import Invoice
from billing.queries import energy_parts
from meters.models import Channel, Layer
from meters.queries import final_many, trace
from poweroptix.kernel.fixed import MISSING, exact_sum, from_micro
from poweroptix.kernel.period import Period, zone_of
from poweroptix.kernel.series import Series
from settlement.calc.cut_lines import days_words
from settlement.calc.dependence import OWN, Dependence
from settlement.models import Line, SettlementRun
from settlement.queries.campus import pins_of
from settlement.services.allocation import document_of


def corrections_of(run: SettlementRun) -> list[dict[str, Any]]:
    """Return one entry per earlier month whose difference the run bills; empty for most runs.

    `lines` name the position of the line that bills each difference; `before` and `after` are the
    line as it was billed and as it is now, `readings` the changed days of the contract's own
    channels with the file that brought them, `energy` its kWh in parts.
    """
    billing = iter(run.lines.filter(corrects_run__isnull=False).order_by("position"))
    found = []
    for adjustment in run.adjustments:
        before, after = (_run(adjustment["runs"][name]) for name in ("before_run", "after_run"))
        lines = [
            _line(next(billing), delta, before, after, first=adjustment["deltas"][:at])
            for at, delta in enumerate(adjustment["deltas"])
        ]
        period = Period(after.start_utc, after.end_utc, after.contract.zone, after.period)
        found.append(
            {
                "period": after.period,
                "before": {"version": before.version, "invoice": _invoice_of(before)},
                "after": {"version": after.version},
                "energy": {"before": energy_parts(before), "after": energy_parts(after)},
                "readings": _readings(before, after, period),
                "lines": lines,
            }
        )
    return found


def _run(run_id: int) -> SettlementRun:
    rows = SettlementRun.objects.select_related("contract", "allocation_run").defer("inputs")
    return rows.prefetch_related("lines").get(pk=run_id)


def _invoice_of(run: SettlementRun) -> str:
    """Return the number of the invoice that billed a run, as its own month or as a correction."""
    billed = Q(run=run.pk) | Q(run__lines__corrects_run=run.pk)
    rows = Invoice.objects.filter(billed, contract=run.contract_id, number__isnull=False)
    return rows.order_by("state", "-serial").values_list("number", flat=True).first() or ""


def _line(
    billing: Line,
    delta: dict[str, Any],
    before: SettlementRun,
    after: SettlementRun,
    *,
    first: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Return one corrected line; `first` are the differences before it, which may be named alike.

    A line that was not there before, or is no more, has None on that side.
    """
    at = sum(one["label"] == delta["label"] for one in first)
    return {
        "position": billing.position,
        "label": delta["label"],
        "unit": delta["unit"],
        "volume": delta["volume_usd"],
        "price": delta["price_usd"],
        "amount": billing.amount_usd,
        "before": _side(before, delta, "before", at),
        "after": _side(after, delta, "after", at),
    }


def _side(run: SettlementRun, delta: dict[str, Any], side: str, at: int) -> dict[str, Any] | None:
    """Return the line of one run that a difference was made from; as one where it has parts."""
    usd, quantity = Decimal(delta[f"{side}_usd"]), delta[f"{side}_quantity"]
    alike = [
        one
        for one in run.lines.all()
        if not one.corrects_period
        and one.label == delta["label"]
        and one.amount_usd == usd
        and one.quantity == (None if quantity is None else Decimal(quantity))
    ]
    if not alike:
        return _side_in_parts(_parts_of(run, delta["label"], usd), run.contract.zone)
    return _side_of(alike[min(at, len(alike) - 1)], run.contract.zone)


def _side_of(line: Line, zone: str) -> dict[str, Any]:
    sheet = read(line.worksheet)
    rows = [one | two for one, two in zip(parts(sheet), sums(sheet), strict=True)]
    return {
        "position": line.position,
        "quantity": line.quantity,
        "rate_text": line.rate_text,
        "exact": line.exact_usd,
        "amount": line.amount_usd,
        "rounding": sheet.rounding,
        "line_per": sheet.line_per,
        "rows": rows,
        "demand": demand_facts(sheet, zone),
    }


def _parts_of(run: SettlementRun, label: str, usd: Decimal) -> list[Line]:
    """Return the lines of one code that are named so and come to an amount together."""
    codes: dict[int, list[Line]] = {}
    for line in run.lines.all():
        if not line.corrects_period and line.label == label:
            codes.setdefault(line.line_code, []).append(line)
    return next((some for some in codes.values() if sum(one.amount_usd for one in some) == usd), [])


def _side_in_parts(lines: Sequence[Line], zone: str) -> dict[str, Any] | None:
    """Return the parts of a line that an amendment cut as one; their rows say their days."""
    if not lines:
        return None
    sides = [_side_of(line, zone) for line in lines]
    if len(sides) == 1:
        return sides[0]
    quantities = [line.quantity for line in lines]
    is_one_unit = len({line.unit for line in lines}) == 1 and None not in quantities
    rows = [
        row | {"label": f"{row['label']}, {days_words([(line.first_date, line.last_date)])}"}
        for line, side in zip(lines, sides, strict=True)
        for row in side["rows"]
    ]
    return sides[0] | {
        "quantity": exact_sum(quantities) if is_one_unit else None,
        "rate_text": "",
        "exact": exact_sum(line.exact_usd for line in lines),
        "amount": sum((line.amount_usd for line in lines), Decimal("0.00")),
        "rows": rows,
        "demand": None,
    }


def _readings(before: SettlementRun, after: SettlementRun, period: Period) -> list[dict[str, Any]]:
    """Return the contract's own channels whose pinned readings differ, by local day."""
    if before.allocation_run is None or after.allocation_run is None:
        return []
    old, new = (document_of(one.allocation_run) for one in (before, after))
    scopes = Dependence(new).of(after.contract.code)
    pins = {
        side: [pin for pin in pins_of(document) if scopes.get(pin.channel_id) == OWN]
        for side, document in (("before", old), ("after", new))
    }
    both = sorted(set.intersection(*({pin.channel_id for pin in own} for own in pins.values())))
    series = {
        side: final_many(
            both,
            period.start_utc,
            period.end_utc,
            pins=[pin for pin in own if pin.channel_id in both],
        )[0]
        for side, own in pins.items()
    }
    channels = Channel.objects.select_related("delivery_point").in_bulk(both)
    found = []
    for pk in both:
        days = _days(pk, series["before"][pk], series["after"][pk], period, after)
        if days:
            place = channels[pk].delivery_point
            names = {"place": place.name or place.code, "channel": channels[pk].code}
            found.append({**names, "unit": channels[pk].unit, "days": days})
    return found


def _days(
    channel_id: int, before: Series, after: Series, period: Period, run: SettlementRun
) -> list[dict[str, Any]]:
    """Return the local days on which the values differ: intervals, sums of the day, and why."""
    differs = before.values != after.values
    by_day: dict[date, list[int]] = {}
    for index in np.flatnonzero(differs).tolist():
        local = after.grid.start_of(index).astimezone(zone_of(period.zone)).date()
        by_day.setdefault(local, []).append(index)
    return [
        {
            "date": day,
            "intervals": len(at),
            "before": _total(before, at),
            "after": _total(after, at),
            **_origin(channel_id, after, at[0], run),
        }
        for day, at in by_day.items()
    ]


def _total(series: Series, at: list[int]) -> Decimal:
    values = series.values[at]
    return from_micro(sum(values[values != MISSING].tolist()))


def _origin(channel_id: int, series: Series, index: int, run: SettlementRun) -> dict[str, Any]:
    """Return why the first changed reading of a day changed, and the file and line it came from."""
    versions = trace(channel_id, series.grid.start_of(index)).versions
    finals = [
        one
        for one in versions
        if one.layer == Layer.FINAL
        and one.is_published
        and one.publication.published_at <= run.created_at
    ]
    used = max(finals, key=lambda one: one.version, default=None)
    if used is None:
        return {"letter": "", "why": "", "file": "", "file_sha256": "", "line": None}
    raw = next(
        (o for o in versions if o.layer == Layer.RAW and o.version == used.raw_version), used
    )
    file = raw.import_file
    # That a file was validated says nothing; that a person edited, and why, does.
    why = "" if file and used.letter == "A" else used.publication.get_kind_display()
    return {
        "letter": used.letter,
        "why": why,
        "file": file.name if file else "",
        "file_sha256": file.sha256 if file else "",
        "line": raw.line if file else None,
    }
