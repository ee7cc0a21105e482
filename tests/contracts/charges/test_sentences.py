"""What a term says in words: every charge type, with price, unit, growth, rounding and seasons."""

import doctest
import re
from dataclasses import replace
from datetime import date

import pytest

from contracts.calc import holiday_words, words
from contracts.calc.holidays import nerc_years
from contracts.charges import Calendar, TermContext, charge_type, charge_types
from poweroptix.kernel.calendar import TouSchedule
from tests.contracts.charges import energy_words, guarantee_words, money_words

EVERY = list(range(1, 13))
SUMMER, WINTER = [5, 6, 7, 8, 9], [1, 2, 3, 4, 10, 11, 12]


def row(months, days, start, end, period):
    return {"months": months, "day_types": days, "start": start, "end": end, "period": period}


SCHEDULE = TouSchedule.from_json(
    {
        "zone": "America/Chicago",
        "rows": [
            row(SUMMER, ["weekday"], "00:00", "13:00", "OFF"),
            row(SUMMER, ["weekday"], "13:00", "20:00", "PEAK"),
            row(SUMMER, ["weekday"], "20:00", "24:00", "OFF"),
            row(WINTER, ["weekday"], "00:00", "06:00", "OFF"),
            row(WINTER, ["weekday"], "06:00", "10:00", "PEAK"),
            row(WINTER, ["weekday"], "10:00", "24:00", "OFF"),
            row(EVERY, ["weekend", "holiday"], "00:00", "24:00", "OFF"),
        ],
    }
)
CONTEXT = TermContext(
    first_date=date(2026, 7, 1),
    anchor_date=date(2026, 7, 1),
    calendars={"tou": Calendar(SCHEDULE)},
    titles={"tou": "Summer and winter peaks", "hub": "West hub day-ahead", "gas": "Houston gas"},
)
CASES = [*energy_words.SAID, *money_words.SAID, *guarantee_words.SAID]


TWO = {"schedule": "plan", "day_ahead_index": "hub", "index": "rt", "customer": "SELLS"}
SAID_TWO = (
    "Energy in two settlements from 1 July 2026: the customer is paid the schedule “plan” at the "
    "price of West hub day-ahead, per MWh as published, and what was metered beyond it at that of "
    "rt; what was metered less counts against it; a missing price is never taken as zero, the bill "
    f"waits for it. {energy_words.MWH}"
)


def test_two_settlements_are_said():
    kind = charge_type("two_settlement@1")
    assert kind.sentence(kind.parse(TWO), CONTEXT) == SAID_TWO


@pytest.mark.parametrize(("key", "parameters", "said"), CASES)
def test_a_term_is_said_in_plain_words(key, parameters, said):
    kind = charge_type(key)
    text = kind.sentence(kind.parse(parameters), CONTEXT)
    assert text == said
    assert not re.search(r"[A-Z]+_[A-Z]+|@|USD/|delivered", text)


def test_every_charge_type_is_said():
    said = {key for key, _, _ in CASES} | {"two_settlement@1"}  # which names no price
    assert said == {key for key, _ in charge_types.items()}


@pytest.mark.parametrize(("key", "parameters", "said"), CASES)
def test_without_a_context_it_still_says_the_price(key, parameters, said):
    kind = charge_type(key)
    price = re.search(r"\$[\d.,]*\d|[\d.]+ %", said)  # none: it stands outside the contract
    named = parameters.get("pool", "MMBtu")
    assert (price[0] if price else named) in kind.sentence(kind.parse(parameters))


def test_metered_energy_and_unnamed_calendars_are_said():
    kind = charge_type("tou_energy@1")
    terms = kind.parse({"calendar": "x-1", "prices": [{"period": "ON", "price": "1"}]})
    text = kind.sentence(terms, TermContext(quantity_name="metered"))
    assert text.startswith("Metered energy, without losses by time of use: ON $1.00 per MWh")
    assert "The hours are those of the calendar “x-1”." in text


def test_months_of_a_twelve_by_twenty_four_table_stand_together():
    night = [0] * 7 + [1] * 15 + [0] * 2
    tables = [night] * 12
    schedule = TouSchedule.from_12x24(tables, [[0] * 24] * 12, ["OFF", "ON"], zone="UTC")
    assert words.seasons(schedule) == (
        "ON is weekdays 07:00 to 22:00; OFF is all other hours (UTC time)."
    )
    assert words.seasons(schedule, ["OFF"]) == (
        "OFF is weekdays 00:00 to 07:00 and 22:00 to 24:00 and weekends 00:00 to 24:00 (UTC time)."
    )


def test_examples_in_docstrings():
    assert doctest.testmod(words).failed == 0


NERC = dict(nerc_years([2026, 2027]))
RULED = (
    " Holidays are New Year's Day (1 January), Memorial Day (the last Monday of May), Independence "
    "Day (4 July), Labor Day (the first Monday of September), Thanksgiving Day (the fourth "
    "Thursday of November) and Christmas Day (25 December); one that falls on a Sunday is observed "
    "on the Monday after (listed for 2026 to 2027)."
)
OWN = {date(2026, 10, 12): "Site day", date(2026, 12, 24): "", date(2027, 1, 1): "New Year's Day"}


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (NERC, RULED),
        (
            OWN,
            " Holidays are 12 October 2026 (Site day) and 24 December 2026; 1 January 2027 "
            "(New Year's Day).",
        ),
        ({}, " The calendar lists no holidays."),
        (None, ""),
    ],
)
def test_the_holidays_of_a_calendar_are_named(listed, said):
    """Without them a tenant could not tell which hours of a weekday are off-peak."""
    assert holiday_words.said(SCHEDULE, listed) == said


def test_holidays_that_are_like_other_days_are_not_spoken_of():
    every = {"zone": "America/Chicago", "rows": [row(EVERY, ["all"], "00:00", "24:00", "ALL")]}
    assert holiday_words.said(TouSchedule.from_json(every), NERC) == ""


def test_energy_and_demand_name_the_holidays_of_their_calendar():
    context = replace(CONTEXT, holidays={"tou": NERC})
    tou = {"calendar": "tou", "prices": [{"period": "PEAK", "price": "7"}]}
    blocks = {"period": "PEAK", "blocks": [{"rate": "2"}]}
    for key, parameters in (
        ("tou_energy@1", tou),
        ("demand@1", {"calendar": "tou", "prices": [blocks]}),
    ):
        kind = charge_type(key)
        assert RULED.strip() in kind.sentence(kind.parse(parameters), context)


def test_the_rule_in_words_is_the_rule_that_lists_the_days():
    """2027 has a Fourth of July on a Sunday."""
    days = [day.isoformat() for day in sorted(NERC) if day.year == 2027]
    assert days == [
        *("2027-01-01", "2027-05-31", "2027-07-05", "2027-09-06", "2027-11-25", "2027-12-25"),
    ]
