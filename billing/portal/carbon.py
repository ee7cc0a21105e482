"""Carbon: kilograms and kilograms per megawatt-hour of every month, down to fuel and factor."""

from decimal import Decimal

from django.shortcuts import render
from django.views import View

from billing.access import carbon_line, carbon_lines, contracts_of
from billing.calc.wording import humane, pretty
from billing.portal.bars import Bar, bars
from billing.portal.base import TenantPage, month_title
from poweroptix.kernel.figure import Figure

#: Kinds of source in words.
SOURCES = {
    "readings": "Readings",
    "factor": "Published factor",
    "allocation": "Energy shares",
    "carry": "Carried over",
}


class Carbon(TenantPage, View):
    """All months, the newest first."""

    verb = "portal.carbon"

    def get(self, request):
        """Show them with two charts."""
        lines = list(carbon_lines(self.tenant_id).defer("worksheet"))[:60]
        zone = next((one.zone for one in contracts_of(self.tenant_id)), "UTC")
        rows = [{"line": one, "title": month_title(one.run.period)} for one in lines]
        context = {"rows": rows, "zone": zone, "charts": _charts(lines)}
        return render(request, "portal/carbon.html", context)


class CarbonLine(TenantPage, View):
    """One month of one contract: gases, weights, and the pool down to fuel reading and factor."""

    verb = "portal.carbon"

    def get(self, request, period, contract):
        """Show the worksheet."""
        line = carbon_line(self.tenant_id, contract, period)
        sheet = line.worksheet
        pool = [one for one in sheet["figures"] if one["name"].startswith("pool_")]
        context = {
            "line": line,
            "title": month_title(line.run.period),
            "zone": line.contract.zone,
            "gases": [_gas(row) for row in sheet["rows"]],
            "pool": [_said(one) for one in pool],
            "own": [_said(one) for one in sheet["figures"] if one not in pool],
        }
        return render(request, "portal/carbon_line.html", context)


def _said(document: dict) -> dict:
    """Return a figure in words: its name, its formula with the numbers in it, where it was read."""
    figure = Figure.from_json(document)
    source = figure.source
    return {
        "name": humane(figure.name),
        "value": None if figure.value is None else format(figure.value, "f"),
        "unit": "" if figure.unit == "count" else figure.unit,
        "note": figure.note,
        "sentence": pretty(figure.sentence()) if figure.formula else "",
        "source": "" if source is None else f"{SOURCES.get(source.kind, 'From')}: {source.label}",
        "ref": "" if source is None else source.ref,
        "inputs": [_said(one) for one in document["inputs"]],
    }


def _gas(row: dict) -> dict:
    return {
        "name": row["label"],
        "kg": row["quantity"]["value"],
        "weight": row["rate"]["value"],
        "source": (row["rate"].get("source") or {}).get("label", ""),
        "co2e_kg": row["exact_usd"],
    }


def _charts(lines) -> list[dict]:
    months: dict[str, list] = {}
    for line in lines:
        months.setdefault(line.run.period, []).append(line)
    labels = sorted(months)[-13:]
    mass, intensity = [], []
    for label in labels:
        kg = sum((one.co2e_kg for one in months[label]), Decimal(0))
        kwh = sum((one.energy_kwh for one in months[label]), Decimal(0))
        below = f"{label[5:]}/{label[2:4]}"
        mass.append(Bar(below, kg / 1000, "f4", f"{month_title(label)}: {kg:,} kg CO2e"))
        average = kg * 1000 / kwh if kwh else None
        says = "" if average is None else f"{month_title(label)}: {average:,.1f} kg per MWh"
        intensity.append(Bar(below, average, "f3", says))
    return [
        {"name": "Carbon", "svg": bars(mass, "t CO2e", "Carbon of each month in tonnes of CO2e")},
        {
            "name": "Intensity",
            "svg": bars(intensity, "kg CO2e/MWh", "Carbon per megawatt-hour of each month"),
        },
    ]
