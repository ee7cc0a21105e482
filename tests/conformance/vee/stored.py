"""VERSION: what a late actual reading does to what is stored, estimated, edited and settled.

The reference counts the versions of a reading in one row. Here raw and final readings are versioned
apart, and one state of a reading is its value (none, where a gap is), wherever it stands: a raw
reading and the validated one that says the same are one. `new_version` is the place of the late
reading in that row, None where it did not become the final one.
"""

from datetime import timedelta
from decimal import Decimal
from itertools import groupby

from meters.conformance._base import decimal, words
from meters.models import Finding, Layer
from meters.queries import trace
from meters.services import edit_readings, validate_days
from meters.services.publishing.followup import validate_receipt
from poweroptix.kernel.period import Period
from settlement.calc.inputs import from_bytes
from settlement.queries.corrections import waiting_of
from settlement.queries.resolver import StoredResolver
from tests.meters import builders
from tests.meters.services.campus import quiet
from tests.settlement.acts import approve, settle
from tests.settlement.world import MARCH, NOW, SYSTEM, World, readings

LOCKED = " arrives after settlement of the month is locked"
AT = MARCH.start_utc + timedelta(days=3, hours=12)
LATE = NOW + timedelta(days=1)
PLACE = (AT - MARCH.start_utc) // timedelta(minutes=15)


def version(facts):
    """Bring an interval into the state that the example gives, let the late reading arrive."""
    late = words(rf"actual (\S+?)({LOCKED})?", facts.need("late"), "late")
    story = Story()
    if "v1" in facts:
        story.arrives(decimal(words(r"raw (\S+) RAW", facts.need("v1"), "v1")[1], "v1"))
    if "v2" in facts:
        told = words(r"ESTIMATED (\S+) \(gap\)", facts.need("v2"), "v2")
        story.is_estimated(decimal(told[1], "v2"))
    if "v3" in facts:
        story.is_edited(decimal(words(r"EDITED (\S+) locked", facts.need("v3"), "v3")[1], "v3"))
    run = story.settled() if late[2] else None
    story.comes_late(decimal(late[1], "late"))
    return story.told(decimal(late[1], "late"), run)


class Story:
    """One load of a campus month, and one interval of it."""

    def __init__(self):
        quiet()
        self.world = World(read=False)
        self.channel = self.world.alfa_meter
        builders.install(self.channel, builders.LONG_AGO, None)
        self.numbers = [Decimal(500)] * MARCH.grid(15).count

    def arrives(self, kwh):
        """Raw readings of that value arrive."""
        self.numbers = [kwh] * len(self.numbers)

    def is_estimated(self, kwh):
        """The interval is missing; the line to the reading after it gives the estimate."""
        self.numbers[PLACE + 1] = 2 * kwh - self.numbers[PLACE - 1]
        self.numbers[PLACE] = None
        self._deliver()
        self.numbers[PLACE] = kwh

    def is_edited(self, kwh):
        """A person sets a value."""
        self._deliver()
        edit_readings(
            self.channel, AT, AT + timedelta(minutes=15), "SET", operand=kwh,
            reason_code="FIELD_VISIT", comment="Read from the display", now=NOW,
            actor=self.world.analyst, approver=builders.person("eve"),
        )  # fmt: skip
        self.numbers[PLACE] = kwh

    def settled(self):
        """Settle the month, which loses nothing, and approve it."""
        readings(self.world.bravo_meter, 40, now=NOW)
        readings(self.world.gen, [number + 40 for number in self.numbers], now=NOW)
        return approve(self.world, settle(self.world))

    def comes_late(self, kwh):
        """The actual reading arrives in a file of its own."""
        content = builders.long_csv(self.channel.code, AT, [kwh])
        receipt = builders.ingest(content, name="late.csv", now=LATE)
        assert receipt["error_count"] == 0, receipt
        validate_receipt(receipt, now=LATE, actor=SYSTEM)

    def told(self, late, run):
        """Return what the store, the run and the findings say now."""
        versions = sorted(
            trace(self.channel.pk, AT).versions,
            key=lambda each: (each.publication.published_at, each.layer),
        )
        values = [each.quantity for each in versions]
        states = [value for value, _ in groupby(values)]
        final = max((v for v in versions if v.layer == Layer.FINAL), key=lambda v: v.version)
        taken = final.quantity == late
        finding = Finding.objects.filter(channel=self.channel, severity="HOLD", start_utc=AT)
        return {
            "new_version": len(states) if taken else None,
            "status": final.status.name,
            "value": final.quantity,
            "settled_snapshot": None if run is None else f"still {_settled(run).normalize():f}",
            "resettlement_flag": run is not None and waiting_of(run) is not None,
            "exception": next((each.rule_code for each in finding), None),
        }

    def _deliver(self):
        """Deliver the month without what is missing, and judge it."""
        content = builders.long_csv(self.channel.code, MARCH.start_utc, self.numbers)
        rows = [row for row in content.splitlines(keepends=True) if ",None," not in row]
        builders.ingest("".join(rows), name="first.csv", now=NOW)
        days = MARCH.days()
        validate_days([self.channel.pk], days[0], days[-1], now=NOW, actor=SYSTEM)


def _settled(run):
    """Return what the frozen inputs of a run hold for the interval."""
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    series = from_bytes(bytes(run.inputs), StoredResolver(period)).in_full().series["delivered"]
    return series.decimals()[series.grid.index_of(AT)]


STORED = {"VERSION": version}
