from decimal import Decimal

import pytest

from contracts.calc.index_csv import PriceFile, read_prices
from poweroptix.kernel.errors import Refused

HOURLY = PriceFile(60)
HEAD = b"Interval Start,Interval End,Market,Location,LMP,Energy,Congestion,Loss\n"
ROW = b"2026-03-01 01:00:00-06:00,2026-03-01 02:00:00-06:00,DA,HUB,30.5,30,0.25,0.25\n"


def test_columns_are_found_by_name_in_any_order_and_case():
    content = b"lmp,LOCATION,interval start\n30.5,HUB,2026-03-01T01:00:00-06:00\n"
    rows = read_prices(content, HOURLY)
    assert [(start.isoformat(), value) for start, value in rows] == [
        ("2026-03-01T07:00:00+00:00", Decimal("30.5"))
    ]


def test_rows_of_other_places_and_markets_do_not_count():
    other = ROW.replace(b"HUB", b"NODE").replace(b"30.5", b"99").replace(b"30,", b"98.5,")
    rows = read_prices(HEAD + ROW + other, PriceFile(60, "HUB", "DA"))
    assert [value for _start, value in rows] == [Decimal("30.5")]


def test_an_empty_price_is_missing():
    content = b"start,price\n2026-03-01T01:00:00Z,\n"
    assert read_prices(content, HOURLY)[0][1] is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"when,price\n", "no column interval start or start_utc or start or time; found: when"),
        (b"start,value\n", "no column lmp or spp or price; found: start, value"),
        (b"", "no column interval start"),
        (b"start,price\n", "the file has no price of this series"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b"start,price\n2026-03-01 01:00,5\n", "line 2: '2026-03-01 01:00' has no offset"),
        (b"start,price\nyesterday,5\n", "line 2: 'yesterday' is not a date and time"),
        (b"start,price\n2026-03-01T01:00:00Z,NaN\n", "line 2: 'NaN' is not a number"),
        (b"start,price\n2026-03-01T01:00:00Z,5 $\n", "line 2: '5 $' is not a number"),
        (b"start,price\n2026-03-01T01:20:00Z,5\n", "line 2: 01:20:00 UTC does not begin"),
        (
            b"start,price\n2026-03-01T01:00:00Z,5\n2026-03-01T01:00:00Z,6\n",
            "line 3: 2026-03-01 01:00 UTC has two prices, 5 and 6",
        ),
        (
            b"start,end,price\n2026-03-01T01:00:00Z,2026-03-01T01:15:00Z,5\n",
            "line 2: an interval of 15 minutes, the series has 60",
        ),
        (
            HEAD + ROW.replace(b"30.5", b"31.5"),
            "line 2: price 31.5 is not the sum of its parts 30 + 0.25 + 0.25",
        ),
    ],
)
def test_bad_files_are_refused_as_a_whole(content, message):
    with pytest.raises(Refused) as caught:
        read_prices(content, HOURLY)
    assert caught.value.message.startswith(message)


def test_naive_stamps_take_the_named_zone_and_refuse_the_repeated_hour():
    zone = PriceFile(60, zone="America/Chicago")
    rows = read_prices(b"start,price\n2026-11-01 00:00,5\n", zone)
    assert rows[0][0].isoformat() == "2026-11-01T05:00:00+00:00"
    with pytest.raises(Refused, match="happens twice in America/Chicago"):
        read_prices(b"start,price\n2026-11-01 01:00,5\n", zone)


def test_every_bad_row_is_named():
    content = b"start,price\nx,1\n2026-03-01T01:00:00Z,1\ny,2\n"
    with pytest.raises(Refused) as caught:
        read_prices(content, HOURLY)
    assert [finding.where for finding in caught.value.findings] == ["2", "4"]
