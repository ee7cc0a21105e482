from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.calc.contract_year import anniversary, contract_year
from contracts.calc.days import thirty_360
from contracts.calc.demand import lookback_months, month_before
from contracts.calc.holidays import nerc_holidays, nerc_years
from poweroptix.kernel.errors import Refused


@pytest.mark.parametrize(
    ("anchor", "day", "rule", "year"),
    [
        ("2026-07-15", "2026-07-15", "ANNIVERSARY", 1),
        ("2026-07-15", "2027-07-14", "ANNIVERSARY", 1),
        ("2026-07-15", "2027-07-15", "ANNIVERSARY", 2),
        ("2024-02-29", "2025-02-27", "ANNIVERSARY", 1),
        ("2024-02-29", "2025-02-28", "ANNIVERSARY", 2),
        ("2024-02-29", "2028-02-28", "ANNIVERSARY", 4),
        ("2024-02-29", "2028-02-29", "ANNIVERSARY", 5),
        ("2026-07-15", "2027-07-31", "MONTH_END", 1),
        ("2026-07-15", "2027-08-01", "MONTH_END", 2),
        ("2026-07-15", "2028-08-01", "MONTH_END", 3),
        ("2026-07-01", "2027-07-01", "MONTH_END", 2),
        ("2026-07-15", "2026-12-31", "CALENDAR", 1),
        ("2026-07-15", "2027-01-01", "CALENDAR", 2),
    ],
)
def test_contract_years(anchor, day, rule, year):
    assert contract_year(date.fromisoformat(anchor), date.fromisoformat(day), rule) == year


def test_no_contract_year_before_the_first():
    with pytest.raises(Refused, match="2026-07-14 is before 2026-07-15"):
        contract_year(date(2026, 7, 15), date(2026, 7, 14))


@given(st.dates(date(2000, 1, 1), date(2060, 1, 1)), st.integers(0, 40))
def test_a_new_contract_year_begins_on_every_anniversary(anchor, years):
    day = anniversary(anchor, anchor.year + years)
    assert contract_year(anchor, day) == years + 1


@pytest.mark.parametrize(
    ("year", "moved"), [(2022, "2022-12-26"), (2023, "2023-01-02"), (2021, "2021-07-05")]
)
def test_nerc_moves_sunday_to_monday(year, moved):
    assert date.fromisoformat(moved) in dict(nerc_holidays(year))


def test_nerc_leaves_saturday_alone():
    assert date(2026, 7, 4) in dict(nerc_holidays(2026))
    assert date(2026, 7, 4).weekday() == 5


def test_nerc_days_of_2026():
    assert [f"{day:%m-%d}" for day, _name in nerc_holidays(2026)] == [
        "01-01",
        "05-25",
        "07-04",
        "09-07",
        "11-26",
        "12-25",
    ]
    assert len(nerc_years(range(2020, 2030))) == 60


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-05-01", "2026-05-31", 30),
        ("2026-05-31", "2026-05-31", 1),
        ("2026-02-15", "2026-02-28", 16),
        ("2026-05-01", "2026-05-14", 14),
    ],
)
def test_thirty_days_in_every_month(first, last, days):
    assert thirty_360(date.fromisoformat(first), date.fromisoformat(last)) == days


def test_months_that_a_ratchet_reads():
    assert month_before("2026-01", 1) == "2025-12"
    assert month_before("2026-01", 13) == "2024-12"
    assert lookback_months("2026-01", 2, "EXACTLY_K") == ["2025-12", "2025-11"]
    assert lookback_months("2026-01", 2, "K_PLUS_1") == ["2025-12", "2025-11", "2025-10"]
