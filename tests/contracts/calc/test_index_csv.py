from decimal import Decimal

import pytest

from contracts.calc.index_csv import PriceFile, read_prices
from poweroptix.kernel.errors import Refused
from tests.contracts.cases import case_path, example

HOURLY = PriceFile(60)
HEAD = b"Interval Start,Interval End,Market,Location,LMP,Energy,Congestion,Loss\n"
ROW = b"2026-03-01 01:00:00-06:00,2026-03-01 02:00:00-06:00,DA,HUB,30.5,30,0.25,0.25\n"


def test_columns_are_found_by_name_in_any_order_and_case():
    content = (
        b"lmp,LOCATION,interval END,Market,interval start\n"
        b"30.5,HUB,2026-03-01T02:00:00-06:00,DA,2026-03-01T01:00:00-06:00\n"
    )
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
        (
            b"when,price\n",
            "no column interval start or start_utc or start or time or date; found: when",
        ),
        (b"start,value\n", "no column lmp or spp or price; found: start, value"),
        (b"", "no column interval start"),
        (b"Interval Start,LMP\n", "a file with LMP or SPP has no column interval end"),
        (b"Interval Start,Interval End,SPP\n", "a file with LMP or SPP has no column market"),
        (
            b"Interval Start,Interval End,Market,SPP\n",
            "a file with LMP or SPP has no column location or location id",
        ),
        (
            HEAD + ROW + ROW.replace(b"HUB", b"NODE"),
            "the file has prices of HUB DA (line 2) and of NODE DA (line 3); name the location",
        ),
        (b"start,price\n", "the file has no price of this series"),
        (b"\xff\xfe", "byte 0 is not UTF-8"),
        (b'start,price\n2026-03-01T01:00:00Z,"5\n', "The file is not CSV: unexpected end of data."),
        (b"start,price\r2026-03-01T01:00:00Z,5\r", "The file is not CSV: new-line character"),
        (b"start,price\n2026-03-01T01:00:00Z,\x00\n", "The file is not text."),
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


TOO_MANY = (
    "a comma inside a value needs quotes around it, and a decimal comma is not read: "
    "write 31.50, not 31,50"
)
TOO_FEW = "write a cell for every column, an empty one where there is no value"


@pytest.mark.parametrize("head", [b"start,price\n", b"start,price,\n"])
def test_a_decimal_comma_is_refused_in_every_row_and_never_cut(head):
    rows = b"".join(b"2026-11-05T%02d:00-06:00,31,50\n" % hour for hour in range(24))
    with pytest.raises(Refused) as caught:
        read_prices(head + rows, HOURLY)
    assert caught.value.message == f"line 2 has 3 cells, the head names 2; {TOO_MANY}"
    assert [finding.where for finding in caught.value.findings] == [str(at) for at in range(2, 26)]


def test_a_short_row_is_refused_and_not_read_as_a_missing_price():
    content = b"start,price\n2026-11-05T00:00-06:00,31.50\n\n2026-11-05T01:00-06:00\n"
    with pytest.raises(Refused) as caught:
        read_prices(content, HOURLY)
    assert caught.value.message == f"line 4 has 1 cell, the head names 2; {TOO_FEW}"


def test_a_decimal_comma_is_refused_in_rows_of_other_places_too():
    """A comma in front of the place would make it another place, and the row would not count."""
    other = ROW.replace(b"DA,HUB", b"D,A,HUB")
    with pytest.raises(Refused) as caught:
        read_prices(HEAD + ROW + other, PriceFile(60, "HUB", "DA"))
    assert caught.value.message == f"line 3 has 9 cells, the head names 8; {TOO_MANY}"


def test_empty_cells_behind_the_last_column_say_nothing():
    content = b"start,price,,\n2026-03-01T01:00:00Z,31.50,,\n2026-03-01T02:00:00Z,32,,,,\n"
    assert [str(value) for _, value in read_prices(content, HOURLY)] == ["31.50", "32"]


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


FILES = {
    "CAISO": ("lmp_caiso_day_ahead_hourly_2026-11-01.csv", 60, "TH_SP15_GEN-APND"),
    "ERCOT": ("spp_ercot_real_time_15_min_2026-11-01.csv", 15, "HB_NORTH"),
    "PJM": ("lmp_pjm_real_time_hourly_2026-11-01.csv", 60, "WESTERN HUB"),
    "MISO": ("lmp_miso_day_ahead_hourly_2026-11-01.csv", 60, "INDIANA.HUB"),
}


@pytest.mark.parametrize("iso", FILES)
def test_e02_the_repeated_hour_of_each_market(iso):
    expected = example("E02")["expected"][iso]
    name, minutes, place = FILES[iso]
    rows = read_prices(case_path(f"settlement/{name}").read_bytes(), PriceFile(minutes, place))
    starts = [start.isoformat() for start, _price in rows]
    assert len(rows) * minutes / 60 == expected["hours_in_day"]
    per_hour = 60 // minutes
    if "first_0100" in expected:
        assert starts[per_hour] == expected["first_0100"]
        assert starts[2 * per_hour] == expected["second_0100"]
    else:
        assert starts[1] == expected["hour_ending_2_utc"]


def test_pjm_is_found_by_its_number_as_by_its_name():
    path = case_path("settlement/lmp_pjm_real_time_hourly_2026-11-01.csv")
    by_name = read_prices(path.read_bytes(), PriceFile(60, "WESTERN HUB", "REAL_TIME_HOURLY"))
    assert by_name == read_prices(path.read_bytes(), PriceFile(60, "51288"))


def test_a_flag_tells_the_repeated_hour_in_a_file_without_offsets():
    """As ERCOT writes it: RepeatedHourFlag Y is the second hour from 01:00."""
    rows = [("01:00", "01:15", "N"), ("01:45", "02:00", "N"), ("01:00", "01:15", "Y"),
            ("01:45", "02:00", "Y")]  # fmt: skip
    content = "start,end,price,RepeatedHourFlag\n" + "".join(
        f"2026-11-01 {start},2026-11-01 {end},{at},{flag}\n"
        for at, (start, end, flag) in enumerate(rows)
    )
    found = read_prices(content.encode(), PriceFile(15, zone="America/Chicago"))
    assert [f"{start:%H:%M}" for start, _ in found] == ["06:00", "06:45", "07:00", "07:45"]


def test_a_daily_price_stands_for_its_date_whatever_the_offset():
    daily = PriceFile(1440, zone="America/Chicago")
    content = b"date,price\n2026-01-09,3.185\n2026-01-10 00:00:00-06:00,3.0425\n"
    assert [(start.isoformat(), str(value)) for start, value in read_prices(content, daily)] == [
        ("2026-01-09T00:00:00+00:00", "3.185"),
        ("2026-01-10T00:00:00+00:00", "3.0425"),
    ]


def test_greenhouse_gas_is_a_part_of_the_price():
    head = HEAD.replace(b"Loss", b"Loss,GHG")
    row = ROW.replace(b",0.25,0.25", b",0.25,0.25,2").replace(b"30.5", b"32.5")
    assert read_prices(head + row, HOURLY)[0][1] == Decimal("32.5")
    with pytest.raises(Refused, match="is not the sum of its parts"):
        read_prices(head + row.replace(b",2\n", b",1\n"), HOURLY)
