"""Registers on a page: as read, and as they would stand where nobody read them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meters.queries.registers import registers_shown
from tests.meters.builders import install, make_channel
from tests.meters.services.campus import judge, local, quiet, read, store

pytestmark = pytest.mark.django_db
START, END = local("2025-06-01"), local("2025-07-01")
MIDDLE = local("2025-06-11")


@pytest.fixture(autouse=True)
def _ruler():
    quiet()


def a_month(channel, hole=None, value="0.5"):
    """Store and judge the last twenty days of June, hourly."""
    values = [value] * (20 * 24)
    if hole is not None:
        values[hole] = None
    store(channel, MIDDLE, values)
    judge(channel, first="2025-06-11", last="2025-06-30")


def shown(channel):
    return [(r.at_utc, r.text, r.is_estimated) for r in registers_shown(channel, START, END)]


def test_the_end_of_the_month_is_the_last_read_and_the_readings_since():
    channel = make_channel("M/KWH", kind="HOUSE", minutes=60)
    a_month(channel)
    read(channel, (MIDDLE, "000100.0", "SCHEDULED"))
    assert shown(channel) == [(MIDDLE, "000100.0", False), (END, "000340.0", True)]
    (first, last) = registers_shown(channel, START, END)
    assert (first.read_type, first.line) == ("Scheduled", 2)
    assert last.worksheet["energy"] == "240"
    assert last.worksheet["read_at"] == "2025-06-11T05:00:00Z"


def test_dials_go_round_and_transformers_count():
    channel = make_channel("M/KWH", kind="HOUSE", minutes=60, installed_from=None)
    install(channel, local("2025-01-01"), None, Decimal(4))
    a_month(channel)  # as received; four times that at the primary side
    read(channel, (MIDDLE, "999900.0", "SCHEDULED"))
    (_, last) = registers_shown(channel, START, END)
    assert (last.text, last.note) == ("000140.0", "over zero")


def test_a_gap_of_a_store_leaves_the_register_untold_and_says_why():
    channel = make_channel("M/KWH", kind="HOUSE", minutes=60)
    store(channel, MIDDLE, ["0.5"] * 24)
    judge(channel, first="2025-06-11")
    read(channel, (MIDDLE, "000100.0", "SCHEDULED"))
    (_, last) = registers_shown(channel, START, END)
    assert (last.text, last.is_estimated) == ("", True)
    assert last.note == "456 intervals since the last read have no value"


def test_after_the_removal_there_is_no_register():
    channel = make_channel("M/KWH", kind="HOUSE", minutes=60)
    read(channel, (MIDDLE - timedelta(days=1), "000100.0", "SCHEDULED"),
         (MIDDLE, "000200.0", "REMOVE"))  # fmt: skip
    assert registers_shown(channel, START, END)[-1].note == "the meter was removed"


def test_a_channel_without_reads_costs_one_query_and_shows_nothing():
    channel = make_channel("M/KWH", kind="HOUSE", minutes=60)
    with CaptureQueriesContext(connection) as seen:
        assert registers_shown(channel, START, END) == []
    assert len(seen) == 1
