"""The workspace of one contract: what was agreed, what proves it, and what comes next."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View

from contracts.calc.differences import changed, differences
from contracts.models import Contract, ContractVersion
from contracts.services import activate_version, remove_draft, run_examples
from contracts.services.takeover import held, sum_usd
from contracts.services.versions import months_reached, own_draft
from contracts.services.workspace import Sheet, Step, next_steps, sheet_in_force, sheets
from poweroptix.accounts.permissions import VERBS, may
from poweroptix.clock import now
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.rounding import display
from poweroptix.pages.asked import read_pk
from poweroptix.pages.guards import StaffPage, actor_of, attempt

#: The picture of the versions: its width, where the bars begin, and how high a row is.
WIDTH, LEFT, ROW = 1000, 90, 30
#: How far an open-ended version is drawn beyond today.
AHEAD = timedelta(days=365)
#: Settled months that one sentence names; of the others it says how many.
MONTHS_MAX = 6


@dataclass(frozen=True)
class Bar:
    """One version as it is drawn."""

    version: ContractVersion
    x: Decimal
    y: int
    width: Decimal
    is_open: bool


def contract_of(code: str) -> Contract:
    """Return a contract with its parties, or 404."""
    rows = Contract.objects.select_related("seller", "offtaker", "campus")
    return get_object_or_404(rows, code=code)


def version_of(code: str, number: int) -> ContractVersion:
    """Return a version with its contract, or 404."""
    rows = ContractVersion.objects.select_related("contract")
    return get_object_or_404(rows, contract__code=code, number=number)


def today_of(contract: Contract) -> date:
    """Return the local day of a contract."""
    return now().astimezone(zone_of(contract.zone)).date()


def timeline(held: list[Sheet], day: date) -> dict:
    """Return the bars of all versions, where today is, and the height of the picture.

    >>> timeline([], date(2026, 1, 1))["bars"]
    []
    """
    if not held:
        return {"bars": [], "today": None, "height": 0}
    first = min(one.version.valid.lower for one in held)
    ends = [one.version.valid.upper or day + AHEAD for one in held]
    last = max([*ends, day + timedelta(days=30), first + timedelta(days=30)])
    scale = Decimal(WIDTH - LEFT - 10) / (last - first).days

    def place(at: date) -> Decimal:
        return display(LEFT + (at - first).days * scale, 1)

    bars = [
        Bar(
            one.version,
            place(one.version.valid.lower),
            8 + row * ROW,
            max(
                place(one.version.valid.upper or last) - place(one.version.valid.lower), Decimal(3)
            ),
            one.version.valid.upper is None,
        )
        for row, one in enumerate(held)
    ]
    years = [date(year, 1, 1) for year in range(first.year + 1, last.year + 1)]
    return {
        "bars": bars,
        "today": place(day) if day >= first else None,
        "years": [(place(one), one.year) for one in years[:20]],
        "height": 8 + len(held) * ROW + 26,
        "base": 8 + len(held) * ROW,
    }


class ContractPage(StaffPage, View):
    """One contract: term sheet, versions, proof, take-over, and the next step."""

    verb = "contracts.view"

    def get(self, request, code):
        """Show the version that holds today, or the one of `version`."""
        contract = contract_of(code)
        day = today_of(contract)
        written = sheets(contract)
        shown = _shown(request, written, day)
        openings = list(contract.openings.all())
        points = list(contract.points.select_related("delivery_point"))
        waiting = [one for one in openings if not one.approved_by]
        securities = held(contract)
        steps = next_steps(contract, written, has_points=bool(points), waiting=waiting, day=day)
        context = {
            "contract": contract,
            "today": day,
            "sheets": written,
            "shown": shown,
            "timeline": timeline(written, day),
            "steps": [_step(contract, one, request, written) for one in steps],
            "points": points,
            "quantities": contract.quantities.select_related("channel"),
            "openings": openings,
            "documents": contract.documents.all(),
            "diary": [one for one in contract.diary.all() if one.done_at is None],
            "securities": securities,
            "held_usd": sum_usd(securities),
            "may_edit": may(request.user, "contracts.edit"),
            "may_activate": may(request.user, "contracts.activate"),
        }
        return render(request, "contracts/contract.html", context)

    def post(self, request, code):
        """Run the examples of a version, activate it, or delete it while it is a draft."""
        version = get_object_or_404(
            ContractVersion, pk=read_pk(request.POST.get("version")), contract__code=code
        )

        def examples() -> str:
            verdicts = run_examples(version, now=now())
            failed = [verdict.name for verdict in verdicts if not verdict.passed]
            return f"{len(verdicts) - len(failed)} of {len(verdicts)} examples pass." + (
                f" Failed: {', '.join(failed)}" if failed else ""
            )

        def activate() -> str:
            activate_version(version, actor=actor_of(request), now=now())
            return f"{version} is active.{_ended(version)}{_waits(version)}"

        def remove() -> str:
            said = f"{version} is deleted."
            remove_draft(version, actor=actor_of(request))
            return said

        deeds = {"activate": activate, "remove": remove}
        action = request.POST.get("action", "")
        done = attempt(request, deeds.get(action, examples))
        own = reverse("office-contract", args=[code])
        gone = done and action == "remove"
        return redirect(own if gone else f"{own}?version={version.number}")


class DifferencePage(StaffPage, View):
    """What a version says otherwise than another one."""

    verb = "contracts.view"

    def get(self, request, code):
        """Compare `from` with `to`; by default the newest version with the one before."""
        contract = contract_of(code)
        held = {str(one.version.number): one for one in sheets(contract)}
        numbers = list(held)
        after = request.GET.get("to") or next(iter(numbers), "")
        earlier = [one for one in numbers if one != after]
        before = request.GET.get("from") or next(iter(earlier), after)
        if held and (before not in held or after not in held):
            raise Http404
        context = {"contract": contract, "sheets": list(held.values())}
        if held:
            old, new = held[before], held[after]
            changes = differences([t.said() for t in old.terms], [t.said() for t in new.terms])
            context |= {
                "before": old.version,
                "after": new.version,
                "changes": changes,
                "same": sum(one.kind == "same" for one in changes),
                "head": list(changed(_head(old.version), _head(new.version))),
            }
        return render(request, "contracts/difference.html", context)


def _head(version: ContractVersion) -> dict:
    """Return what a version agrees besides its terms."""
    return {
        "in force": version.valid_text(),
        "first day of contract year 1": version.anchor_date.isoformat(),
        "agreed numbers": version.facts,
    }


def _ended(version: ContractVersion) -> str:
    """Return until when the version before an activated one holds; empty when there is none."""
    before = version.contract.versions.filter(
        state=ContractVersion.State.ACTIVE, valid__endswith=version.valid.lower
    ).first()
    if before is None:
        return ""
    last_day = version.valid.lower - timedelta(days=1)
    return f" Version {before.number} now holds until {last_day}, its last day."


def _waits(version: ContractVersion) -> str:
    """Return for which settled months an activated version made a correction; empty for none."""
    months = months_reached(version)
    return f" It reaches settled months, and a correction waits: {_few(months)}." if months else ""


def _reaches(version: ContractVersion) -> str:
    """Return which settled months a draft will reach; empty when there is none."""
    months = months_reached(version)
    if not months:
        return ""
    return f"It reaches settled months, and each will wait for a true-up: {_few(months)}."


def _few(months: list[str]) -> str:
    more = len(months) - MONTHS_MAX
    return ", ".join(months[:MONTHS_MAX]) + (f" and {more} more" if more > 0 else "")


def _shown(request: HttpRequest, held: list[Sheet], day: date) -> Sheet | None:
    asked = request.GET.get("version", "")
    if not asked:
        return sheet_in_force(held, day)
    found = next((one for one in held if str(one.version.number) == asked), None)
    if found is None:
        raise Http404
    return found


def _step(contract: Contract, step: Step, request: HttpRequest, written: list[Sheet]) -> dict:
    """Return a step with its address, or with who may do it or why this person may not."""
    code, number = contract.code, step.number
    own = reverse("office-contract", args=[code])
    addresses = {
        "version-new": lambda: reverse("office-version-new", args=[code]),
        "term-new": lambda: reverse("office-term-new", args=[code, number]),
        "example-new": lambda: reverse("office-example-new", args=[code, number]),
        "version": lambda: f"{own}?version={number}#examples",
        "take-over": lambda: f"{reverse('office-take-over', args=[code])}#openings",
        "final": lambda: f"{reverse('office-take-over', args=[code])}#final",
        "set-up": lambda: f"/admin/contracts/contract/{contract.pk}/change/",
        "desk-check": lambda: f"{reverse('office-desk-checks', args=[code])}?version={number}",
    }
    address = addresses[step.place]() if step.place in addresses else ""
    drafts = [one.version for one in written if one.version.number == number]
    activated = drafts if step.place == "activate" else []
    return {
        "step": step,
        "may": may(request.user, step.verb),
        "url": address,
        "roles": ", ".join(sorted(VERBS[step.verb])),
        "own": next((own_draft(one, actor_of(request)) for one in activated), ""),
        "reaches": next((_reaches(one) for one in activated), ""),
    }
