"""What is said after prices were published: what became of the days, and what is missing."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile

from contracts.calc.index_gaps import Gap
from contracts.models import IndexBlock, IndexSeries
from contracts.pages.prices import said
from contracts.services import IndexReceipt
from poweroptix.accounts.models import User

HOUR = timedelta(hours=1)
START = datetime(2026, 11, 5, 6, tzinfo=UTC)  # midnight of Chicago
HUB = IndexSeries(code="HUB", name="Hub", minutes=60, zone="America/Chicago")
GAS = IndexSeries(code="GAS", name="Gas", minutes=1440, zone="America/Chicago")


def told(series, *gaps):
    spans = tuple(Gap(start, end, (end - start) // timedelta(minutes=series.minutes))
                  for start, end in gaps)  # fmt: skip
    return said(series, IndexReceipt(series.code, 0, 1, 0, 2, 0, 5, spans))


def test_every_kind_of_day_is_named_and_the_first_gap_in_local_time():
    assert told(HUB, (START, START + HOUR), (START + 9 * HOUR, START + 11 * HOUR)) == [
        "0 new days, 1 changed day, 2 days with the same prices published anew, 0 days as before.",
        "3 prices are missing in 2 gaps, the first 2026-11-05 00:00 to 01:00 CST.",
    ]


@pytest.mark.parametrize(
    ("days", "sentence"),
    [
        (1, "1 price is missing in 1 gap, the first 2026-11-05."),
        (3, "3 prices are missing in 1 gap, the first 2026-11-05 to 2026-11-07."),
    ],
)
def test_a_gap_of_daily_prices_has_dates(days, sentence):
    start = datetime(2026, 11, 5, tzinfo=UTC)
    assert told(GAS, (start, start + timedelta(days=days)))[1] == sentence


@pytest.mark.django_db
def test_the_page_names_the_gap_and_counts_as_changed_only_what_changed(client):
    HUB.save()
    client.force_login(User.objects.create_user("ann", password="x", role="analyst"))

    before: list[str] = []

    def post(hours, value="31.50"):
        rows = "".join(f"{START + at * HOUR:%Y-%m-%dT%H:%MZ},{value}\n" for at in hours)
        file = SimpleUploadedFile("hub.csv", f"start,price\n{rows}".encode(), "text/csv")
        answer = client.post("/office/prices/HUB/?month=2026-11",
                             {"file": file, "vintage": "final", "final": "yes"})  # fmt: skip
        new = [str(message) for message in get_messages(answer.wsgi_request)][len(before) :]
        before.extend(new)
        return new[0]

    assert post(range(6)) == "1 new day, 0 changed days, 0 days as before."
    with_gap = [at for at in range(6, 72) if at not in (13, 14)]
    assert post(with_gap) == (
        "3 new days, 0 changed days, 1 day with further prices, 0 days as before. "
        "2 prices are missing in 1 gap, the first 2026-11-05 13:00 to 15:00 CST."
    )
    assert post(with_gap).startswith("0 new days, 0 changed days, 4 days as before. 2 prices are")
    assert post([13, 14]) == (
        "0 new days, 0 changed days, 1 day with further prices, 0 days as before."
    )
    assert post(with_gap) == "0 new days, 0 changed days, 4 days as before."
    assert post([20], "35") == "0 new days, 1 changed day, 0 days as before."
    written = IndexBlock.objects.count()
    assert post(range(72), "31,50") == (
        "line 2 has 3 cells, the head names 2; a comma inside a value needs quotes around it, "
        "and a decimal comma is not read: write 31.50, not 31,50"
    )
    assert IndexBlock.objects.count() == written
