"""The completeness board: channels by days of a campus month, and what each contract waits for."""

from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views import View

from contracts.queries import contracts_of_campus
from meters.calc.day_quality import KINDS
from meters.models import Campus, Channel
from meters.queries import ChannelQuality, open_findings, quality_board
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Severity
from poweroptix.kernel.period import Period, zone_of
from poweroptix.kernel.words import counted
from poweroptix.pages.asked import read_month
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage
from settlement.pages.mends import mend_url
from settlement.queries.shelf import Shelf
from settlement.services.allocation import current_allocation
from settlement.services.readiness import readiness

SHOWN_UNSURE = 200
HEAD = ("Channel", "Day", "Worst", *(name.capitalize() for name in KINDS.values()), "Final after h")


class CompletenessBoard(StaffPage, View):
    """A month of a campus: each channel-day by its quality, each contract by its readiness."""

    verb = "meters.view"

    def get(self, request):
        """Show the month that has begun last, or the one asked for; CSV and XLSX on request."""
        campuses = list(Campus.objects.order_by("code"))
        if not campuses:
            return render(request, "office/completeness.html", {"campuses": []})
        code, at = request.GET.get("campus"), now()
        campus = get_object_or_404(Campus, code=code) if code else campuses[0]
        label = request.GET.get("month") or f"{at.astimezone(zone_of(campus.zone)):%Y-%m}"
        period = read_month(label, campus.zone)
        channels = Channel.objects.filter(delivery_point__campus=campus, is_active=True)
        channels = channels.select_related("delivery_point").order_by("code")
        rows = quality_board(channels, period, now=at)
        form = request.GET.get("export")
        if form is not None:
            return _download(form, rows, campus, period)
        context = {
            "campuses": campuses,
            "campus": campus,
            "period": period,
            "previous": period.previous().label,
            "next": period.next().label,
            "days": period.days(),
            "rows": _lines(rows, campus, period),
            "sums": _sums(rows),
            "unsure": _unsure(rows, period)[: SHOWN_UNSURE + 1],
            "shown_unsure": SHOWN_UNSURE,
            "contracts": _contracts(campus, period, at),
        }
        return render(request, "office/completeness.html", context)


def _lines(rows: tuple[ChannelQuality, ...], campus: Campus, period: Period) -> list[dict]:
    """Return each channel with a cell per day: class, letter, words and where it leads."""
    findings = _first_findings(rows, campus, period)
    days, lines = period.days(), []
    for row in rows:
        page = reverse("office-channel", args=[row.channel.code])
        cells = []
        for day, one in zip(days, row.days, strict=True):
            first, count = findings.get((row.channel.pk, day), (None, 0))
            words = f"{row.channel.code} {day:%a %Y-%m-%d}: {one.in_words()}"
            cells.append(
                {
                    "letter": one.letter or "·",
                    "is_open": bool(count),
                    "look": _look(one),
                    "words": f"{words}; {counted(count, 'open exception')}" if count else words,
                    "url": reverse("office-finding", args=[first])
                    if first
                    else f"{page}?month={period.label}&day={day.isoformat()}#day",
                }
            )
        lines.append({"row": row, "url": f"{page}?month={period.label}", "cells": cells})
    return lines


def _look(day) -> str:
    """Return the classes of a cell: its worst letter, and in quarters how much is not measured."""
    if not day.expected:
        return "undue"
    quarters = -(-4 * day.unsure_count // day.expected)
    return f"h-{'q' if day.letter == '?' else day.letter.lower()} w{quarters}"


def _first_findings(
    rows: tuple[ChannelQuality, ...], campus: Campus, period: Period
) -> dict[tuple, tuple[int, int]]:
    """Return (the gravest open finding, how many) by channel and local day; one query."""
    zone, found = zone_of(campus.zone), {}
    days = period.days()
    for one in open_findings(
        campus_id=campus.pk, start_utc=period.start_utc, end_utc=period.end_utc
    ).only("channel_id", "start_utc", "end_utc"):
        first = max(one.start_utc.astimezone(zone).date(), days[0])
        last = min(one.end_utc.astimezone(zone).date(), days[-1])
        for day in days[(first - days[0]).days : (last - days[0]).days + 1]:
            if period.day_bounds(day)[0] >= one.end_utc > one.start_utc:
                continue
            key = (one.channel_id, day)
            gravest, count = found.get(key, (one.pk, 0))
            found[key] = (gravest, count + 1)
    return found


def _sums(rows: tuple[ChannelQuality, ...]) -> dict:
    """Return the intervals of the campus by kind, and its channel-days that cannot be billed."""
    kinds = {
        name: sum(day.count(letter) for row in rows for day in row.days)
        for letter, name in KINDS.items()
    }
    whole = sum(kinds.values())
    return {
        "kinds": [(name, count, count / whole if whole else None) for name, count in kinds.items()],
        "open": sum(row.open_count for row in rows),
        "days": sum(bool(day.expected) for row in rows for day in row.days),
    }


def _unsure(rows: tuple[ChannelQuality, ...], period: Period) -> list[dict]:
    """Return the channel-days that are not wholly measured, in words."""
    return [
        {"channel": row.channel, "day": day, "words": one.in_words()}
        for row in rows
        for day, one in zip(period.days(), row.days, strict=True)
        if one.unsure_count
    ]


def _contracts(campus: Campus, period: Period, at) -> list[dict]:
    """Return each contract of the month with what is in its way; none means ready."""
    contracts = list(contracts_of_campus(campus, period).select_related("campus"))
    shelf, gates, allocation = Shelf(), {}, current_allocation(campus, period.label)
    if allocation is not None:
        shelf.fill(contracts, period, allocation)
    found = []
    for contract in contracts:
        judged = readiness(contract, period, now=at, shelf=shelf, gates=gates)
        stops, notes = [], []
        for one in judged:
            row = {"said": one.message, "fix": one.fix, "url": mend_url(one)}
            (stops if one.severity is Severity.BLOCK else notes).append(row)
        found.append({"contract": contract, "stops": stops, "notes": notes})
    return found


def _download(form: str, rows: tuple[ChannelQuality, ...], campus: Campus, period: Period):
    """Return every channel-day with its counts as CSV or XLSX."""
    if form not in ("csv", "xlsx"):
        raise Refused("export.form", f"The board leaves as csv or xlsx, not '{form[:20]}'.")
    lines = (
        [
            row.channel.code,
            day.isoformat(),
            one.letter,
            *one.counts,
            "" if one.minutes_to_final is None else one.minutes_to_final // 60,
        ]
        for row in rows
        for day, one in zip(period.days(), row.days, strict=True)
    )
    name = f"poweroptix_completeness_{campus.code}_{period.label}"
    return table_response(form, name, list(HEAD), lines)
