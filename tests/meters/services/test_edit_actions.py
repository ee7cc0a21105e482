"""The table of actions: worked figures, laws, and what each refuses."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.models import EditAction
from meters.queries import compare, final_series, versions
from meters.services import edit_readings, preview_edit, validate_days
from meters.services.editing.actions import (
    ACTIONS,
    add,
    copy_day,
    restore,
    scale,
    scale_to,
    set_to,
)
from meters.services.editing.order import EditOrder
from meters.services.judging.judge import Readings
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel, person
from tests.meters.services.test_editing import DAY, NOON, START, WHY

values = st.lists(st.integers(0, 10**12), min_size=1, max_size=20)


def readings(*micro):
    count = len(micro)
    return Readings(
        np.array(micro, np.int64), np.full(count, 10, np.uint8), np.zeros(count, np.uint8)
    )


def test_every_action_but_accept_is_in_the_table():
    assert set(ACTIONS) == set(EditAction.values) - {"ACCEPT"}
    assert all(action.label for action in ACTIONS.values())


@given(values, st.integers(-(10**9), 10**9))
def test_adding_and_taking_away_is_nothing(old, step):
    number = Decimal(step) / 1000
    there = add(readings(*old), number)
    back = add(there, -number)
    assert back.values.tolist() == old
    assert set(there.status.tolist()) == {int(Status.EDITED)}


@given(values)
def test_products_are_whole_thousandths_and_one_changes_at_most_the_fourth_decimal(old):
    same = scale(readings(*old), Decimal(1)).values
    assert all(value % 1000 == 0 for value in same.tolist())
    assert all(abs(a - b) <= 500 for a, b in zip(same.tolist(), old, strict=True))


def test_worked_figures():
    assert scale(readings(12_345_500), Decimal("0.5")).values.tolist() == [6_173_000]
    assert scale(readings(1_000), Decimal("0.5")).values.tolist() == [0]  # 0.0005 to even
    assert set_to(readings(1, 2), Decimal("0.001")).values.tolist() == [1000, 1000]
    with pytest.raises(Refused, match="ADD needs a value in every interval"):
        add(readings(1, MISSING), Decimal(1))
    with pytest.raises(Refused, match="out of range for a 64-bit"):
        scale(readings(10**18), Decimal(100))
    with pytest.raises(Refused, match="does not fit a reading"):
        add(readings(9 * 10**18), Decimal(9 * 10**12))
    with pytest.raises(Refused, match="1 of 2 intervals have no value on the other day"):
        copy_day(readings(1, 2), readings(5, MISSING))
    back = restore(readings(1, 2), readings(5, MISSING))
    assert back.values.tolist() == [5, MISSING]
    assert back.status.tolist() == [Status.EDITED, Status.MISSING]
    assert back.method.tolist() == [Method.MANUAL, Method.MANUAL]


def test_scaling_to_a_total_keeps_it_to_the_last_digit():
    thirds = scale_to(readings(1_000_000, 1_000_000, 1_000_000), Decimal(100))
    assert thirds.values.tolist() == [33_333_000, 33_334_000, 33_333_000]
    assert set(thirds.status.tolist()) == {int(Status.EDITED)}
    fine = scale_to(readings(100_000_000, 300_000_000, 600_000_000), Decimal("990.0001"))
    assert sum(fine.values.tolist()) == 990_000_100
    assert scale_to(readings(0, 0), Decimal(3)).values.tolist() == [1_500_000] * 2
    with pytest.raises(Refused, match="TOTAL needs a value in every interval; some are missing"):
        scale_to(readings(1, MISSING), Decimal(1))
    for old, total in ((readings(1), Decimal(-1)), (readings(-1, 2), Decimal(1))):
        with pytest.raises(Refused, match="Only energies of one direction are scaled to a total"):
            scale_to(old, total)


@given(values, st.integers(0, 10**13))
def test_a_total_is_met_exactly(old, total):
    number = Decimal(total).scaleb(-6)
    assert sum(scale_to(readings(*old), number).values.tolist()) == total


@pytest.fixture
def channel(db):
    made = make_channel()
    builders.ingest(long_csv(made.code, START, ["100"] * 96 + [str(n) for n in range(96)]))
    validate_days([made.pk], DAY, DAY + timedelta(days=1), now=NOW, actor=ACTOR)
    return made


def order(channel, action, *, operand=None, source="", start=NOON, minutes=60):
    return EditOrder(channel, start, start + timedelta(minutes=minutes), action, operand, source)


def store(asked, **more):
    return edit_readings(
        asked.channel, asked.start, asked.end, asked.action, operand=asked.operand,
        source=asked.source, actor=person("ann"), approver=person("bob"), **WHY | more,
    )  # fmt: skip


def final(channel, start=NOON, hours=1):
    return [float(v) for v in final_series(channel.pk, start, start + timedelta(hours=hours))[0]
            .decimals()]  # fmt: skip


def test_copy_takes_the_same_time_of_another_day(channel):
    made = store(order(channel, "COPY_DAY", source="2026-03-04"))
    assert final(channel) == [48, 49, 50, 51]
    assert (made.source, made.after_total) == ("2026-03-04", Decimal(198))


def test_a_total_of_an_hour_is_stored_and_told(channel):
    made = store(order(channel, "TOTAL", operand=Decimal(390)))
    assert final(channel) == [97.5] * 4
    assert (made.before_total, made.after_total) == (Decimal(400), Decimal(390))


@pytest.mark.parametrize(
    ("action", "source", "message"),
    [
        ("COPY_DAY", "", "COPY_DAY needs a day"),
        ("COPY_DAY", "soon", "'soon' is not a day such as"),
        ("COPY_DAY", "2026-02-01", "4 of 4 intervals have no value on the other day"),
        ("COPY_CHANNEL", "TEN-BRAVO/X", "does not measure the same as .*; offered: none"),
        ("RESTORE", "last", "'last' is not the number of a publication"),
        ("RESTORE", "0", "No version 0 of these days was published"),
        ("MARK_MISSING", "2026-03-04", "MARK_MISSING copies nothing"),
    ],
)
def test_what_cannot_be_copied(channel, action, source, message):
    with pytest.raises(Exception, match=message):
        store(order(channel, action, source=source))
    assert final(channel) == [100] * 4


@pytest.mark.django_db
def test_copy_of_the_hour_that_spring_skips_is_refused():
    channel = make_channel()
    first = datetime(2026, 3, 7, 6, tzinfo=UTC)  # Saturday; the clock is put forward on Sunday
    builders.ingest(long_csv(channel.code, first, ["100"] * (96 + 92)))
    validate_days([channel.pk], first.date(), first.date() + timedelta(days=1), now=NOW,
                  actor=ACTOR)  # fmt: skip
    two = datetime(2026, 3, 7, 8, tzinfo=UTC)
    with pytest.raises(Refused, match=r"2026-03-08 has no 02:00 \(the clock was put forward\)"):
        store(order(channel, "COPY_DAY", source="2026-03-08", start=two))


def test_copy_from_the_check_channel_of_the_same_point(channel):
    check = type(channel).objects.create(
        delivery_point=channel.delivery_point, code="TEN-ALFA/CHK_KWH", minutes=15, role="CHECK"
    )
    builders.install(check, builders.LONG_AGO, None)
    builders.ingest(long_csv(check.code, START, ["99.5"] * 96), name="check.csv")
    validate_days([check.pk], DAY, DAY, now=NOW, actor=ACTOR)
    store(order(channel, "COPY_CHANNEL", source=check.code))
    assert final(channel) == [99.5] * 4


def test_restore_brings_back_what_was_and_the_versions_can_be_compared(channel):
    end = NOON + timedelta(hours=1)
    (before,) = versions(channel, NOON, end)
    store(order(channel, "SET", operand=Decimal("1.5")))
    assert final(channel) == [1.5] * 4
    edited = versions(channel, NOON, end)[0]
    seen = compare(channel, NOON, end, before.publication.pk, edited.publication.pk)
    assert (len(seen.changes), seen.difference) == (4, Decimal(-394))
    assert (seen.changes[0].old, seen.changes[0].new) == (Decimal(100), Decimal("1.5"))
    assert (seen.changes[0].old_letter, seen.changes[0].new_letter) == ("A", "M")
    assert edited.files == ()
    ((file, first, last),) = edited.edited[0].files
    assert (file.name, first, last) == ("file.csv", 50, 53)
    store(order(channel, "RESTORE", source=str(before.publication.pk)))
    assert final(channel) == [100] * 4


def test_preview_stores_nothing_and_a_revert_shows_what_the_rules_make(channel):
    store(order(channel, "SET", operand=Decimal(1)))
    known = [v.publication.pk for v in versions(channel, NOON, NOON + timedelta(hours=1))]
    seen = preview_edit(order(channel, "REVERT"), actor=person("ann"), now=NOW)
    row = seen.rows[0]
    assert (row.before, row.after, row.peak_before, row.peak_after) == (4, 400, 4, 400)
    assert [r.label for r in seen.rows] == ["", "2026-03-03", "2026-03"]
    assert not seen.over_limit
    assert final(channel) == [1] * 4
    after = [v.publication.pk for v in versions(channel, NOON, NOON + timedelta(hours=1))]
    assert after == known
