"""Tariffs, subscriptions and fees of the Danish wholesale market, to their six decimals.

The scenarios are Energinet's (Apache-2.0). What they give is priced by terms of a contract: one
document per charge, kind of metering point and time, settled like any run. A charge without a
price at a time has no amount there; it is never zero. In the scenarios a reading that is missing
counts as zero, and losses are calculated; the reader here does both, so that the arithmetic of the
charges can be compared digit by digit.
"""

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from functools import cache

import pytest

from poweroptix.kernel.period import zone_of
from poweroptix.kernel.rounding import Mode, to_places
from settlement.calc.inputs import from_document
from settlement.calc.settle import settle
from tests.meters.calc.test_grid_areas import moment, rows
from tests.meters.cases import CASES

ROOT = (
    CASES
    / "peers/energinet_wholesale/source/geh_wholesale/tests/scenario_tests/wholesale_calculation"
)
NAMES = [
    "given_calculation_covers_multiple_ga",
    "given_minimal_standard_wholesale_scenario",
    "given_no_active_price_points_for_price_elements",
    "given_price_elements_starts_or_stops",
]
pytestmark = pytest.mark.skipif(
    not ROOT.exists(), reason=f"no scenarios at {ROOT} (POWEROPTIX_CASES)"
)

ZONE = "Europe/Copenhagen"
KINDS = {
    "E17": "consumption",
    "E18": "production",
    "D07": "consumption_from_grid",
    "D09": "own_production",
}
METHODS = {"D01": "flex", "E02": "non_profiled", "": ""}
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
FAR = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)


def links(scenario):
    """Return by group of a result how much of each point is charged, and on which times.

    A group is (area, supplier, kind, method, charge, owner); a charge that starts or stops, a link
    that starts or stops and the period bound the times.
    """
    found = defaultdict(list)
    for link in scenario.read("charge_link_periods"):
        point = scenario.points[link["metering_point_id"]]
        if point["grid_area_code"] not in scenario.areas:
            continue
        for charge in scenario.charges[link["charge_code"], link["charge_owner_id"]]:
            start = max(moment(link["from_date"]), moment(charge["from_date"]), scenario.start)
            end = min(ended(link), ended(charge), scenario.end)
            if start < end:
                key = (
                    point["grid_area_code"],
                    scenario.supplier(point),
                    KINDS[point["type"]],
                    METHODS[point["settlement_method"]],
                    link["charge_code"],
                    link["charge_owner_id"],
                )
                found[key].append((point["metering_point_id"], int(link["quantity"]), start, end))
    return found


def ended(row):
    return moment(row["to_date"]) if row["to_date"] else FAR


class Scenario:
    """What a scenario gives."""

    def __init__(self, name):
        self.folder = ROOT / name
        text = (self.folder / "when/calculation_arguments.yml").read_text("utf-8")
        said = dict(line.lstrip("- ").split(": ", 1) for line in text.splitlines() if ": " in line)
        self.areas = {one.strip(' []"') for one in said["grid-areas"].split(",")}
        self.start, self.end = (
            moment(said[f"period-{end}-datetime"].strip('"')).replace(tzinfo=dt.UTC)
            for end in ("start", "end")
        )
        self.points = {row["metering_point_id"]: row for row in self.read("metering_point_periods")}
        self.charges = defaultdict(list)
        for row in self.read("charge_price_information_periods"):
            self.charges[row["charge_code"], row["charge_owner_id"]].append(row)
        self.prices = {
            (row["charge_code"], row["charge_owner_id"], moment(row["charge_time"])): row[
                "charge_price"
            ]
            for row in self.read("charge_price_points")
        }
        self.readings = defaultdict(dict)
        for row in self.read("time_series_points"):
            at = moment(row["observation_time"])
            self.readings[row["metering_point_id"]][at] = Decimal(row["quantity"])
        self._losses()

    def read(self, name, side="when"):
        return rows(self.folder / side / f"{name}.csv")

    def supplier(self, point):
        """Return who supplies a point; what hangs on another is supplied with it."""
        parent = point["parent_metering_point_id"]
        return self.points[parent]["energy_supplier_id"] if parent else point["energy_supplier_id"]

    def _losses(self):
        """Give the points of grid losses what is lost, above zero to one and below to the other."""
        path = self.folder / "then/energy_results/grid_loss.csv"
        if not path.exists():
            return
        points = {row["metering_point_id"] for row in self.read("grid_loss_metering_points")}
        for row in rows(path):
            lost = Decimal(row["quantity"])
            wanted = "E17" if lost > 0 else "E18"
            for code in points:
                point = self.points[code]
                if (
                    lost
                    and point["type"] == wanted
                    and point["grid_area_code"] == row["grid_area_code"]
                ):
                    self.readings[code][moment(row["time"])] = abs(lost)

    def energy_kwh(self, code, start, end):
        return sum(
            (kwh for at, kwh in self.readings[code].items() if start <= at < end), Decimal(0)
        )

    def price(self, key, at):
        return self.prices.get((*key[-2:], at))

    def priced_since(self, key, at):
        """Return when the newest price of a charge until then was published; then, if never."""
        times = [when for *owner, when in self.prices if tuple(owner) == key[-2:] and when <= at]
        return max(times, default=at)


def instants(start, end, step):
    """Return the times of a link within the period: every hour, or every local day."""
    while start < end:
        yield start
        start += step


def document(at, step, terms, series=None, prices=None):
    """Return what one charge of one time is settled from."""
    day = at.astimezone(zone_of(ZONE)).date().isoformat()
    return {
        "contract": "DK",
        "currency": "USD",
        "zone": ZONE,
        "period": {
            "start_utc": at.isoformat(),
            "end_utc": (at + step).isoformat(),
            "label": day,
        },
        "versions": [{"number": 1, "anchor_date": None, "facts": {}, "terms": [terms]}],
        "series": series or {},
        "prices": prices or {},
    }


def published(unit, step, value):
    minutes = int(step.total_seconds() // 60)
    return {"PRICE": {"unit": unit, "minutes": minutes, "values": [value]}}


def tariff(scenario, key, at, step, points):
    """Return the quantity of a tariff and its document, priced as energy at an index."""
    kwh = sum(
        (scenario.energy_kwh(code, at, at + step) * count for code, count, *_ in points), Decimal(0)
    )
    value = scenario.price(key, at)
    term = {
        "line_code": 10,
        "charge_type": "index_adder@1",
        "label": "Tariff",
        "parameters": {"index": "PRICE", "price_unit": "USD/kWh", "quantity_places": 3},
    }
    series = {"delivered": {"unit": "kWh", "minutes": int(step.total_seconds() // 60),
                            "values": [str(kwh)]}}  # fmt: skip
    return kwh, document(at, step, term, series, published("USD/kWh", step, value))


def counted(scenario, key, at, points, formula, price_at, days):
    """Return the pieces of a charge and its document, a contract formula."""
    pieces = sum(count for _code, count, *_ in points)
    value = scenario.price(key, price_at)
    names = [
        {"name": "pieces", "kind": "CONSTANT", "unit": "ratio", "value": str(pieces)},
        {"name": "price", "kind": "INDEX", "of": "PRICE", "take": "AVERAGE", "unit": "USD"},
    ]
    if "days" in formula:
        names.append({"name": "days", "kind": "CONSTANT", "unit": "ratio", "value": str(days)})
    term = {
        "line_code": 40,
        "charge_type": "formula@1",
        "label": "Pieces",
        "parameters": {"formula": formula, "names": names},
    }
    prices = published("USD", DAY, value)
    return Decimal(pieces), document(at, DAY, term, None, prices)


def results(scenario):
    """Return what the product makes of a scenario: quantity and amount by (group, time)."""
    found = {}
    days = (scenario.end - scenario.start).days
    for key, points in links(scenario).items():
        charge = scenario.charges[key[-2:]][0]
        kind, step = charge["charge_type"], DAY if charge["resolution"] != "PT1H" else HOUR
        times = sorted({at for *_, start, end in points for at in instants(start, end, step)})
        for at in times:
            held = [one for one in points if one[2] <= at < one[3]]
            if kind == "tariff":
                quantity, given = tariff(scenario, key, at, step, held)
            elif kind == "subscription":
                formula = "pieces * round(price / days, 6)"
                since = scenario.priced_since(key, at)
                quantity, given = counted(scenario, key, at, held, formula, since, days)
            else:
                quantity, given = counted(scenario, key, at, held, "pieces * price", at, 1)
            [line] = settle(from_document(given)).lines
            found[key, at] = quantity, line.exact_usd
    return found


@cache
def solved(name):
    scenario = Scenario(name)
    return scenario, results(scenario)


def stated(scenario):
    """Return what a scenario says comes out, by group and time."""
    found = {}
    for name in ("hourly_tariff", "daily_tariff", "subscription", "fee"):
        for row in scenario.read(f"wholesale_results/{name}_per_co_es", "then"):
            key = (
                row["grid_area_code"],
                row["energy_supplier_id"],
                row["metering_point_type"],
                row["settlement_method"],
                row["charge_code"],
                row["charge_owner_id"],
            )
            found[key, moment(row["time"])] = row
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_amount_to_six_decimals_and_none_without_a_price(name):
    scenario, found = solved(name)
    expected = stated(scenario)
    assert set(found) == set(expected)
    for key, row in expected.items():
        quantity, amount = found[key]
        assert quantity == Decimal(row["quantity"]), key
        printed = "" if amount is None else str(to_places(amount, 6, Mode.HALF_UP))
        assert printed == row["amount"], key
    assert any(amount is None for _quantity, amount in found.values())


@pytest.mark.parametrize("name", NAMES[:2])
def test_the_amounts_of_a_month_add_up_to_what_a_supplier_owes(name):
    scenario, found = solved(name)
    owed = defaultdict(Decimal)
    for (key, _at), (_quantity, amount) in found.items():
        owed[key[0], key[1]] += to_places(amount or Decimal(0), 6, Mode.HALF_UP)
    rows_ = scenario.read("wholesale_results/total_monthly_amounts_per_es", "then")
    told = {(r["grid_area_code"], r["energy_supplier_id"]): Decimal(r["amount"]) for r in rows_}
    assert {key: owed[key] for key in told} == told
