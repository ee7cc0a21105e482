"""The completeness board: figures per channel and day, readiness per contract, few questions."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meters.models import Finding
from meters.queries import quality_board
from meters.services import validate_days
from poweroptix.kernel.period import Period
from tests.meters.builders import ACTOR, ingest, long_csv, make_campus, make_channel

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
MARCH = Period.month("America/Chicago", "2026-03")
OVER = datetime(2026, 4, 2, tzinfo=UTC)
READ = datetime(2026, 3, 3, 9, tzinfo=UTC)
PAGE = "/office/completeness/?campus=CAP&month=2026-03"


def measured(code="TEN-ALFA/DEL_KWH"):
    """Two days of 10 kWh; on the second, two quarters of an hour are missing and estimated."""
    channel = make_channel(code)
    rows = long_csv(code, START, ["10"] * 192).splitlines(keepends=True)
    del rows[1 + 96 + 40 : 1 + 96 + 42]
    ingest("".join(rows), name=f"{channel.pk}.csv", now=READ)
    validate_days([channel.pk], START.date(), (START + timedelta(days=1)).date(),
                  now=READ + timedelta(hours=1), actor=ACTOR)  # fmt: skip
    return channel


@pytest.fixture
def ann(client):
    client.force_login(get_user_model().objects.create_user("ann", role="analyst"))
    return client


def text(answer):
    return " ".join(answer.content.decode().split())


def test_a_month_in_figures():
    channel = measured()
    [row] = quality_board([channel], MARCH, now=OVER)
    first, second, third = row.days[:3]
    assert (first.letter, first.counts) == ("A", (96, 0, 0, 0, 0, 0))
    assert (second.letter, second.counts) == ("E", (94, 0, 2, 0, 0, 0))
    assert (third.letter, third.counts, third.minutes_to_final) == ("X", (0, 0, 0, 0, 0, 96), None)
    assert len(row.days) == 31
    assert row.days[7].expected == 92
    assert (row.total, row.estimated) == (Decimal(1920), Decimal(20))
    assert row.estimated_ratio * 96 == pytest.approx(1)
    assert row.open_count == 29


def test_what_is_not_due_is_not_missing():
    channel = measured()
    noon = datetime(2026, 3, 3, 18, tzinfo=UTC)
    [row] = quality_board([channel], MARCH, now=noon)
    assert (row.days[2].letter, row.days[2].expected) == ("X", 48)
    assert (row.days[3].letter, row.days[3].in_words()) == ("", "not due yet")
    assert row.open_count == 1
    [before] = quality_board([channel], MARCH, now=START - timedelta(days=3))
    assert (before.open_count, before.total) == (0, 0)


def test_time_to_final_counts_from_the_end_of_the_day_to_the_reading_that_counts():
    channel = measured()
    [row] = quality_board([channel], MARCH, now=OVER)
    # The days ended at 06:00 UTC on 2 and 3 March; the rules judged them at 10:00 on 3 March.
    assert [day.minutes_to_final for day in row.days[:2]] == [28 * 60, 4 * 60]
    assert (row.hours_to_final, row.hours_to_final_max) == (4, 28)
    # Judged again without a change: nothing is younger for it. Then one value is corrected.
    validate_days([channel.pk], START.date(), START.date(), now=READ + timedelta(hours=5),
                  actor=ACTOR)  # fmt: skip
    assert quality_board([channel], MARCH, now=OVER)[0].hours_to_final_max == 28
    correct = ["12" if at == 20 else "10" for at in range(24)]
    ingest(long_csv(channel.code, START, correct), name="again.csv", now=READ + timedelta(hours=8))
    validate_days([channel.pk], START.date(), START.date(), now=READ + timedelta(hours=9),
                  actor=ACTOR)  # fmt: skip
    assert quality_board([channel], MARCH, now=OVER)[0].days[0].minutes_to_final == 36 * 60


def test_the_page_shows_cells_readiness_and_shares(ann):
    channel = measured()
    said = text(ann.get(PAGE))
    assert "29 of 31 channel-days cannot be billed as they stand" in said
    words = "TEN-ALFA/DEL_KWH Mon 2026-03-02: 94 measured, 2 estimated"
    assert f'title="{words}"' in said
    assert f'aria-label="{words}"' in said
    assert '<td class="h-e w1"><a href="/office/channels/TEN-ALFA/DEL_KWH/?month=2026-03' in said
    assert "20.000 kWh" in said
    assert "1.04 %" in said
    assert "No contract is active in this month." in said
    found = Finding.objects.create(
        channel=channel, rule_code="V13", severity="HOLD", message="Spike", created_at=READ,
        start_utc=START + timedelta(hours=12), end_utc=START + timedelta(hours=13),
    )  # fmt: skip
    said = text(ann.get(PAGE))
    assert f'href="/office/findings/{found.pk}/"' in said
    assert "2026-03-01: 96 measured; 1 open exception" in said


def test_every_channel_day_leaves_as_a_file(ann):
    measured()
    answer = ann.get(f"{PAGE}&export=csv")
    head, *rows = csv.reader(io.StringIO(answer.content.decode()))
    assert head[:4] == ["Channel", "Day", "Worst", "Measured"]
    assert len(rows) == 31
    assert rows[1][:6] == ["TEN-ALFA/DEL_KWH", "2026-03-02", "E", "94", "0", "2"]
    refused = ann.get(f"{PAGE}&export=exe")
    assert refused.status_code == 400
    assert "leaves as csv or xlsx" in text(refused)


def test_contracts_say_what_is_in_the_way(world, client):
    client.force_login(world.people["analyst"])
    said = text(client.get("/office/completeness/?campus=MESA&month=2026-03"))
    assert "PPA-ALFA" in said
    assert "h-a w0" in said
    said = text(client.get("/office/completeness/?campus=MESA&month=2026-02"))
    assert "not allocated yet" in said or "No contract is active" in said


def test_more_channels_ask_no_more(ann):
    measured()

    def asked():
        with CaptureQueriesContext(connection) as captured:
            assert ann.get(PAGE).status_code == 200
        return len(captured)

    ann.get(PAGE)
    before = asked()
    for name in ("BRAVO", "CHARLIE", "DELTA"):
        measured(f"TEN-{name}/DEL_KWH")
    assert asked() == before


def test_nothing_yet_and_what_is_not_there(ann):
    make_campus()
    assert "no active channel" in text(ann.get(PAGE))
    assert ann.get("/office/completeness/?campus=NONE").status_code == 404
    assert ann.get("/office/completeness/?campus=CAP&month=soon").status_code == 400
