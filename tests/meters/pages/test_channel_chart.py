"""The profile of a channel: thinned to the screen, exact when looked at closer, bounds checked."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from meters.services import validate_days
from tests.meters.builders import ACTOR, NOW, ingest, long_csv, make_channel

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
DAYS, PEAK, GAP = 20, 2_000, 4_000


@pytest.fixture
def channel():
    """Twenty days of 5-minute readings with one peak and one gap."""
    made = make_channel(minutes=5)
    values = [Decimal(10)] * (DAYS * 288)
    values[PEAK] = Decimal("99.5")
    rows = long_csv(made.code, START, values, minutes=5).splitlines(keepends=True)
    del rows[1 + GAP]
    ingest("".join(rows))
    last = START + timedelta(days=DAYS - 1)
    validate_days([made.pk], START.date(), last.date(), now=NOW, actor=ACTOR)
    return made


@pytest.fixture
def ann(client):
    client.force_login(get_user_model().objects.create_user("ann", role="analyst"))
    return client


def asked(ann, channel, **more):
    end = START + timedelta(days=DAYS)
    said = {"from": START.isoformat(), "to": end.isoformat()} | more
    return ann.get(reverse("office-channel-series", args=[channel.code]), said)


def test_a_long_range_comes_as_lowest_and_highest(ann, channel):
    sent = asked(ann, channel, width="100").json()
    final, raw = (one["v"] for one in sent["series"])
    assert (sent["n"], sent["step"]) == (58, 58 * 300 // 2)
    assert len(final) == 200 == sum(count for _letter, count in sent["q"])
    assert max(final) == 99.5 * 12
    assert final[2 * (PEAK // 58) : 2 * (PEAK // 58) + 2] == [120, 1194]
    assert len(raw) == len(final)


def test_a_bucket_with_a_gap_says_so(ann, channel):
    sent = asked(ann, channel, width="100").json()
    letters = [letter for letter, count in sent["q"] for _ in range(count)]
    assert letters[2 * (GAP // 58)] == letters[2 * (GAP // 58) + 1] == "E"
    assert letters.count("E") == 2


def test_closer_is_exact(ann, channel):
    begin = START + timedelta(minutes=5 * PEAK)
    said = {"from": begin.isoformat(), "to": (begin + timedelta(hours=1)).isoformat()}
    sent = asked(ann, channel, width="100", **said).json()
    assert (sent["n"], sent["step"]) == (1, 300)
    assert sent["series"][0]["v"] == [1194] + [120] * 11


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"width": "0"}, "A chart is 50 to 2000 pixels wide, not 0"),
        ({"width": "2001"}, "A chart is 50 to 2000 pixels wide, not 2001"),
        ({"width": "wide"}, "&#x27;wide&#x27; is not a width in pixels"),
        ({"width": "-9"}, "is not a width in pixels"),
        ({"from": "yesterday"}, "is not an instant with offset"),
        ({"to": START.isoformat()}, "The end of the range is not after its start"),
        ({"to": "2028-01-01T00:00:00Z"}, "at most 400 days"),
    ],
)
def test_what_a_chart_may_not_ask(ann, channel, said, message):
    answer = asked(ann, channel, **said)
    assert answer.status_code == 400
    assert message in answer.content.decode()


def test_the_page_offers_twelve_months(ann, channel, django_assert_max_num_queries):
    page = reverse("office-channel", args=[channel.code])
    with django_assert_max_num_queries(24):
        month = ann.get(page, {"month": "2026-03"}).content.decode()
    assert "from=2026-03-01T06:00:00Z&amp;to=2026-04-01T05:00:00Z" in month
    year = ann.get(page, {"month": "2026-03", "span": "year"}).content.decode()
    assert "from=2025-04-01T05:00:00Z&amp;to=2026-04-01T05:00:00Z" in year
    assert ann.get(page, {"month": "2026-03", "span": "decade"}).status_code == 404
