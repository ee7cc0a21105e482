"""What is written comes back, by whatever way, and only what is published is seen."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from psycopg import sql

from meters.models import Publication
from meters.storage import Batch, epoch_day, load, load_published, write
from meters.storage.batch import run_lengths
from tests.meters.builders import NOW, make_channel

pytestmark = pytest.mark.django_db
FIRST = epoch_day(date(2026, 3, 1))


@pytest.fixture
def publication():
    return Publication.objects.create(kind="VEE", actor="t", created_at=NOW, published_at=NOW)


def made(channel, publication, *, days=3, minutes=15, layer=1, version=1, seed=1):
    """Return random blocks of a channel with two source runs each."""
    batch = Batch.empty(minutes, days)
    random = np.random.default_rng(seed)
    batch.channel_ids[:] = channel.pk
    batch.days = np.arange(FIRST, FIRST + days)
    batch.layers[:], batch.versions[:] = layer, version
    batch.publication_ids[:] = publication.pk
    batch.values = random.integers(-(10**12), 10**12, batch.values.shape)
    batch.status[:] = 10
    batch.method = random.integers(0, 20, batch.method.shape).astype(np.uint8)
    files = np.where(np.arange(batch.values.shape[1]) < 10, 3, 4) + np.zeros_like(batch.values)
    lines = np.arange(batch.values.shape[1]) + np.zeros_like(batch.values)
    batch.runs, batch.run_counts = run_lengths(files, lines, np.ones(files.shape, bool))
    batch.compute_digests()
    return batch


def assert_same(got, expected):
    for name in ("channel_ids", "days", "layers", "versions", "publication_ids", "values",
                 "status", "method", "digests", "runs", "run_counts"):  # fmt: skip
        assert (getattr(got, name) == getattr(expected, name)).all(), name


@pytest.mark.parametrize("minutes", [1, 5, 10, 15, 30, 60])
def test_round_trip(publication, minutes):
    channel = make_channel(minutes=minutes)
    batch = made(channel, publication, minutes=minutes)
    assert write(batch, NOW) == 3
    (got,) = load([channel.pk], FIRST, FIRST + 2, sources=True)
    assert_same(got, batch)


def test_round_trip_of_blocks_with_and_without_sources(publication):
    channel = make_channel()
    batch = made(channel, publication)
    batch.runs, batch.run_counts = batch.runs[:2], np.array([0, 2, 0])
    write(batch, NOW)
    (got,) = load([channel.pk], FIRST, FIRST + 2, sources=True)
    assert_same(got, batch)
    (plain,) = load([channel.pk], FIRST, FIRST + 2)
    assert (plain.values == batch.values).all()
    assert plain.run_counts.tolist() == [0, 0, 0]


def test_role_under_row_level_security_inserts_instead_of_copying(publication):
    channel = make_channel()
    batch = made(channel, publication)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE poweroptix_app")
        write(batch, NOW)
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
    (got,) = load([channel.pk], FIRST, FIRST + 2, sources=True)
    assert_same(got, batch)


def test_only_published_versions_are_seen(publication):
    channel = make_channel()
    hidden = Publication.objects.create(kind="VEE", actor="t", created_at=NOW)
    first = made(channel, publication)
    write(first, NOW)
    write(made(channel, hidden, version=2, seed=2), NOW)
    (seen,) = load_published([channel.pk], FIRST, FIRST + 2)
    assert (seen.values == first.values).all()
    Publication.objects.filter(pk=hidden.pk).update(published_at=NOW)
    (seen,) = load_published([channel.pk], FIRST, FIRST + 2)
    assert seen.versions.tolist() == [2, 2, 2]


def test_same_key_twice_is_refused(publication):
    channel = make_channel()
    write(made(channel, publication), NOW)
    with pytest.raises(IntegrityError, match="duplicate key"), transaction.atomic():
        write(made(channel, publication), NOW)


@pytest.mark.parametrize(
    ("column", "constraint"),
    [("status", "block_status_length"), ("method", "block_method_length")],
)
def test_short_columns_are_refused(publication, column, constraint):
    channel = make_channel()
    row = dict.fromkeys(("status", "method"), b"\x0a" * 96) | {column: b"\x0a" * 95}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        insert(channel, publication, [1] * 96, **row)


def test_wrong_number_of_values_is_refused(publication):
    with pytest.raises(IntegrityError, match="block_values_length"), transaction.atomic():
        insert(make_channel(), publication, [1] * 95, b"\x0a" * 96, b"\x0a" * 96)


def insert(channel, publication, values, status, method):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO meters_readingblock (channel_id, day, version, publication_id, "
            'recorded_at, layer, minutes, "values", status, method, sources, digest) VALUES '
            "(%s, '2026-03-01', 1, %s, now(), 1, 15, %s, %s, %s, '{}', %s)",
            [channel.pk, publication.pk, values, status, method, b"\0" * 32],
        )


def tenant_sees(channels, query):
    """Return the rows a tenant's session sees with these channels in its scope."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE poweroptix_portal")
        listed = ",".join(str(channel.pk) for channel in channels)
        cursor.execute(
            sql.SQL("SET LOCAL app.channels = {}").format(sql.Literal(listed)).as_string()
        )
        cursor.execute(query)
        rows = cursor.fetchall()
        cursor.execute("RESET ROLE")
        return rows


def test_tenant_sees_only_blocks_of_its_channels(publication):
    mine, theirs = make_channel("A/KWH"), make_channel("B/KWH")
    for channel in (mine, theirs):
        write(made(channel, publication), NOW)
    query = "SELECT DISTINCT channel_id FROM meters_readingblock"
    assert tenant_sees([mine], query) == [(mine.pk,)]
    assert tenant_sees([], query) == []
    assert tenant_sees([mine], "SELECT code FROM meters_channel") == [("A/KWH",)]


def test_tenant_scope_reads_through_the_loader(publication):
    mine, theirs = make_channel("A/KWH"), make_channel("B/KWH")
    for channel in (mine, theirs):
        write(made(channel, publication), NOW)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE poweroptix_portal")
        cursor.execute(f"SET LOCAL app.channels = '{mine.pk}'")
        batches = load_published([mine.pk, theirs.pk], FIRST, FIRST + 2)
        cursor.execute("RESET ROLE")
    assert {int(i) for batch in batches for i in batch.channel_ids} == {mine.pk}


@pytest.mark.parametrize("table", ["meters_quarantinedrecord", "meters_rulesetting", "pox_reading"])
def test_tenant_has_no_way_to_other_tables(table):
    with pytest.raises(DatabaseError, match="permission denied"):
        tenant_sees([], f"SELECT * FROM {table}")  # noqa: S608


def test_reading_view_unnests_the_newest_published_final_blocks(publication):
    channel = make_channel(minutes=60)
    old = made(channel, publication, layer=2, minutes=60, days=1)
    new = made(channel, publication, layer=2, minutes=60, days=1, version=2, seed=5)
    new.values[0, 3], new.status[0, 3] = -(2**63), 100
    new.compute_digests()
    for batch in (old, new):
        batch.runs, batch.run_counts = batch.runs[:0], np.zeros(1, np.int64)
        write(batch, NOW)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT start_utc, (quantity * 1000000)::bigint, status FROM pox_reading "
            "WHERE channel_id = %s ORDER BY start_utc",
            [channel.pk],
        )
        rows = cursor.fetchall()
    assert [row[0] for row in rows] == [
        datetime(2026, 3, 1, hour, tzinfo=UTC) for hour in range(24)
    ]
    assert rows[3][1:] == (None, 100)
    assert [row[1] for row in rows[:3]] == new.values[0, :3].tolist()


def test_a_reading_takes_at_most_fifteen_bytes_a_layer(publication):
    channel = make_channel()
    before = stored_bytes()
    write(made(channel, publication, days=2000), NOW)
    assert (stored_bytes() - before) / (2000 * 96) <= 15


def stored_bytes():
    """Return the pages that hold rows, with indexes and toast.

    The server extends a table by many pages ahead of a COPY; the empty ones say nothing of a row.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('block_size')::bigint"
            "     * (SELECT count(DISTINCT (ctid::text::point)[0]) FROM meters_readingblock)"
            "     + pg_indexes_size(c.oid) + pg_relation_size(c.reltoastrelid)"
            " FROM pg_class c WHERE c.oid = 'meters_readingblock'::regclass"
        )
        return int(cursor.fetchone()[0])
