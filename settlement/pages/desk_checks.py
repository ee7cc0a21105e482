"""Desk-checks of a contract: past months under a proposed version, beside what was billed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404, redirect, render
from django.views import View

from contracts.models import Contract, ContractVersion
from poweroptix.accounts.permissions import may
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.rounding import display
from poweroptix.pages.asked import read_pk
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage, actor_of, attempt
from settlement.models import DeskCheck
from settlement.services.desk_check import MOST_MONTHS, ask_desk_check, terms_digest

#: The picture: its size, where the bars begin, and where they stand.
WIDTH, HEIGHT, LEFT, BASE = 1000, 240, 10, 200
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class Pair:
    """One month of the chart: what was billed and what the proposed terms give."""

    period: str
    x: Decimal
    width: Decimal
    billed: tuple[Decimal, Decimal] | None
    proposed: tuple[Decimal, Decimal] | None
    middle: Decimal


def number(text: str | None) -> Decimal | None:
    """Return a stored amount."""
    return None if text is None else Decimal(text)


def compared(month: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Return what was billed and what is proposed, without the lines that are open on a side.

    A month that the proposed terms did not price at all has what was billed beside nothing.
    """
    if month["proposed_usd"] is None:
        return number(month["billed_usd"]), None
    known = [one for one in month["lines"] if one["difference_usd"] is not None]
    billed, proposed = (
        sum((number(one[name]) or ZERO for one in known), ZERO)
        for name in ("billed_usd", "proposed_usd")
    )
    return billed, proposed


def left_out(months: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each line that some priced months leave open, and in how many of them."""
    found: dict[int, dict[str, Any]] = {}
    for month in months:
        for line in month["lines"]:
            if month["proposed_usd"] is not None and line["difference_usd"] is None:
                row = found.setdefault(line["line_code"], {**line, "months": 0})
                row["months"] += 1
    return [found[code] for code in sorted(found)]


def chart(months: list[dict[str, Any]]) -> list[Pair]:
    """Return the bars of all months; amounts below zero stand at the base without height.

    A line that the proposed terms could not price is in neither bar of its month.
    """
    sides = [compared(one) for one in months]
    amounts = [amount or ZERO for side in sides for amount in side]
    highest = max([*amounts, Decimal(1)])
    slot = Decimal(WIDTH - LEFT) / max(len(months), 1)
    width = display(min(slot * Decimal("0.36"), Decimal(60)), 1)

    def bar(amount: Decimal | None) -> tuple[Decimal, Decimal] | None:
        if amount is None:
            return None
        height = display(max(amount, ZERO) / highest * (BASE - 20), 1)
        return BASE - height, height

    return [
        Pair(
            one["period"],
            display(LEFT + at * slot + slot / 2 - width, 1),
            width,
            bar(sides[at][0]),
            bar(sides[at][1]),
            display(LEFT + at * slot + slot / 2, 1),
        )
        for at, one in enumerate(months)
    ]


def summary(months: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every line code with both sums over the months in which it could be priced."""
    found: dict[int, dict[str, Any]] = {}
    for month in months:
        for line in month["lines"]:
            row = found.setdefault(
                line["line_code"],
                {"label": line["label"], "billed_usd": ZERO, "proposed_usd": ZERO, "empty": 0},
            )
            row["label"] = line["label"]
            if line["difference_usd"] is None:
                row["empty"] += 1
                continue
            for name in ("billed_usd", "proposed_usd"):
                row[name] += number(line[name]) or ZERO
    return [
        {"line_code": code, **row, "difference_usd": row["proposed_usd"] - row["billed_usd"]}
        for code, row in sorted(found.items())
    ]


def totals(months: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums over what could be priced, the lines left out of both, and failed months."""
    sides = [compared(one) for one in months if one["proposed_usd"] is not None]
    billed = sum((one for one, _ in sides), ZERO)
    proposed = sum((one for _, one in sides), ZERO)
    return {
        "billed_usd": billed,
        "proposed_usd": proposed,
        "difference_usd": proposed - billed,
        "ratio": display((proposed - billed) / billed, 6) if billed else None,
        "months": len(sides),
        "failed": len(months) - len(sides),
        "left_out": left_out(months),
    }


class DeskChecks(StaffPage, View):
    """The desk-checks of a contract, and the form that asks for one."""

    verb = "settlement.view"
    write_verb = "settlement.run"

    def get(self, request, code):
        """Show what was checked, the newest first."""
        contract = get_object_or_404(Contract, code=code)
        versions = list(contract.versions.order_by("-number"))
        drafts = [one for one in versions if one.state == ContractVersion.State.DRAFT]
        asked = request.GET.get("version", "")
        chosen = next((one for one in versions if str(one.number) == asked), None)
        context = {
            "contract": contract,
            "versions": versions,
            "chosen": chosen or next(iter(drafts or versions), None),
            "most": MOST_MONTHS,
            "checks": [
                {"check": one, **totals(one.result["months"])}
                for one in contract.desk_checks.select_related("version__contract")[:50]
            ],
            "may_run": may(request.user, "settlement.run"),
        }
        return render(request, "settlement/desk_checks.html", context)

    def post(self, request, code):
        """Queue a desk-check and go to its progress."""
        version = get_object_or_404(
            ContractVersion.objects.select_related("contract"),
            pk=read_pk(request.POST.get("version")),
            contract__code=code,
        )
        queued = []

        def act() -> str:
            text = request.POST.get("months", "")
            if not (text.isascii() and text.isdecimal() and len(text) < 4):
                said = f"'{text[:20]}' is not a number of months."
                raise Refused("settlement.desk_check", said)
            queued.append(ask_desk_check(version, int(text), actor=actor_of(request), now=now()))
            return "The desk-check is queued. It bills nothing."

        if attempt(request, act):
            return redirect("office-job", pk=queued[0].pk)
        return redirect("office-desk-checks", code=code)


def moved_anchor(check: DeskCheck) -> date | None:
    """Return from when contract year 1 was counted, where that is not what the version says."""
    text = check.result.get("anchor_date", "")
    anchor = date.fromisoformat(text) if text else None
    return anchor if anchor != check.version.anchor_date else None


class DeskCheckPage(StaffPage, View):
    """One desk-check: totals, a month by month chart, lines beside lines, and the file."""

    verb = "settlement.view"

    def get(self, request, pk):
        """Show it, or hand its lines out."""
        check = get_object_or_404(
            DeskCheck.objects.select_related("contract", "version__contract"), pk=pk
        )
        months = check.result["months"]
        form = request.GET.get("export", "")
        if form in ("csv", "xlsx"):
            return self._file(check, months, form)
        context = {
            "check": check,
            "contract": check.contract,
            "months": months,
            "pairs": chart(months),
            "lines": summary(months),
            "totals": totals(months),
            "moved_anchor": moved_anchor(check),
            "is_stale": terms_digest(check.version) != check.terms_sha256,
        }
        return render(request, "settlement/desk_check.html", context)

    @staticmethod
    def _file(check: DeskCheck, months: list[dict[str, Any]], form: str):
        head = (
            "month", "line_code", "label", "unit", "billed_quantity", "proposed_quantity",
            "billed_usd", "proposed_usd", "difference_usd", "error",
        )  # fmt: skip
        numbers = head[4:9]
        rows = [
            [
                month["period"],
                line["line_code"],
                line["label"],
                line["unit"],
                *(number(line[name]) for name in numbers),
                month["error"],
            ]
            for month in months
            for line in month["lines"]
        ]
        name = (
            f"poweroptix_desk_check_{check.contract.code}_v{check.version.number}"
            f"_{check.first_period}_{check.last_period}"
        )
        return table_response(form, name, head, rows)
