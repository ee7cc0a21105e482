"""Two runs of a contract month side by side: lines, causes, and the corrections behind them."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from django.shortcuts import render
from django.views import View

from poweroptix.pages.downloads import FILES, table_response
from poweroptix.pages.guards import StaffPage
from settlement.calc.cause import CAUSES, Cause
from settlement.calc.delta import MEANING
from settlement.calc.stack import stacked
from settlement.queries.behind import behind
from settlement.queries.chain import billing_month, later_months
from settlement.queries.compare import ComparedLine, Comparison, compared
from settlement.queries.runs import other_versions, read_against, run_with_its_split

#: The picture: where labels end and bars begin, its right edge, and the height of a bar.
LABELS, RIGHT, ROW = 300, 980, 34
#: How many characters of a label fit beside the bars, and how many of its name stay at least.
FITS, LEAST = 42, 8
COLOURS = {one.key: f"f{at}" for at, one in enumerate(CAUSES, 1)}
#: Corrections of earlier months share one colour; their titles name the month.
CORRECTION_COLOUR = f"f{len(CAUSES) + 1}"


class ComparePage(StaffPage, View):
    """Any two runs of one contract month; `against` names the older one by its version."""

    verb = "settlement.view"

    def get(self, request, pk):
        """Show the comparison, or hand it out as a file."""
        after = run_with_its_split(pk)
        versions = other_versions(after)
        before = read_against(after, versions, request.GET.get("against", ""))
        context = {
            "run": after,
            "before": before,
            "versions": versions,
            "zone": after.contract.zone,
        }
        if before is None:
            return render(request, "settlement/compare.html", context)
        found = compared(before, after)
        if request.GET.get("export") in FILES:
            name = (
                f"compare_{after.contract.code}_{after.period}_v{before.version}_v{after.version}"
            )
            return table_response(request.GET["export"], name, *found.table())
        context |= {
            **shown(found),
            "left": f"v{before.version}",
            "right": f"v{after.version}",
            "newer": f"version {after.version}",
            "behind": behind(before, after),
            "billing": billing_month(after) if found.is_own_changed else None,
            "later": later_months(after) if before.carry_out != after.carry_out else [],
        }
        return render(request, "settlement/compare.html", context)


def shown(found: Comparison, others: Mapping[str, Cause] = MappingProxyType({})) -> dict:
    """Return what the page of a comparison needs; `others` say the causes otherwise, by key."""
    causes = [others.get(one.key, one) for one in found.causes]
    named = {one.key: one.title for one in causes}
    return {
        "found": found,
        "causes": [(one, found.total_of(one), _colour(one.key)) for one in causes],
        "table": [
            {"line": line, "causes": [(one.title, line.by_cause.get(one.key)) for one in causes]}
            for line in found.lines
        ],
        "columns": 8 + len(causes),
        "sums": found.sums(),
        "bars": drawn(found.changed, named),
        "meaning": MEANING,
    }


def drawn(lines: tuple[ComparedLine, ...], titles: Mapping[str, str]) -> dict:
    """Return the picture of the changed lines: one bar each, its causes stacked."""
    drawing = stacked([list(line.by_cause.items()) for line in lines], LABELS, RIGHT)
    rows = [
        {
            "label": line.label,
            "short": short_label(line),
            "middle": at * ROW + ROW // 2 + 4,
            "pieces": [
                {
                    "title": titles[piece.name],
                    "colour": _colour(piece.name),
                    "value": piece.value,
                    "x": _number(piece.x),
                    "y": at * ROW + 5,
                    "width": _number(max(piece.width, Decimal("0.5"))),
                }
                for piece in pieces
            ],
        }
        for at, (line, pieces) in enumerate(zip(lines, drawing.bars, strict=True))
    ]
    return {"rows": rows, "zero": _number(drawing.zero_x), "height": len(lines) * ROW + 6}


def short_label(line: ComparedLine) -> str:
    """Return a label that fits beside the bars; the name gives way, the days of a part stay."""
    if len(line.label) <= FITS:
        return line.label
    name = line.label.removesuffix(line.when)
    room = max(FITS - len(line.when) - 1, LEAST)
    return f"{name[:room].rstrip(' ,')}…{line.when}"


def _colour(cause: str) -> str:
    return COLOURS.get(cause, CORRECTION_COLOUR)


def _number(value: Decimal) -> str:
    return f"{value:.2f}"
