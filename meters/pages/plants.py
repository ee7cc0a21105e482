"""Generating units compared by unit and by vendor for a range of months."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from django.http import Http404
from django.shortcuts import render
from django.views import View

from meters.calc.plant import Figure, Performance
from meters.pages.quality import chosen_campus, last_month
from meters.queries.plants import Plants, plants
from meters.reports.bars import bars
from meters.reports.tables import share
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import display
from poweroptix.pages.asked import read_month
from poweroptix.pages.downloads import table_response
from poweroptix.pages.guards import StaffPage

MOST_MONTHS = 24


@dataclass(frozen=True)
class Shown:
    """A figure as a column: its key in the address, heading, unit, places, and how to read it."""

    key: str
    label: str
    unit: str
    places: int
    read: Callable[[Performance], Figure]
    scale: Fraction = Fraction(1)

    def text(self, row: Performance) -> str:
        """Return the figure as people read it."""
        found = self.read(row)
        if found.value is None:
            return absent(found)
        if self.unit == "%":
            return share(found.value)
        return f"{display(found.value * self.scale, self.places):,}".replace("-", "−")

    def exact(self, row: Performance) -> str:
        """Return the figure for a file, to six places and unscaled per cent as a ratio."""
        found = self.read(row)
        return absent(found) if found.value is None else f"{display(found.value * self.scale, 6):f}"


COLUMNS = (
    Shown("output", "Output (MWh)", "MWh", 1, lambda row: row.output_kwh, Fraction(1, 1000)),
    Shown("factor", "Capacity factor", "%", 2, lambda row: row.capacity_factor),
    Shown("availability", "Availability", "%", 2, lambda row: row.availability),
    Shown("fuel", "Fuel (MMBtu, HHV)", "MMBtu", 1, lambda row: row.fuel_mmbtu),
    Shown("btu", "Heat rate (Btu/kWh)", "Btu/kWh", 0, lambda row: row.heat_rate_btu),
    Shown("gj", "Heat rate (GJ/MWh)", "GJ/MWh", 3, lambda row: row.heat_rate_gj),
    Shown("starts", "Starts", "count", 0, lambda row: row.starts),
)
CHARTED = ("output", "factor", "availability", "btu")


def absent(figure: Figure) -> str:
    """Say why there is no figure: `n/a (0.42 % missing)`."""
    why = figure.why or f"{share(figure.missing_ratio or Fraction(0))} missing"
    return f"n/a ({why})"


class PlantsPage(StaffPage, View):
    """Months `first` to `last`, sorted by `sort`; `export` hands out csv or xlsx."""

    verb = "meters.view"

    def get(self, request):
        """Show the comparison or hand it out."""
        campus, campuses = chosen_campus(request.GET.get("campus", ""))
        if campus is None:
            return render(request, "meters/plants.html", {"campus": None})
        first, last = _months(request.GET, campus.zone)
        period = Period(first.start_utc, last.end_utc, campus.zone, f"{first.label}..{last.label}")
        found = plants(campus, period, now=now())
        sort = request.GET.get("sort", "")
        units, vendors = _sorted(found.units, sort), _sorted(found.vendors, sort)
        form = request.GET.get("export", "")
        if form in {"csv", "xlsx"}:
            return _file(form, campus.code, found, units, vendors)
        context = {
            "campus": campus,
            "campuses": campuses,
            "first": first.label,
            "last": last.label,
            "period": period,
            "heads": [_head(column, sort) for column in COLUMNS],
            "groups": [
                ("units", "By unit", "Unit", _cells(units)),
                ("vendors", "By vendor", "Vendor", _cells(vendors)),
            ],
            "charts": [_chart(column, found.units) for column in COLUMNS if column.key in CHARTED],
            "origins": [(one, share(one.missing_ratio)) for one in found.origins],
            "idle": found.out_of_service,
        }
        return render(request, "meters/plants.html", context)


def _months(asked, zone: str) -> tuple[Period, Period]:
    """Return the first and the last month; the newest ended month when none is asked for."""
    last = read_month(asked["last"], zone) if asked.get("last") else last_month(zone)
    first = read_month(asked["first"], zone) if asked.get("first") else last
    months = (
        (last.first_date.year - first.first_date.year) * 12
        + last.first_date.month
        - first.first_date.month
        + 1
    )
    if not 1 <= months <= MOST_MONTHS:
        raise Refused(
            "plants.months",
            f"{first.label} to {last.label} is {months} months: choose 1 to {MOST_MONTHS}, the "
            "first month before the last.",
        )
    return first, last


def _sorted(rows: tuple[Performance, ...], sort: str) -> list[Performance]:
    """Return the rows by a column, absent figures last; by name without one."""
    key = sort.removeprefix("-")
    if not key:
        return sorted(rows, key=lambda row: row.code)
    column = next((one for one in COLUMNS if one.key == key), None)
    if column is None:
        raise Http404(f"no column {key[:20]}")
    known = [row for row in rows if column.read(row).value is not None]
    rest = [row for row in rows if column.read(row).value is None]
    return sorted(known, key=lambda row: column.read(row).value, reverse=sort[0] == "-") + rest


def _head(column: Shown, sort: str) -> dict:
    return {
        "column": column,
        "ascending": sort == column.key,
        "descending": sort == f"-{column.key}",
        "next": column.key if sort == f"-{column.key}" else f"-{column.key}",
    }


def _cells(rows: list[Performance]) -> list[tuple[Performance, list[tuple[Shown, str]]]]:
    return [(row, [(column, column.text(row)) for column in COLUMNS]) for row in rows]


def _chart(column: Shown, rows: tuple[Performance, ...]) -> tuple[str, str]:
    drawn = [(row.code, column.read(row).value, column.text(row)) for row in rows]
    known = [one if one[1] is not None else (one[0], None, "n/a") for one in drawn]
    return column.label, bars(known, f"{column.label} by unit")


def _file(form: str, campus: str, found: Plants, units: list, vendors: list):
    head = ["kind", "name", "vendor", "range", "unit_hours", *(c.label for c in COLUMNS)]
    rows = [
        [kind, row.code, row.vendor, found.period.label, f"{display(row.hours, 2):f}",
         *(column.exact(row) for column in COLUMNS)]
        for kind, group in (("unit", units), ("vendor", vendors))
        for row in group
    ]  # fmt: skip
    return table_response(form, f"plants_{campus}_{found.period.label}", head, rows)
