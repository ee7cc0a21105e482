"""A hundred virtual channels over a month: what is written, and how long it takes (`-s` prints)."""

import sys
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meters.models import ReadingBlock, VirtualDefinition
from meters.queries import final_series
from meters.services import edit_readings
from meters.services.virtual.recompute import recompute
from meters.storage import epoch_day
from tests.meters.builders import NOW, person
from tests.meters.virtual.makers import DAY, defined, metered, virtual

pytestmark = pytest.mark.django_db
CHANNELS, START = 100, DAY.replace(month=3, day=1)
DAYS = range(epoch_day(START.date()), epoch_day(START.date()) + 31)


def told(sentence):
    """Say what was measured to whoever runs with `-s`."""
    sys.stdout.write(f"{sentence}\n")


@pytest.mark.parametrize(
    ("kind", "expression"),
    [("sums", "max(0, [G/KWH] - 0.01 * {0} * [A/KWH])"),
     ("shares", "[G/KWH] * [A/KWH] / ([A/KWH] + {0})")],
)  # fmt: skip
def test_a_hundred_channels_over_a_month(kind, expression):
    gross = metered("G/KWH", [Decimal(12500 + n % 96) for n in range(2976)], start=START)
    metered("A/KWH", [Decimal(640 + n % 7) for n in range(2976)], start=START)
    ids = []
    for number in range(CHANNELS):
        channel = virtual(f"V{number:03}")
        text = expression.format(number + 1).replace(f"+ {number + 1})", f"+ [A/KWH] * {number}.5)")
        defined(channel, text, compute=False)
        ids.append(channel.pk)
    began = time.perf_counter()
    with CaptureQueriesContext(connection) as captured:
        done = recompute(ids, DAYS, now=NOW, reason="measured")
    seconds = time.perf_counter() - began
    assert (done.channels, done.written) == (CHANNELS, CHANNELS * 31)
    assert len(captured) < 60
    told(f"\n{CHANNELS} {kind} x 31 days of 15 minutes: {seconds:.2f} s, {len(captured)} queries, "
         f"{CHANNELS * 2976 / seconds:,.0f} readings a second")  # fmt: skip
    VirtualDefinition.objects.update(computed_at=NOW)
    before = ReadingBlock.objects.count()
    at = START + timedelta(days=11, hours=3)
    began = time.perf_counter()
    edit_readings(
        gross, at, at + timedelta(minutes=15), "SET", operand=Decimal(13000),
        reason_code="METER_FAULT", comment="Read from the display.", actor=person("ann"),
        approver=person("bob"), now=NOW,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    assert ReadingBlock.objects.count() - before == 1 + CHANNELS
    told(f"one edited interval and {CHANNELS} {kind} that rest on it: {seconds:.2f} s")
    series, _ = final_series(ids[-1], at, at + timedelta(minutes=15))
    assert series.missing_count == 0
