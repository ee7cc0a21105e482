"""Today: what waits for whom, and how far each month is."""

from django.db.models import Q
from django.shortcuts import redirect, render
from django.views import View

from billing.models import Invoice
from contracts.models import Contract
from meters.models import Channel, ImportFile
from poweroptix.clock import now
from poweroptix.office.queries import month_board, recent_events
from poweroptix.office.tiles import today
from poweroptix.pages.guards import StaffPage, actor_of


class Today(StaffPage, View):
    """The start page of the back office."""

    verb = "meters.view"

    def get(self, request):
        """Show tiles, months and the newest events."""
        instant = now()
        context = {
            "tiles": today(instant, str(actor_of(request))),
            "months": month_board(),
            "events": recent_events(),
            "checked_at": instant,
        }
        return render(request, "office/today.html", context)


class Search(StaffPage, View):
    """One field over everything that has a name."""

    verb = "meters.view"

    def get(self, request):
        """Show what matches; a single hit is opened at once."""
        asked = request.GET.get("q", "").replace("\x00", "").strip()[:80]
        hits = _hits(asked) if len(asked) > 1 else []
        if len(hits) == 1:
            return redirect(hits[0][2])
        return render(request, "office/search.html", {"asked": asked, "hits": hits})


def _hits(asked: str) -> list[tuple[str, str, str]]:
    """Return (kind, name, address), at most twenty of each kind."""
    found = [
        ("channel", c.code, f"/office/channels/{c.code}/")
        for c in Channel.objects.filter(
            Q(code__icontains=asked) | Q(delivery_point__name__icontains=asked)
        )[:20]
    ]
    found += [
        ("contract", f"{c.code} {c.name}", f"/office/contracts/{c.code}/")
        for c in Contract.objects.filter(Q(code__icontains=asked) | Q(name__icontains=asked))[:20]
    ]
    found += [
        ("invoice", str(i.number), f"/office/invoices/{i.pk}/")
        for i in Invoice.objects.filter(number__icontains=asked).defer("document")[:20]
    ]
    found += [
        ("file", f.name, f"/office/imports/{f.pk}/")
        for f in ImportFile.objects.filter(
            Q(name__icontains=asked) | Q(sha256__startswith=asked.lower())
        )[:20]
    ]
    return found
