from datetime import date
from decimal import Decimal

import pytest

from contracts.charges import TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, amount, calendar, charge, flat, inputs
from tests.contracts.cases import example
from tests.contracts.pysam import pysam_months, twelve_by_24

KEY = "tou_energy@1"
WEEK = [
    {"day_types": ["weekday"], "start": "00:00", "end": "08:00", "period": "OFF"},
    {"day_types": ["weekday"], "start": "08:00", "end": "16:00", "period": "MID"},
    {"day_types": ["weekday"], "start": "16:00", "end": "21:00", "period": "ON"},
    {"day_types": ["weekday"], "start": "21:00", "end": "24:00", "period": "OFF"},
    {"day_types": ["weekend", "holiday"], "start": "00:00", "end": "24:00", "period": "OFF"},
]
PRICES = [
    {"period": "ON", "price": "98.40"},
    {"period": "MID", "price": "61.25"},
    {"period": "OFF", "price": "44.10"},
]


def september(**more):
    grid = Period.month(CHICAGO, "2026-09").grid(15)
    calendars = {"TOU": calendar(WEEK, holidays=["2026-09-07"])}
    return inputs("2026-09", flat(grid, "10000"), calendars=calendars, **more)


def test_a06_seasons_weekends_and_a_holiday():
    expected = example("A06")["expected"]
    sheet, _ = charge(KEY, september(), {"calendar": "TOU", "prices": PRICES})
    for row in sheet.rows:
        named = expected[row.label.removeprefix("Energy, ")]
        assert row.quantity.value == Decimal(named["mwh"])
        assert row.exact_usd == Decimal(named["amount"])
    assert len(sheet.rows) == 3
    assert str(sheet.amount_usd) == expected["total"]


def test_local_clock_decides_on_the_day_of_25_hours():
    rows = [
        {"day_types": ["all"], "start": "00:00", "end": "02:00", "period": "NIGHT"},
        {"day_types": ["all"], "start": "02:00", "end": "24:00", "period": "DAY"},
    ]
    period = Period.day(CHICAGO, date(2026, 11, 1))
    given = inputs(
        period=period, series=flat(period.grid(15), "1000"), calendars={"C": calendar(rows)}
    )
    prices = [{"period": "NIGHT", "price": "10"}, {"period": "DAY", "price": "20"}]
    sheet, _ = charge(KEY, given, {"calendar": "C", "prices": prices})
    # 01:00-02:00 happens twice: 3 hours of night, 22 of day
    assert [row.quantity.value for row in sheet.rows] == [Decimal("12.000"), Decimal("88.000")]
    assert str(sheet.amount_usd) == "1880.00"


def test_escalated_prices_of_every_period():
    given = september(anchor_date=date(2025, 9, 15))
    terms = {
        "calendar": "TOU",
        "prices": PRICES,
        "escalator": "FROM_BASE",
        "escalator_ratio": "0.02",
    }
    sheet, _ = charge(KEY, given, terms)
    assert [row.rate.value for row in sheet.rows if row.label.startswith("Energy, ON")] == [
        Decimal("98.40"),
        Decimal("100.3680"),
    ]
    assert len(sheet.rows) == 6


def test_period_without_price_blocks_and_leaves_the_amount_empty():
    sheet, _ = charge(KEY, september(), {"calendar": "TOU", "prices": PRICES[:2]})
    assert sheet.amount_usd is None
    assert [finding.message for finding in sheet.findings] == ["OFF has no price"]


def test_prices_are_checked_against_the_calendar():
    kind = charge_type(KEY)
    context = TermContext(calendars={"TOU": calendar(WEEK)})
    wrong = [*PRICES[:2], {"period": "ON", "price": "1"}, {"period": "NIGHT", "price": "2"}]
    found = kind.check(kind.parse({"calendar": "TOU", "prices": wrong}), context)
    assert [finding.message for finding in found] == [
        "ON has two prices",
        "OFF has no price",
        "'NIGHT' is not a period of TOU; known: MID, OFF, ON",
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [row for row in WEEK if row["period"] != "ON"],
            "Mon 16:00–21:00 has no price. (4 more)",
        ),
        (
            [*WEEK, {"day_types": ["sunday"], "start": "06:00", "end": "07:00", "period": "ON"}],
            "Sun 06:00–07:00 has 2 prices.",
        ),
    ],
)
def test_schedule_that_leaves_or_doubles_minutes_is_refused(rows, message):
    with pytest.raises(Refused) as caught:
        calendar(rows)
    assert caught.value.message == message


def test_schedule_without_an_iana_zone_is_refused():
    with pytest.raises(Refused, match="give an IANA zone such as America/Chicago"):
        calendar(WEEK, zone="EST")


def test_calendar_that_the_run_lacks_is_named():
    with pytest.raises(Refused, match="no time-of-use calendar 'TOU'; known: none"):
        charge(KEY, inputs("2026-09"), {"calendar": "TOU", "prices": PRICES})


def test_pysam_energy_of_every_month():
    for case, month, kwh in pysam_months():
        names = ["P1", "P2", "P3", "P4"]
        rates = {f"P{int(row[0])}": str(row[4]) for row in case["inputs"]["ur_ec_tou_mat"]}
        label = f"2018-{month + 1:02d}"
        series = Series.of(Period.month("Etc/GMT+6", label).grid(60), kwh, "kWh")
        given = inputs(
            label,
            series,
            zone="Etc/GMT+6",
            calendars={"EC": twelve_by_24(case, "ec", names)},
        )
        terms = {
            "calendar": "EC",
            "prices": [{"period": name, "price": rate} for name, rate in rates.items()],
            "price_unit": "USD/kWh",
            "quantity_places": 6,
            "line_per": "CHARGE",
        }
        expected = case["outputs_year1"]["charge_wo_sys_ec_ym"][month]
        assert amount(KEY, given, terms) == f"{expected:.2f}"
