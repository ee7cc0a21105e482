"""Blocks sent in parts: one COPY until something else is asked, nothing left after a fault."""

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from meters.storage import Outflow, load, write
from tests.meters.builders import NOW, make_channel
from tests.meters.storage.test_store import FIRST, assert_same, made, publication

__all__ = ["publication"]
pytestmark = pytest.mark.django_db


def test_parts_go_through_one_copy(publication, monkeypatch):
    monkeypatch.setattr("meters.storage.writer.PART_BLOCKS", 2)
    channel = make_channel()
    batch = made(channel, publication, days=7)
    batch.runs, batch.run_counts = batch.runs[:8], np.array([2, 0, 2, 2, 0, 2, 0])
    with (
        CaptureQueriesContext(
            connection,
        ) as asked,
        Outflow(NOW) as out,
    ):
        assert out.send(batch.part(0, 3)) == 3
        assert out.send(batch.part(3, 3)) == 0
        assert out.send(batch.part(3, 9)) == 4
    assert [q["sql"].startswith("COPY") for q in asked.captured_queries].count(True) == 1
    (got,) = load([channel.pk], FIRST, FIRST + 6, sources=True)
    assert_same(got, batch)


def test_after_finish_anything_may_be_asked_and_sending_goes_on(publication):
    channel = make_channel()
    batch = made(channel, publication, days=4)
    with Outflow(NOW) as out:
        out.send(batch.part(0, 2))
        out.finish()
        (seen,) = load([channel.pk], FIRST, FIRST + 3)
        assert len(seen) == 2
        out.send(batch.part(2, 4))
    (seen,) = load([channel.pk], FIRST, FIRST + 3, sources=True)
    assert_same(seen, batch)


def test_fault_between_two_sends_leaves_nothing(publication):
    channel = make_channel()

    def broken(batch):
        with transaction.atomic(), Outflow(NOW) as out:
            out.send(batch)
            raise ValueError("the next day is broken")

    with pytest.raises(ValueError, match="the next day is broken"):
        broken(made(channel, publication))
    assert load([channel.pk], FIRST, FIRST + 3) == []


def test_refusal_of_the_server_comes_as_a_database_error(publication):
    channel = make_channel()
    batch = made(channel, publication)
    batch.versions[1] = 0
    with pytest.raises(IntegrityError, match="block_version_positive"), transaction.atomic():
        write(batch, NOW)
    assert load([channel.pk], FIRST, FIRST + 3) == []
