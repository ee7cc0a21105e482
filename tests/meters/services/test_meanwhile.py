"""Somebody else publishes between the writing of blocks and their publication."""

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from meters.models import Publication, ReadingBlock
from meters.queries import final_series, raw_series, trace
from meters.services import edit_readings, ingest_file, validate_days
from meters.services.steps import PlainSteps
from poweroptix.db.scope import portal_scope, staff_scope
from poweroptix.kernel.errors import NotFoundError
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel, person, receive

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)
END = START + timedelta(hours=24)
DAY = date(2026, 3, 3)


class Meanwhile(PlainSteps):
    """Does something just before the stage that publishes."""

    def __init__(self, something):
        self.something = something

    @contextmanager
    def stage(self, number, label="", done=0, total=0):
        if label.startswith("Publish") and self.something:
            something, self.something = self.something, None
            something()
        with super().stage(number, label, done, total) as todo:
            yield todo


def raw(channel):
    return raw_series(channel.pk, START, END)[0]


def test_two_files_of_one_day_both_arrive_whatever_is_published_first():
    channel = make_channel()
    morning = receive(long_csv(channel.code, START, ["1"] * 40), name="morning.csv")
    evening = long_csv(channel.code, START + timedelta(hours=10), ["2"] * 56)
    ingest_file(
        morning.pk,
        Meanwhile(lambda: builders.ingest(evening, name="evening.csv")),
        now=NOW,
        actor=ACTOR,
    )
    assert raw(channel).missing_count == 0
    assert raw(channel).total() == Decimal(40 + 112)
    origin = [
        trace(channel.pk, START + timedelta(minutes=15 * slot)).newest(1) for slot in (39, 40)
    ]
    assert [(v.import_file.name, v.line) for v in origin] == [
        ("morning.csv", 41),
        ("evening.csv", 2),
    ]


def test_the_later_publication_counts_where_both_say_something():
    channel = make_channel()
    first = receive(long_csv(channel.code, START, ["1"] * 96), name="first.csv")
    other = long_csv(channel.code, START, ["2"] * 96)
    ingest_file(first.pk, Meanwhile(lambda: builders.ingest(other)), now=NOW, actor=ACTOR)
    assert raw(channel).total() == Decimal(96)
    versions = ReadingBlock.objects.filter(day=DAY).values_list("version", flat=True)
    assert sorted(versions) == [1, 2, 3]


def test_validation_is_worked_out_again_on_what_arrived():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, ["1"] * 96))
    late = long_csv(channel.code, START, ["1.0005"] * 4)
    validate_days(
        [channel.pk], DAY, DAY, now=NOW, actor=ACTOR, ctx=Meanwhile(lambda: builders.ingest(late))
    )
    assert final_series(channel.pk, START, END)[0].total() == Decimal("96.002")
    withdrawn = Publication.objects.filter(kind="VEE", withdrawn_at__isnull=False)
    assert withdrawn.count() == 1


def test_staff_edit_in_the_scope_of_a_request():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, ["100"] * 96))
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    ann = person("ann")
    with staff_scope():
        edit_readings(
            channel,
            START,
            START + timedelta(minutes=15),
            "SET",
            operand=Decimal(90),
            reason_code="OTHER",
            comment="Seen on the display",
            actor=ann,
            now=NOW,
        )
    assert final_series(channel.pk, START, END)[0].total() == Decimal(9590)


def test_tenant_reads_series_and_trace_of_its_channels_alone():
    mine, other = make_channel("A/KWH"), make_channel("B/KWH")
    for channel in (mine, other):
        builders.ingest(long_csv(channel.code, START, ["1"] * 96))
        validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    with portal_scope(1, [mine.pk]):
        assert final_series(mine.pk, START, END)[0].total() == Decimal(96)
        assert trace(mine.pk, START).newest(1).import_file.name == "file.csv"
        with pytest.raises(NotFoundError, match=f"There is no channel {other.pk}"):
            final_series(other.pk, START, END)
