"""The grid areas of the Danish market through stored virtual channels, and their balance.

The same scenarios as in tests/meters/calc/test_grid_areas.py (Energinet, Apache-2.0), here by file,
validation, definition and job: what is settled on is the stored reading, not a function's result.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from meters.calc.written import write_expression
from meters.models import Channel, DeliveryPoint
from meters.queries import final_many
from meters.services import validate_days
from meters.services.virtual.checking import Order
from meters.services.virtual.definitions import define
from poweroptix.jobs.services import drain
from poweroptix.kernel.period import Period, zone_of
from poweroptix.kernel.series import Series
from settlement.calc.balance import campus_balance
from tests.meters.builders import ACTOR, ingest, long_csv, make_campus, make_channel
from tests.meters.calc.test_grid_areas import NAMES, TOTALS, Scenario, moment, needs_scenarios, rows

LOW, HIGH = Decimal("-0.002"), Decimal("0.025")
pytestmark = [pytest.mark.django_db, needs_scenarios]


class Stored:
    """A scenario as channels: metered ones from a file, virtual ones by their definitions."""

    def __init__(self, name):
        self.scenario = Scenario(name, Decimal(0))
        self.now = self.scenario.end + timedelta(days=3)
        self.campus = make_campus("DK", "Europe/Copenhagen")
        self.by_code = {}
        self._meter()

    def _meter(self):
        start, lines = self.scenario.start, []
        for code, series in self.scenario.channels.items():
            made = make_channel(f"{code}/KWH", campus=self.campus, direction="NET", kind="CHECK")
            self.by_code[code] = made
            lines += long_csv(made.code, start, series.decimals()).splitlines()[1:]
        head = long_csv("A/B", start, [])
        ingest(head + "\n".join(lines) + "\n", now=self.now)
        ids = [made.pk for made in self.by_code.values()]
        day = start.date()
        validate_days(ids, day, day + timedelta(days=1), now=self.now, actor=ACTOR)

    def add(self, virtuals, prefix=""):
        """Define virtual channels that are not there yet; return the code of the last."""
        for one in virtuals:
            name = prefix + one.code if one.code == "GROUP" else one.code
            if name in self.by_code:
                continue
            (version,) = one.versions
            codes = {text: self.by_code[code].code for text, code in version.channels().items()}
            place = DeliveryPoint.objects.create(
                campus=self.campus, code=name, name=name, kind="CHECK"
            )
            self.by_code[name] = Channel.objects.create(
                delivery_point=place, code=name, minutes=one.minutes, direction="NET",
                kind="VIRTUAL",
            )  # fmt: skip
            expression = write_expression(version.formula, codes)
            order = Order(self.by_code[name], version.from_utc, expression=expression)
            define(order, actor=ACTOR, now=self.now)
        return name

    def read(self, code, period=None):
        """Return the stored readings of the hour, or of a period."""
        channel, within = self.by_code[code], period or self.scenario
        start, end = (within.start_utc, within.end_utc) if period else (within.start, within.end)
        found, _ = final_many([channel.pk], start, end)
        return found[channel.pk]


@pytest.mark.parametrize("name", NAMES)
def test_every_stated_quantity_is_stored(name):
    stored = Stored(name)
    scenario, wanted = stored.scenario, []
    stored.add(scenario.area())
    for path in sorted((scenario.folder / "then/energy_results").glob("*.csv")):
        for number, row in enumerate(rows(path)):
            code = TOTALS.get(path.stem)
            if code is None:
                group = scenario.virtual("GROUP", scenario.grouped(path.stem, row))
                code = stored.add(group, f"{path.stem}-{number}-")
            wanted.append((code, row["time"], Decimal(row["quantity"])))
    drain(120)
    for code, time, quantity in wanted:
        series = stored.read(code)
        assert series.decimals()[series.grid.index_of(moment(time))] == quantity, (code, time)
    assert len(wanted) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_the_balance_of_stored_channels_leaves_the_stated_residual(name):
    stored = Stored(name)
    stored.add(stored.scenario.area())
    drain(120)
    local = stored.scenario.start.astimezone(zone_of(stored.campus.zone)).date()
    day = Period.day(stored.campus.zone, local)
    sides = [
        {code: stored.read(code, day) for code in codes if code in stored.by_code}
        for codes in (("PRODUCTION_READ", "EXCHANGE"), ("FLEX_READ", "NON_PROFILED"))
    ]
    nothing = {"NOTHING": Series.zero(day.grid(stored.scenario.minutes), "kWh")}
    sources, sinks = (side or nothing for side in sides)
    balance = campus_balance(sources, sinks, day, low_ratio=LOW, high_ratio=HIGH)
    path = stored.scenario.folder / "then/energy_results/grid_loss.csv"
    told = {moment(row["time"]): Decimal(row["quantity"]) for row in rows(path)}
    residual = balance.residual
    found = {at: residual.decimals()[residual.grid.index_of(at)] for at in told}
    assert found == told
