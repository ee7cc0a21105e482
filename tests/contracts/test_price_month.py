"""The page of a price series: days, gaps, publications, chart, and a file that can come back."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from contracts.calc.index_csv import PriceFile, read_prices
from contracts.models import IndexSeries
from contracts.pages.price_month import HEAD, PriceMonth
from contracts.services import publish_index
from poweroptix.accounts.models import User
from poweroptix.kernel.period import Period
from poweroptix.pages.downloads import csv_bytes
from tests.contracts.conftest import ACTOR, NOW

pytestmark = pytest.mark.django_db
ZONE = "America/Chicago"
MARCH = Period.month(ZONE, "2026-03")


def series(code, **more):
    return IndexSeries.objects.create(code=code, name=code, zone=ZONE, **more)


def publish(index, first, prices, *, minutes=60, at=NOW, **more):
    rows = [(first + timedelta(minutes=minutes * step), Decimal(price))
            for step, price in enumerate(prices)]  # fmt: skip
    return publish_index(index, rows, actor=ACTOR, now=at, **more)


@pytest.fixture
def hub():
    """March 2026 without the hours 100 to 102, provisional from the 31st, and two revised hours."""
    index = series("HUB")
    publish(index, MARCH.start_utc, ["30"] * 100, vintage="final", final=True, source="a.csv")
    rest = MARCH.start_utc + timedelta(hours=103)
    publish(index, rest, ["31"] * 615, vintage="final", final=True, source="a.csv")
    last = rest + timedelta(hours=615)
    publish(index, last, ["32"] * 25, vintage="prelim", source="b.csv", at=NOW + timedelta(days=1))
    publish(
        index, MARCH.start_utc, ["28", "30", "35"], vintage="correction", final=True,
        source="c.csv", at=NOW + timedelta(days=2),
    )  # fmt: skip
    return index


def test_the_month_says_what_is_missing_and_who_published_what(hub):
    month = PriceMonth(hub, MARCH)
    [gap] = month.gaps()
    assert (gap["start"], gap["count"]) == (MARCH.start_utc + timedelta(hours=100), 3)
    days = {row["day"].day: row for row in month.days()}
    assert [days[1][name] for name in ("published", "lowest", "highest", "version", "vintage")] == [
        24, 28, 35, 2, "correction, final",
    ]  # fmt: skip
    assert (days[5]["published"], days[5]["missing"]) == (21, 3)
    assert (days[8]["published"], days[8]["missing"]) == (23, 0)  # the clock goes forward
    assert [days[30]["is_final"], days[31]["is_final"]] == [False, False]
    made = [(one.source, one.vintage, one.added, one.changed, one.largest)
            for one in month.publications()]  # fmt: skip
    assert made == [
        ("c.csv", "correction", 0, 2, 5),
        ("b.csv", "prelim", 25, 0, None),
        ("a.csv", "final", 715, 0, None),
    ]


def test_the_chart_marks_what_is_provisional_or_missing(hub):
    chart = PriceMonth(hub, MARCH).chart()
    assert chart["series"][0]["v"][:4] == [28.0, 30.0, 35.0, 30.0]
    assert chart["series"][0]["v"][100:104] == [None, None, None, 31.0]
    assert [letter for letter, _count in chart["q"]] == ["A", "X", "A", "P"]
    assert sum(count for _letter, count in chart["q"]) == 743


def test_the_file_can_be_published_again_as_it_is(hub):
    month = PriceMonth(hub, MARCH)
    rows = read_prices(csv_bytes(HEAD, month.rows()), PriceFile(60))
    again = publish_index(hub, rows, vintage="correction", final=True, actor=ACTOR, now=NOW)
    assert again.changed_prices == 0
    assert len(rows) == 743


def test_a_gas_index_has_a_row_per_date():
    gas = series("GAS", minutes=1440, unit="USD/MMBtu")
    publish(gas, datetime(2026, 3, 1, tzinfo=UTC), ["3.1"] * 30, minutes=1440, vintage="final")
    month = PriceMonth(gas, MARCH)
    assert [row["missing"] for row in month.days()] == [0] * 30 + [1]
    assert month.days()[29]["day"] == date(2026, 3, 30)
    assert next(month.rows())[:4] == ["2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "",
                                      Decimal("3.1")]  # fmt: skip


def test_gaps_of_daily_prices_are_dates(client):
    gas = series("GAS", minutes=1440, unit="USD/MMBtu")
    for first in (1, 10):
        start = datetime(2026, 3, first, tzinfo=UTC)
        publish(gas, start, ["3.1"] * 5, minutes=1440, vintage="final")
    gaps = PriceMonth(gas, MARCH).gaps()
    assert gaps[0] == {"count": 4, "first_day": date(2026, 3, 6), "last_day": date(2026, 3, 9)}
    client.force_login(User.objects.create_user("ann", password="x", role="analyst"))
    page = client.get("/office/prices/GAS/?month=2026-03").content.decode()
    [section] = re.findall(r"<h2>Gaps</h2>.*?</section>", page)
    cells = re.findall(r'data-label="(?:From|To)">([^<]*)<', section)
    assert cells == ["2026-03-06", "2026-03-09", "2026-03-15", "2026-03-31"]


def test_the_page_and_its_files_open(hub, client):
    client.force_login(User.objects.create_user("ann", password="x", role="analyst"))
    page = client.get("/office/prices/HUB/?month=2026-03").content.decode()
    assert "3 prices of 743 not published" in page
    assert "c.csv" in page
    assert "+5.000" in page
    chart = client.get("/office/prices/HUB/series.json?month=2026-03").json()
    assert chart["unit"] == "USD/MWh"
    file = client.get("/office/prices/HUB/?month=2026-03&export=csv")
    assert file["Content-Disposition"] == 'attachment; filename="HUB-2026-03.csv"'
    assert file.content.splitlines()[1] == (
        b"2026-03-01T06:00:00Z,2026-03-01T07:00:00Z,2026-03-01T00:00:00-06:00,28,USD/MWh,2,"
        b"correction,yes,2026-04-04T09:00:00Z,c.csv"
    )
    empty = client.get("/office/prices/HUB/?month=2026-05").content.decode()
    assert "Nobody has published a price of this month yet." in empty
