"""The allocation of a campus month: who got what, from which source, as bars and as a table."""

from dataclasses import dataclass
from decimal import Decimal

from django.shortcuts import get_object_or_404, render
from django.views import View

from meters.models import Campus
from poweroptix.pages.asked import read_month
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage
from settlement.queries.split import Share, Split, month_split

#: The picture: where bars begin and end, how high one is, how far the next; how many are drawn.
LEFT, RIGHT, BAR, STEP, TOP = 220, 860, 18, 30, 8
SHOWN = 20
#: How many contracts the table has on screen; the export has all.
ROWS = 200
COLOURS = 6


@dataclass(frozen=True)
class Piece:
    """One column of a contract as it is drawn."""

    name: str
    kwh: Decimal
    colour: str
    x: str
    width: str


@dataclass(frozen=True)
class Bar:
    """One contract as it is drawn: its pieces side by side."""

    share: Share
    y: int
    text_y: int
    end: str
    pieces: tuple[Piece, ...]


class SplitPage(StaffPage, View):
    """Delivered energy by contract and source, what pools shared, what batteries hold."""

    verb = "settlement.view"

    def get(self, request, code, when):
        """Show a month such as 2026-03, or hand out its table (`export` csv or xlsx)."""
        campus = get_object_or_404(Campus, code=code)
        period = read_month(when, campus.zone)
        split = month_split(campus, period.label)
        form = request.GET.get("export", "")
        if split is not None and form in {"csv", "xlsx"}:
            name = f"poweroptix_allocation_{campus.code}_{period.label}"
            return table_response(form, name, *table(split))
        bars = drawn(split) if split else []
        columns = split.columns if split else ()
        context = {
            "campus": campus,
            "label": period.label,
            "before": period.previous().label,
            "after": period.next().label,
            "split": split,
            "rows": [
                (one, list(zip(columns, one.cells, strict=True))) for one in split.shares[:ROWS]
            ]
            if split
            else [],
            "sums": list(zip([*columns, "Delivered"], split.sums(), strict=False)) if split else [],
            "bars": bars,
            "bars_height": TOP * 2 + STEP * len(bars),
            "legend": [(colour(at), name) for at, name in enumerate(columns)],
        }
        return render(request, "settlement/split.html", context)


def table(split: Split) -> tuple[list[str], list[list]]:
    """Return head and rows of the table with all its digits; the operator's rest comes last.

    The sum of a source over all rows is what it gave.
    """
    head = ["contract", "name", *(f"{name} kWh" for name in split.columns), "delivered kWh"]
    rows = [[one.code, one.name, *one.cells, one.total_kwh] for one in split.shares]
    if split.by_source:
        rests = {pool.code: pool.rest_kwh for pool in split.pools}
        rows.append(["", "operator", *(rests.get(code) for code in split.columns), None])
    return head, rows


def colour(at: int) -> str:
    """Return the class of a column; further ones share the last."""
    return f"f{min(at + 1, COLOURS)}"


def drawn(split: Split) -> list[Bar]:
    """Return the largest contracts as bars whose lengths are energies; what is unknown has none."""
    known = [one for one in split.shares if one.total_kwh is not None and one.total_kwh > 0]
    largest = sorted(known, key=lambda one: (-one.total_kwh, one.code))[:SHOWN]
    if not largest:
        return []
    scale = Decimal(RIGHT - LEFT) / max(_length(one) for one in largest)
    bars = []
    for at, share in enumerate(largest):
        x, pieces = Decimal(LEFT), []
        for column, kwh in enumerate(share.cells):
            if kwh and kwh > 0:
                name = split.columns[column]
                pieces.append(Piece(name, kwh, colour(column), f"{x:.2f}", f"{kwh * scale:.2f}"))
                x += kwh * scale
        y = TOP + STEP * at
        bars.append(Bar(share, y, y + BAR - 5, f"{x + 8:.2f}", tuple(pieces)))
    return bars


def _length(share: Share) -> Decimal:
    return max(sum((kwh for kwh in share.cells if kwh and kwh > 0), Decimal(0)), Decimal(1))
