"""What is stored: once, unchangeable, and traced to file, line, rules and method."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from meters.models import ReadingBlock, VeeRun
from meters.queries import final_series, trace
from meters.services import validate_days
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Method, Status
from tests.meters import builders
from tests.meters.builders import ACTOR, make_campus, make_channel
from tests.meters.properties.places import CHANGES, ZONES, absolute_rows, text
from tests.meters.services.campus import quiet

pytestmark = pytest.mark.django_db
LATER = datetime(2028, 2, 1, tzinfo=UTC)  # when every day of the laws is past
STORED = settings(
    max_examples=4,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes a while to store
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def delivered(draw):
    """Return a zone, a day, and the readings of the day at quarter-hours; None is a hole."""
    zone = draw(st.sampled_from(ZONES))
    changing = CHANGES[zone, 23] + CHANGES[zone, 25]
    day = draw(st.sampled_from([*changing, date(2025, 6, 18)]))
    count = Period.day(zone, day).grid(15).count
    chance = random.Random(draw(st.integers(0, 2**32)))
    values = [f"{Decimal(chance.randrange(10**9)).scaleb(-4):f}" for _ in range(count)]
    first = draw(st.integers(1, count - 6))
    for n in range(first, first + draw(st.integers(1, 4))):
        values[n] = None
    return zone, day, values


def taken(number, zone, day, values):
    """Deliver and judge a day on a channel of its own; return the channel and its grid."""
    campus = make_campus(f"Z{ZONES.index(zone)}", zone)
    channel = make_channel("GEN-01/DEL_KWH", campus=campus)
    grid = Period.day(zone, day).grid(15)
    rows = absolute_rows(grid, values, zone)
    receipt = builders.ingest(text([r for r in rows if ",None," not in r]), now=LATER, name=number)
    assert receipt["error_count"] == 0, receipt
    validate_days([channel.pk], day, day, now=LATER, actor=ACTOR)
    return channel, grid


@pytest.fixture(autouse=True)
def _ruler():
    quiet()


@STORED
@given(delivered())
def test_the_same_readings_sent_again_make_no_version(given_day):
    zone, day, values = given_day
    with transaction.atomic():
        channel, grid = taken("first.csv", zone, day, values)
        before = list(ReadingBlock.objects.values_list("pk", flat=True).order_by("pk"))
        rows = [r for r in absolute_rows(grid, values, zone) if ",None," not in r]
        for name, again in (("reversed.csv", rows[::-1]), ("half.csv", rows[: len(rows) // 2])):
            receipt = builders.ingest(text(again), now=LATER, name=name)
            assert receipt["stored"]["same"] == len(again), receipt["stored"]
        summary = validate_days([channel.pk], day, day, now=LATER, actor=ACTOR)
        assert summary.blocks == 0
        assert list(ReadingBlock.objects.values_list("pk", flat=True).order_by("pk")) == before
        transaction.set_rollback(True)


@STORED
@given(delivered())
def test_every_current_reading_is_traced_to_its_line_or_to_rules_and_method(given_day):
    zone, day, values = given_day
    with transaction.atomic():
        channel, grid = taken("traced.csv", zone, day, values)
        kept = [n for n in range(grid.count) if values[n] is not None]
        runs = VeeRun.objects.filter(channel=channel)
        for n in sorted({*range(0, grid.count, 13), *set(range(grid.count)).difference(kept)}):
            found = trace(channel.pk, grid.start_of(n))
            final = found.newest(2)
            assert (
                runs.filter(publication_id=final.publication.pk).exclude(rules_digest="").exists()
            )
            if values[n] is None:
                assert (final.status, found.newest(1).quantity) == (Status.ESTIMATED, None)
                assert final.method not in (Method.NONE, Method.CALCULATED)
                (finding,) = [f for f in found.findings if f.rule_code == "V01"]
                assert finding.estimate_method == final.method.name
                assert finding.worksheet[0]["values"]
                continue
            raw = found.newest(1)
            assert (final.raw_version, final.quantity) == (raw.version, raw.quantity)
            assert (raw.quantity, raw.line) == (Decimal(values[n]), kept.index(n) + 2)
            assert raw.import_file.name == "traced.csv"
        transaction.set_rollback(True)


@STORED
@given(delivered())
def test_a_local_day_sums_to_its_file_plus_its_estimates_in_every_zone(given_day):
    zone, day, values = given_day
    with transaction.atomic():
        channel, grid = taken("summed.csv", zone, day, values)
        series = final_series(channel.pk, grid.start_utc, grid.end_utc)[0]
        assert series.grid.count == len(values) == Period.day(zone, day).hours * 4
        measured = sum(Decimal(v) for v in values if v is not None)
        made = series.values[[v is None for v in values]]
        assert not (made == MISSING).any()
        assert series.total() == measured + Decimal(sum(made.tolist())).scaleb(-6)
        assert series.to_minutes(60).total() == series.total()
        transaction.set_rollback(True)


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE meters_readingblock SET values = values WHERE layer = {}",
        "DELETE FROM meters_readingblock WHERE layer = {}",
    ],
)
def test_no_reading_is_changed_or_deleted_received_or_final(statement, layer):
    taken("kept.csv", "America/Denver", date(2025, 6, 18), ["1"] * 96)
    before = ReadingBlock.objects.filter(layer=layer).count()
    assert before
    with (
        pytest.raises((IntegrityError, ProgrammingError), match=r"refused|permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(layer))
    assert ReadingBlock.objects.filter(layer=layer).count() == before
