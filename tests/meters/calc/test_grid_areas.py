"""Energy of a grid area by virtual channels: exchange, production, consumption, residual.

The scenarios come from the Danish market's wholesale calculation (Energinet, Apache-2.0). There an
hourly quantity is cut into quarters of 0.001 kWh that add up, and a reading that is missing counts
as zero; both are done by the reader here, so that the arithmetic can be compared digit by digit.
"""

import csv
import datetime as dt
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

import pytest

from meters.calc.virtual import Version, Virtual, evaluate
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series
from tests.meters.cases import CASES

ROOT = (
    CASES / "peers/energinet_wholesale/source/geh_wholesale/tests/scenario_tests/energy_calculation"
)
AREA = "800"
NAMES = [
    "given_calculation_period_before_quarterly_resolution_transition_datetime",
    "given_exchange_to_and_from_is_same_ga",
    "given_minimal_standard_energy_scenario",
    "given_only_exchange_mp_in_ga",
    "given_only_nonprofiled_in_ga",
    "given_only_production_in_ga",
]
needs_scenarios = pytest.mark.skipif(
    not ROOT.exists(), reason=f"no scenarios at {ROOT} (POWEROPTIX_CASES)"
)
TOTALS = {
    "exchange": "EXCHANGE",
    "temporary_production": "PRODUCTION_READ",
    "temporary_flex_consumption": "FLEX_READ",
    "grid_loss": "RESIDUAL",
    "positive_grid_loss": "POSITIVE",
    "negative_grid_loss": "NEGATIVE",
    "production": "PRODUCTION",
    "flex_consumption": "FLEX",
    "non_profiled_consumption": "NON_PROFILED",
    "total_consumption": "CONSUMPTION",
}
KINDS = {"production": "E18", "flex_consumption": "D01", "non_profiled_consumption": "E02"}


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def moment(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def quarters(quantity):
    """Cut an hour into four quarters of 0.001 that add up to it, half up."""
    sums = [to_places(quantity * n / 4, 3, Mode.HALF_UP) for n in range(5)]
    return [after - before for before, after in pairwise(sums)]


class Scenario:
    """What a scenario gives, and the virtual channels of its grid area."""

    def __init__(self, name, missing_as):
        self.folder = ROOT / name
        self.points = rows(self.folder / "when/metering_point_periods.csv")
        given = rows(self.folder / "when/grid_loss_metering_points.csv")
        self.loss_points = {row["metering_point_id"] for row in given}
        first = rows(self.folder / "then/energy_results/grid_loss.csv")[0]
        self.minutes = {"PT15M": 15, "PT1H": 60}[first["resolution"]]
        self.start = moment(first["time"]).replace(minute=0)
        self.end = self.start + dt.timedelta(hours=1)
        self.channels = self.read(missing_as)

    def read(self, missing_as):
        """Return every metering point as quarter-hours."""
        readings = defaultdict(dict)
        for row in rows(self.folder / "when/time_series_points.csv"):
            if row["quantity"]:
                at = moment(row["observation_time"])
                readings[row["metering_point_id"]][at] = Decimal(row["quantity"])
        grid = Grid(self.start, 15, 4)
        channels = {}
        for point in self.points:
            code = point["metering_point_id"]
            found = readings[code]
            if point["resolution"] == "PT1H":
                hour = found.get(self.start)
                values = [missing_as] * 4 if hour is None else quarters(hour)
            else:
                values = [found.get(grid.start_of(n), missing_as) for n in range(4)]
            channels[code] = Series.of(grid, values, "kWh")
        return channels

    def exchanges(self, neighbour=None):
        """Return the signed metering points of exchange with a neighbour, or with all."""
        signed = []
        for row in self.points:
            source, target = row["from_grid_area_code"], row["to_grid_area_code"]
            if row["type"] == "E20" and target == AREA and neighbour in (None, source):
                signed.append(("+", row["metering_point_id"]))
            if row["type"] == "E20" and source == AREA and neighbour in (None, target):
                signed.append(("-", row["metering_point_id"]))
        return signed

    def members(self, kind, **who):
        """Return the metering points of a kind in the area, those of losses as computed."""
        codes = []
        for row in self.points:
            match = row["type"] == kind or (
                row["type"] == "E17" and row["settlement_method"] == kind
            )
            if match and row["grid_area_code"] == AREA and all(row[k] == v for k, v in who.items()):
                codes.append(row["metering_point_id"])
        return codes

    def virtual(self, code, signed):
        """Return a virtual channel of signed channels; nothing to add up is no channel."""
        if not signed:
            return []
        names = {f"M{n}": channel for n, (_, channel) in enumerate(signed)}
        formula = " ".join(f"{sign}M{n}" for n, (sign, _) in enumerate(signed))
        version = Version(self.start - dt.timedelta(days=1), formula, names)
        return [Virtual(code, "kWh", self.minutes, (version,))]

    def area(self):
        """Return the virtual channels of the grid area."""
        read = {
            code: [("+", p) for p in self.members(kind) if p not in self.loss_points]
            for code, kind in (
                ("PRODUCTION_READ", "E18"), ("FLEX_READ", "D01"), ("NON_PROFILED", "E02"),
            )
        }  # fmt: skip
        found = self.virtual("EXCHANGE", self.exchanges())
        for code, signed in read.items():
            found += self.virtual(code, signed)
        there = {each.code for each in found}
        signs = {"PRODUCTION_READ": "+", "EXCHANGE": "+", "FLEX_READ": "-", "NON_PROFILED": "-"}
        found += self.virtual("RESIDUAL", [(s, c) for c, s in signs.items() if c in there])
        since = self.start - dt.timedelta(days=1)
        for code, formula in (("POSITIVE", "max(0, RESIDUAL)"), ("NEGATIVE", "max(0, -RESIDUAL)")):
            found.append(Virtual(code, "kWh", self.minutes, (Version(since, formula),)))
        for code, parts in {
            "PRODUCTION": ["PRODUCTION_READ", "NEGATIVE"],
            "FLEX": ["FLEX_READ", "POSITIVE"],
            "CONSUMPTION": ["FLEX_READ", "POSITIVE", "NON_PROFILED"],
        }.items():
            found += self.virtual(
                code, [("+", p) for p in parts if p in {*there, "POSITIVE", "NEGATIVE"}]
            )
        return found

    def grouped(self, stem, row):
        """Return the signed channels of one row of a grouped result."""
        kind = stem.split("_per_")[0]
        if kind == "exchange":
            return self.exchanges(row["neighbor_grid_area_code"])
        who = {"balance_responsible_party_id": row["balance_responsible_party_id"]}
        if stem.endswith("_es"):
            who["energy_supplier_id"] = row["energy_supplier_id"]
        computed = {"E18": "NEGATIVE", "D01": "POSITIVE"}
        codes = self.members(KINDS[kind], **who)
        return [
            ("+", computed[KINDS[kind]] if code in self.loss_points else code) for code in codes
        ]

    def compare(self):
        """Yield the stated row beside what the virtual channels give for its interval."""
        for path in sorted((self.folder / "then/energy_results").glob("*.csv")):
            for row in rows(path):
                virtuals = self.area()
                code = TOTALS.get(path.stem)
                if code is None:
                    code = "GROUP"
                    virtuals += self.virtual(code, self.grouped(path.stem, row))
                series = evaluate(virtuals, self.channels, self.start, self.end)[code]
                index = series.grid.index_of(moment(row["time"]))
                yield path.stem, row, series.decimals()[index]


@needs_scenarios
@pytest.mark.parametrize("name", NAMES)
def test_every_stated_quantity_is_reproduced(name):
    compared = 0
    for stem, row, value in Scenario(name, Decimal(0)).compare():
        assert value == Decimal(row["quantity"]), (
            stem,
            row["time"],
            row["neighbor_grid_area_code"],
        )
        compared += 1
    assert compared >= 12


@needs_scenarios
@pytest.mark.parametrize("name", NAMES)
def test_a_missing_reading_stays_missing_in_all_that_rests_on_it(name):
    for stem, row, value in Scenario(name, None).compare():
        if "missing" in row["quantity_qualities"]:
            assert value is None, (stem, row["time"])
        elif (
            "measured" in row["quantity_qualities"]
            and "calculated" not in row["quantity_qualities"]
        ):
            assert value == Decimal(row["quantity"]), (stem, row["time"])


@needs_scenarios
def test_every_scenario_is_here():
    assert sorted(path.name for path in ROOT.iterdir() if path.is_dir()) == NAMES
