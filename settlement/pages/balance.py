"""The balance of one campus day: where it does not close, and which meter to look at first."""

from datetime import date, timedelta

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views import View

from meters.models import Campus
from poweroptix.pages.asked import read_day
from poweroptix.pages.charts import payload
from poweroptix.pages.guards import StaffPage
from settlement.models import AllocationRun
from settlement.queries.day import DayView, by_group, day_view, residual_band

SHOWN_SUSPECTS = 5


class BalanceDay(StaffPage, View):
    """A day: its figures per point and per interval, the tolerance, and the ranked suspects."""

    verb = "meters.view"

    def get(self, request, code, day):
        """Show the day as the newest readings have it."""
        campus, asked = get_object_or_404(Campus, code=code), read_day(day)
        view = day_view(campus, asked)
        context = {
            "campus": campus,
            "zone": campus.zone,
            "view": view,
            "month": f"{asked:%Y-%m}",
            "before": asked - timedelta(days=1),
            "after": asked + timedelta(days=1),
            "suspects": [
                {"suspect": one, "leg": view.leg(one.name)}
                for one in view.suspects[:SHOWN_SUSPECTS]
            ],
            "read_before": _read_before(campus, asked, view),
            "groups": list(by_group(view)),
            "intervals": _intervals(view),
        }
        return render(request, "settlement/balance.html", context)


class BalanceSeries(StaffPage, View):
    """The day by groups of points, as the chart takes it."""

    verb = "meters.view"

    def get(self, request, code, day):
        """Return the groups; with `of=residual` what is unaccounted for and what is allowed."""
        campus = get_object_or_404(Campus, code=code)
        view = day_view(campus, read_day(day))
        drawn = residual_band(view) if request.GET.get("of") == "residual" else by_group(view)
        return JsonResponse(payload(drawn, campus.zone))


def _read_before(campus: Campus, day: date, view: DayView) -> dict | None:
    """Return the day as the month's allocation read it, when the readings are others now."""
    run = (
        AllocationRun.objects.filter(
            campus=campus, period=f"{day:%Y-%m}", state__in=["CALCULATED", "APPROVED"]
        )
        .only("balance")
        .first()
    )
    days = run.balance.get("days", []) if run else []
    read = next((one for one in days if one["day"] == day.isoformat()), None)
    return read if read is not None and read != view.balance.to_json() else None


def _intervals(view: DayView) -> list[dict]:
    """Return every interval with the energy of each group."""
    columns = [one.decimals() for one in by_group(view).values()]
    grid = view.residual.grid
    return [
        {"start_utc": grid.start_of(at), "cells": [column[at] for column in columns]}
        for at in range(grid.count)
    ]
