"""The close of a month: every contract, every step, when it is due and who has done it."""

from datetime import datetime

from django.shortcuts import render
from django.views import View

from contracts.models import Contract
from contracts.queries import contracts_of_campus
from meters.models import Campus
from poweroptix.clock import now
from poweroptix.kernel.period import Period, zone_of
from poweroptix.pages.asked import read_month
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage
from settlement.calc.close_calendar import STEPS
from settlement.queries.closing import Closing, Step, close_board

WORDS = {
    "DONE": "done",
    "LATE": "done late",
    "OPEN": "to do",
    "OVERDUE": "overdue",
    "NOTHING": "nothing to correct",
    "DATE": "",
}
TONES = {"DONE": "good", "LATE": "warn", "OPEN": "info", "OVERDUE": "bad", "NOTHING": "quiet"}
HEAD = ["contract", "calendar", "step", "due", "state", "done_by", "done_at"]


class ClosePage(StaffPage, View):
    """The close calendar of a month, over all campuses."""

    verb = "settlement.view"

    def get(self, request):
        """Show the board, or hand it out as a file."""
        at = now()
        label = read_month(request.GET.get("month") or _last_month(at), "UTC").label
        board = close_board(_contracts(label), label, at)
        if request.GET.get("export") in ("csv", "xlsx"):
            return table_response(request.GET["export"], f"close_{label}", HEAD, _rows(board))
        period = Period.month("UTC", label)
        shown = [key for key in STEPS if any(s.key == key for one in board for s in one.steps)]
        context = {
            "month": label,
            "before": period.previous().label,
            "after": period.next().label,
            "heads": [STEPS[key] for key in shown],
            "rows": [{"closing": one, "cells": _cells(one, shown)} for one in board],
            "overdue": sum(step.state == "OVERDUE" for one in board for step in one.steps),
            "without": [one.contract for one in board if one.calendar is None],
        }
        return render(request, "settlement/closing.html", context)


def _contracts(label: str) -> list[Contract]:
    """Return the contracts in force in the month, of all campuses."""
    return [
        contract
        for campus in Campus.objects.order_by("code")
        for contract in contracts_of_campus(campus, Period.month(campus.zone, label))
    ]


def _cells(closing: Closing, shown: list[str]) -> list[dict]:
    steps = {one.key: one for one in closing.steps}
    return [_cell(STEPS[key], steps.get(key), closing.contract.zone) for key in shown]


def _cell(title: str, step: Step | None, zone: str) -> dict:
    if step is None:
        return {"title": title, "step": None}
    day = step.at.astimezone(zone_of(zone)).date() if step.at else None
    return {
        "title": title,
        "step": step,
        "words": WORDS[step.state],
        "tone": TONES.get(step.state, ""),
        "day": day,
    }


def _rows(board: list[Closing]) -> list[list]:
    return [
        [
            one.contract.code,
            one.calendar.code if one.calendar else "",
            step.key,
            step.due.isoformat(),
            step.state.lower(),
            step.who,
            step.at,
        ]
        for one in board
        for step in one.steps
    ]


def _last_month(at: datetime) -> str:
    return Period.month("UTC", f"{at:%Y-%m}").previous().label
