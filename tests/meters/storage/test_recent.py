"""What was just written is not fetched again, unless it is not exactly what is stored."""

import numpy as np
import pytest

from meters.storage import load, load_recent, loader, write
from meters.storage.recent import Recent
from tests.meters.builders import NOW, make_channel
from tests.meters.storage.test_store import FIRST, assert_same, made, publication

__all__ = ["publication"]


@pytest.fixture
def memory(monkeypatch):
    """Return an empty memory that `load_recent` uses."""
    fresh = Recent(3 * 96 * 4)
    monkeypatch.setattr(loader, "recent", fresh)
    return fresh


@pytest.fixture
def fetched(monkeypatch):
    """Return a list that tells for each read of blocks whether it fetched contents."""
    told = []
    ask = loader._binary

    def asked(query, parameters):
        told.append("array_send" in query)
        return ask(query, parameters)

    monkeypatch.setattr(loader, "_binary", asked)
    return told


@pytest.mark.django_db
def test_content_at_hand_is_not_fetched(publication, memory, fetched):
    channel = make_channel()
    batch = made(channel, publication)
    batch.runs, batch.run_counts = batch.runs[:0], np.zeros(3, np.int64)
    write(batch, NOW)
    memory.keep(batch.part(0, 1))
    memory.keep(batch.part(1, 3))
    batch.values[:, 0] = 0  # what the writer does with its arrays later is of no account
    (got,) = load_recent([channel.pk], FIRST, FIRST + 2)
    (stored,) = load([channel.pk], FIRST, FIRST + 2)
    assert_same(got, stored)
    assert fetched == [False, True]


@pytest.mark.django_db
def test_only_days_that_are_not_at_hand_are_fetched(publication, memory, fetched):
    known, other = make_channel("A/KWH"), make_channel("B/KWH")
    for channel in (known, other):
        batch = made(channel, publication, seed=channel.pk)
        write(batch, NOW)
        memory.keep(batch)
    write(made(other, publication, version=2, seed=99).part(1, 2), NOW)
    (got,) = load_recent([known.pk, other.pk], FIRST, FIRST + 2)
    assert fetched == [False, True]
    (stored,) = load([known.pk, other.pk], FIRST, FIRST + 2)
    assert_same(got, stored)
    assert got.versions.tolist() == [1, 1, 1, 1, 1, 2, 1]


@pytest.mark.django_db
def test_known_and_unknown_channels_come_together(publication, memory, fetched):
    known, other = make_channel("A/KWH"), make_channel("B/KWH")
    for channel in (known, other):
        write(made(channel, publication, seed=channel.pk), NOW)
    memory.keep(made(known, publication, seed=known.pk))
    one, two = load_recent([known.pk, other.pk], FIRST, FIRST + 2)
    assert fetched == [False, True]
    assert_same(one, load([known.pk], FIRST, FIRST + 2)[0])
    assert_same(two, load([other.pk], FIRST, FIRST + 2)[0])


@pytest.mark.django_db
def test_unknown_channel_is_simply_fetched(publication, memory, fetched):
    channel = make_channel()
    write(made(channel, publication), NOW)
    (got,) = load_recent([channel.pk], FIRST, FIRST + 2)
    assert len(got) == 3
    assert fetched == [True]
    assert load_recent([], FIRST, FIRST + 2) == []


@pytest.mark.django_db
def test_oldest_content_is_forgotten_first(publication, memory):
    batches = [made(make_channel(f"C{n}/KWH"), publication, seed=n) for n in range(5)]
    for batch in batches:
        memory.keep(batch)
    ids = [int(batch.channel_ids[0]) for batch in batches]
    assert memory.known(ids) == ids[1:]
    blank = batches[0].part(0, 3)
    assert not memory.fill(blank).any()
    memory.keep(made(make_channel("BIG/KWH"), publication, days=13))
    assert memory.known(ids) == ids[1:]
