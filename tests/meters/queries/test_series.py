"""Series, pins and completeness, in a bounded number of queries."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meters.models import LossFactor
from meters.queries import (
    Pin,
    completeness,
    final_many,
    final_series,
    loss_ratios,
    newer_than,
    open_findings,
    trace,
)
from meters.services import validate_days
from meters.services.publishing.followup import validate_receipt
from meters.storage import loader
from poweroptix.kernel.errors import Conflict, NotFoundError, Refused
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)
END = START + timedelta(days=2)
DAY = date(2026, 3, 3)


def loaded(code, value, *, minutes=15, days=2, start=START):
    """Return a channel with final readings."""
    channel = make_channel(code, minutes=minutes)
    rows = [value] * (days * 1440 // minutes)
    receipt = builders.ingest(long_csv(code, start, rows, minutes=minutes))
    validate_receipt(receipt, now=NOW, actor=ACTOR)
    return channel


@pytest.fixture
def block_reads(monkeypatch):
    """Count reads of blocks, which do not go through Django's cursor."""
    reads = []
    plain = loader._binary
    monkeypatch.setattr(loader, "_binary", lambda *a: reads.append(a) or plain(*a))
    return reads


def test_channels_of_several_lengths_come_in_one_read(block_reads):
    quarter, hour = loaded("A/KWH", "1.5"), loaded("B/KWH", "7", minutes=60)
    block_reads.clear()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        series, pins = final_many([quarter.pk, hour.pk], START, END)
    assert (len(block_reads), len(queries)) == (1, 2)
    assert series[quarter.pk].total() == Decimal("288")
    assert series[hour.pk].total() == Decimal("336")
    assert [series[c.pk].grid.count for c in (quarter, hour)] == [192, 48]
    assert len(pins) == 6
    assert {pin.layer for pin in pins} == {2}


def test_pins_return_exactly_what_was_read_before():
    channel = loaded("A/KWH", "1.5")
    before, pins = final_series(channel.pk, START, END)
    receipt = builders.ingest(long_csv("A/KWH", START, ["2"] * 4), name="late.csv")
    validate_receipt(receipt, now=NOW, actor=ACTOR)
    now, _ = final_series(channel.pk, START, END)
    again, used = final_series(channel.pk, START, END, pins=pins)
    assert (now.total(), again.total()) == (Decimal("290"), Decimal("288"))
    assert (again.digest(), used) == (before.digest(), pins)
    assert [(pin.day, version) for pin, version in newer_than(pins)] == [(DAY, 2)]
    assert Pin.from_json(pins[0].to_json()) == pins[0]
    assert newer_than([]) == []


def test_pins_that_do_not_hold_stop_the_reader():
    channel = loaded("A/KWH", "1.5")
    _, pins = final_series(channel.pk, START, END)
    with pytest.raises(Conflict, match="is not what was pinned"):
        final_series(channel.pk, START, END, pins=[pins[0]._replace(digest="00" * 32)])
    with pytest.raises(Conflict, match=r"pinned block of channel .* version 9 does not exist"):
        final_series(channel.pk, START, END, pins=[pins[0]._replace(version=9)])


def test_what_cannot_be_read():
    channel = loaded("A/KWH", "1.5")
    with pytest.raises(NotFoundError, match="There is no channel 4711"):
        final_series(4711, START, END)
    shift = timedelta(minutes=5)
    with pytest.raises(Refused, match="is not the start of a 15-minute interval"):
        final_series(channel.pk, START + shift, END + shift)
    with pytest.raises(Refused, match="is empty"):
        final_series(channel.pk, END, START)


def test_completeness_counts_local_days():
    full, half = make_channel("A/KWH"), make_channel("B/KWH")
    spring = datetime(2026, 3, 8, 6, tzinfo=UTC)
    builders.ingest(long_csv("A/KWH", spring - timedelta(days=1), ["1"] * (96 + 92)))
    builders.ingest(long_csv("B/KWH", spring, ["1"] * 50))
    validate_days([full.pk], date(2026, 3, 7), date(2026, 3, 8), now=NOW, actor=ACTOR)
    with CaptureQueriesContext(connection) as queries:
        table = completeness([full.pk, half.pk], date(2026, 3, 7), date(2026, 3, 8))
    assert len(queries) == 2
    states = {row.channel.code: row.days for row in table.rows}
    assert [(d.expected, d.received, d.billable, d.letter) for d in states["A/KWH"]] == [
        (96, 96, 96, "A"),
        (92, 92, 92, "A"),
    ]
    assert [(d.expected, d.received, d.billable, d.letter) for d in states["B/KWH"]] == [
        (96, 0, 0, "X"),
        (92, 50, 0, "X"),
    ]
    with pytest.raises(NotFoundError, match="no channel 99"):
        completeness([99], DAY, DAY)


def test_open_findings_come_gravest_first_in_one_query(django_assert_num_queries):
    channel = make_channel("A/KWH")
    builders.ingest(long_csv("A/KWH", START, [*["100"] * 50, "900", *["100"] * 20]))
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    with django_assert_num_queries(1):
        found = [(f.rule_code, f.channel.delivery_point.campus.code) for f in open_findings()]
    assert found == [("V13", "CAP"), ("V01", "CAP")]
    assert open_findings(campus_id=-1).count() == 0
    assert open_findings(severities=["HOLD"], channel_ids=[channel.pk]).count() == 1
    assert open_findings(start_utc=END).count() == 0
    assert open_findings(end_utc=START).count() == 0


def test_trace_is_bounded(django_assert_max_num_queries):
    channel = loaded("A/KWH", "1.5")
    with django_assert_max_num_queries(7):
        found = trace(channel.pk, START + timedelta(minutes=7))
    assert found.start_utc == START
    assert [(v.layer, v.version, v.quantity, v.line) for v in found.versions] == [
        (2, 1, Decimal("1.5"), None),
        (1, 1, Decimal("1.5"), 2),
    ]
    with pytest.raises(NotFoundError, match="There is no channel 4711"):
        trace(4711, START)


def test_loss_factor_in_force_is_the_latest_start():
    channel = make_channel()
    point = channel.delivery_point
    for day, ratio in ((date(2026, 1, 1), "1.01"), (date(2026, 3, 1), "1.02")):
        LossFactor.objects.create(delivery_point=point, effective_from=day, loss_ratio=ratio)
    assert loss_ratios([point.pk], date(2026, 2, 28)) == {point.pk: Decimal("1.01")}
    assert loss_ratios([point.pk], date(2026, 3, 1)) == {point.pk: Decimal("1.02")}
    assert loss_ratios([point.pk], date(2025, 12, 31)) == {}
