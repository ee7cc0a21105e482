from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.utils import DatabaseError

from contracts import queries
from contracts.models import IndexBlock, IndexSeries
from contracts.services import publish_index, publish_index_file
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from tests.contracts.cases import case_path
from tests.contracts.conftest import ACTOR, NOW

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Period.day("America/Chicago", date(2026, 3, 1))


@pytest.fixture
def hub():
    return IndexSeries.objects.create(code="HUB", name="Hub", minutes=60, zone="America/Chicago")


def rows(*texts, start=START):
    return [
        (start + timedelta(hours=at), None if text is None else Decimal(text))
        for at, text in enumerate(texts)
    ]


def publish(hub, given, vintage="final", final=True):
    return publish_index(hub, given, vintage=vintage, final=final, actor=ACTOR, now=NOW)


def test_equal_prices_again_are_nothing(hub):
    first = publish(hub, rows("1", "2"))
    again = publish(hub, rows("1", "2"))
    assert (first.new_days, first.changed_days) == (1, 0)
    assert (again.new_days, again.changed_days, again.equal_days) == (0, 0, 1)
    assert IndexBlock.objects.count() == 1
    assert AuditEvent.objects.filter(action="index.published").count() == 1


def test_a_changed_price_is_a_new_version_and_keeps_the_others(hub):
    publish(hub, rows("1", "2", "3"))
    receipt = publish(hub, [(START + timedelta(hours=1), Decimal("2.5"))], vintage="correction")
    assert (receipt.changed_days, receipt.changed_prices) == (1, 1)
    old, new = IndexBlock.objects.order_by("version")
    assert [old.version, new.version] == [1, 2]
    assert old.values[:3] == [100000000, 200000000, 300000000]
    assert new.values[:3] == [100000000, 250000000, 300000000]
    assert set(new.values[3:]) == {MISSING}


def test_a_null_never_withdraws_a_price(hub):
    publish(hub, rows("1", "2"))
    publish(hub, rows("1", None))
    assert IndexBlock.objects.get().values[1] == 200000000


def test_becoming_final_is_a_new_version(hub):
    publish(hub, rows("1"), vintage="prelim", final=False)
    receipt = publish(hub, rows("1"))
    assert (receipt.restated_days, receipt.changed_days, receipt.changed_prices) == (1, 0, 0)
    assert IndexBlock.objects.count() == 2


def test_published_prices_cannot_be_changed_or_deleted(hub):
    publish(hub, rows("1"))
    for attempt in (
        lambda: IndexBlock.objects.update(vintage="other"),
        lambda: IndexBlock.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="kept as they are"), transaction.atomic():
            attempt()


def test_prices_of_a_local_day_with_their_pins(hub):
    publish(hub, [(START + timedelta(hours=at), Decimal(at)) for at in range(48)])
    found, pins = queries.prices_for(["HUB"], DAY)
    series = found["HUB"]
    assert series.grid.start_utc == DAY.start_utc
    assert [str(value) for value in series.decimals()] == [str(at) for at in range(6, 30)]
    assert series.final
    assert [(pin.day, pin.version) for pin in pins] == [
        (date(2026, 3, 1), 1),
        (date(2026, 3, 2), 1),
    ]


def test_hours_nobody_published_are_missing(hub):
    publish(hub, rows(*["1"] * 24))
    series = queries.prices_for(["HUB"], DAY)[0]["HUB"]
    assert series.missing_count == 6


def test_pins_read_what_was_read_before(hub):
    publish(hub, [(START + timedelta(hours=at), Decimal(1)) for at in range(48)])
    before, pins = queries.prices_for(["HUB"], DAY)
    publish(hub, [(START + timedelta(hours=8), Decimal(9))], vintage="correction")
    now, _ = queries.prices_for(["HUB"], DAY)
    again, same = queries.prices_for(["HUB"], DAY, pins=pins)
    assert now["HUB"].digest() != before["HUB"].digest()
    assert again["HUB"].digest() == before["HUB"].digest()
    assert same == pins


def test_a_pin_that_differs_stops(hub):
    publish(hub, [(START + timedelta(hours=at), Decimal(1)) for at in range(48)])
    _, pins = queries.prices_for(["HUB"], DAY)
    wrong = [type(pin)(**{**pin.__dict__, "digest": "00"}) for pin in pins]
    with pytest.raises(Refused, match="version 1 of HUB on 2026-03-01 is not what the run read"):
        queries.prices_for(["HUB"], DAY, pins=wrong)


def test_unknown_series_is_refused():
    with pytest.raises(Refused, match="there is no index series 'HUB'"):
        queries.prices_for(["HUB"], DAY)


def test_prices_off_the_grid_are_refused(hub):
    with pytest.raises(Refused, match="2026-03-01 00:30:00 UTC begins no interval of 60 minutes"):
        publish(hub, [(START + timedelta(minutes=30), Decimal(1))])


def test_prices_with_too_many_decimals_are_refused(hub):
    with pytest.raises(Refused, match="too many decimals: at most 8"):
        publish(hub, rows("1.123456789"))


def test_a_file_of_the_25_hour_day(hub):
    hub.location = "TH_SP15_GEN-APND"
    hub.save()
    content = case_path("settlement/lmp_caiso_day_ahead_hourly_2026-11-01.csv").read_bytes()
    receipt = publish_index_file(hub, content, vintage="final", final=True, actor=ACTOR, now=NOW)
    assert receipt.new_days == 2
    period = Period.day("America/Los_Angeles", date(2026, 11, 1))
    series = queries.prices_for(["HUB"], period)[0]["HUB"]
    assert series.grid.count == 25
    assert series.missing_count == 0


def test_reading_prices_takes_two_queries_per_series(hub, django_assert_num_queries):
    publish(hub, [(START + timedelta(hours=at), Decimal(1)) for at in range(240)])
    with django_assert_num_queries(2):
        queries.prices_for(["HUB"], Period.month("America/Chicago", "2026-03"))


def test_an_index_of_a_month_counts_as_it_was_first_published(hub):
    publish(hub, rows("325"), vintage="first")
    publish(hub, rows("326.5"), vintage="revised")
    publish(hub, rows("327", start=datetime(2026, 4, 1, tzinfo=UTC)))
    march = queries.histories_for(["HUB"], Period.month("America/Chicago", "2026-03"))
    assert march == {"HUB": {"2026-03": "325"}}
    april = queries.histories_for(["HUB"], Period.month("America/Chicago", "2026-04"))
    assert april == {"HUB": {"2026-03": "325", "2026-04": "327"}}
    with pytest.raises(Refused, match="there is no index series 'CPI'"):
        queries.histories_for(["CPI"], DAY)


def test_a_daily_series_has_one_price_per_local_date_and_may_reach_back(hub):
    """A gas index: 9 to 11 January of Chicago, with the two days of flow before."""
    gas = IndexSeries.objects.create(
        code="GAS", name="Gas", unit="USD/MMBtu", minutes=1440, zone="America/Chicago"
    )
    days = [(datetime(2026, 1, day, tzinfo=UTC), Decimal(day)) for day in range(6, 14)]
    publish(gas, days)
    publish(hub, [(datetime(2026, 1, 8, hour, tzinfo=UTC), Decimal(hour)) for hour in range(24)])
    start = Period.day("America/Chicago", date(2026, 1, 9)).start_utc
    period = Period(start, start + timedelta(days=3), "America/Chicago", "2026-01")
    found, pins = queries.prices_for(["GAS", "HUB"], period, days_before={"GAS": 2, "HUB": 1})
    assert found["GAS"].grid.start_utc == datetime(2026, 1, 7, tzinfo=UTC)
    assert found["GAS"].decimals() == [7, 8, 9, 10, 11]
    assert found["HUB"].grid.start_utc == start - timedelta(days=1)
    assert found["HUB"].decimals()[:18] == list(range(6, 24))
    again, _ = queries.prices_for(["GAS"], period, pins=pins, days_before={"GAS": 2})
    assert again["GAS"].digest() == found["GAS"].digest()


def test_a_series_is_read_as_it_was_first_final_and_pinned_so(hub):
    publish(hub, rows(*["1"] * 48), vintage="prelim", final=False)
    publish(hub, rows(*["2"] * 40), vintage="final")
    before, pins = queries.prices_for(["HUB@first", "HUB"], DAY)
    publish(hub, rows("9", "9", start=START + timedelta(hours=6)), vintage="correction")
    after, _ = queries.prices_for(["HUB@first", "HUB"], DAY)
    assert after["HUB"].decimals()[:3] == [9, 9, 2]
    assert after["HUB@first"].decimals() == [2] * 24
    assert before["HUB@first"].decimals() == [2] * 24
    assert {pin.series for pin in pins} == {"HUB", "HUB@first"}
    again, _ = queries.prices_for(["HUB@first"], DAY, pins=pins)
    assert again["HUB@first"].digest() == before["HUB@first"].digest()


def test_each_price_is_final_by_itself_where_two_months_share_a_day(hub):
    """Hours of April that are published early do not make the last hours of March provisional."""
    march, april = (Period.month("America/Chicago", f"2026-{month}") for month in ("03", "04"))
    publish(hub, rows("1", "2", start=april.start_utc - timedelta(hours=2)))
    early = publish(hub, rows("3", "4", start=april.start_utc), vintage="prelim", final=False)
    assert (early.filled_days, early.changed_days) == (1, 0)
    assert queries.prices_for(["HUB"], march)[0]["HUB"].final
    assert not queries.prices_for(["HUB"], april)[0]["HUB"].final
    publish(hub, rows("3", start=april.start_utc), vintage="final")
    newest = IndexBlock.objects.order_by("-version").first()
    assert (newest.final, newest.provisional) == (False, [6])
    publish(hub, rows("4", start=april.start_utc + timedelta(hours=1)), vintage="final")
    assert queries.prices_for(["HUB"], april)[0]["HUB"].final
