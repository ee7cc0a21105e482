"""Numbers of a month: read by name with their document, for a line, for days, or not at all."""

import doctest
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from contracts.calc import month_days, named_volumes
from contracts.calc.documents import read_events
from contracts.calc.facts import fact_figure, finding_of
from contracts.calc.month_days import check_days, days_text, read_days
from contracts.calc.price_terms import PricedTerm, needs_of
from contracts.charges import Event, PricedLine
from contracts.events import check_together
from poweroptix.kernel.errors import Refused
from tests.contracts.builders import CHICAGO, charge, inputs, spread, term
from tests.contracts.charges.samples import settings_of
from tests.contracts.charges.test_take_or_pay import clause, monthly

REPORT = "Availability report of 2026-04-03"


def number(name, value, days="2026-03", **more):
    start, end = read_days(days, CHICAGO)
    values = {"name": name, "number": value, "document": REPORT, **more}
    return Event("month_number@1", start, end, values, "event 7")


def month(*events, **more):
    return inputs("2026-03", events=tuple(events), **more)


def figure(given, name="availability_ratio", unit="ratio", **more):
    return fact_figure(given, name, unit, **more)


def test_the_month_comes_before_the_version_and_names_its_document():
    stated = month(number("availability_ratio", "0.964"), facts={"availability_ratio": "1"})
    found = figure(stated)
    assert (found.value, found.source.kind, found.source.ref) == (
        Decimal("0.964"),
        "event",
        "event 7",
    )
    assert found.source.label.startswith(f"availability_ratio, {REPORT}, number of a month of")
    assert figure(replace(stated, events=())).value == 1
    later = number("availability_ratio", "0.5", "2026-04")
    unknown = figure(month(later))
    assert unknown.value is None
    assert finding_of(month(), unknown).message == "availability_ratio of 2026-03 is not known"


def test_a_number_for_the_line_comes_before_one_for_all():
    both = (number("contract_kw", "900"), number("contract_kw", "700", line_code="21"))
    check_together(both)
    assert figure(month(*both), "contract_kw", "kW").value == 900
    assert figure(month(*both, term=term("Fee", 21)), "contract_kw", "kW").value == 700
    with pytest.raises(Refused, match="number of a month of 2026-03-01 06:00 UTC overlaps"):
        check_together((*both, number("contract_kw", "1")))


def test_a_part_month_takes_ratios_of_the_month_and_volumes_of_its_days():
    held = (date(2026, 3, 15), date(2026, 3, 31))
    whole = month(number("outage_mwh", "600"), in_force=held)
    assert figure(whole, "outage_mwh", "MWh").value == 600
    found = figure(whole, "outage_mwh", "MWh", adds_up=True)
    assert found.value is None
    assert finding_of(whole, found).message == (
        "outage_mwh of 2026-03 is not known: it is stated for the whole month; state it for "
        "2026-03-15 to 2026-03-31, the days of version 1"
    )
    parts = (
        number("outage_mwh", "200", "2026-03-01 to 2026-03-14"),
        number("outage_mwh", "400", "2026-03-15 to 2026-03-31"),
    )
    assert figure(month(*parts, in_force=held), "outage_mwh", "MWh", adds_up=True).value == 400
    with pytest.raises(Refused, match="state it for 2026-03 or for 2026-03-01 to 2026-03-31"):
        figure(month(parts[1]), "outage_mwh", "MWh")


def test_take_or_pay_takes_its_volumes_from_numbers_of_the_month():
    terms = clause(
        contract_quantity="27000", test="MONTH", excused=["outage_mwh"], deemed=["deemed_mwh"]
    )
    given = replace(
        monthly("2026-03", "21000"),
        events=(number("outage_mwh", "600"), number("deemed_mwh", "400")),
    )
    sheet, _ = charge("take_or_pay@1", given, terms)
    facts, _ = charge(
        "take_or_pay@1",
        monthly("2026-03", "21000", {"outage_mwh": "600", "deemed_mwh": "400"}),
        terms,
    )
    assert sheet.amount_usd == facts.amount_usd
    missing, _ = charge("take_or_pay@1", replace(given, events=given.events[:1]), terms)
    assert missing.amount_usd is None
    assert missing.findings[0].fix == (
        "Enter deemed_mwh for 2026-03 as a number of the month, an event of the contract."
    )


def test_a_stated_volume_comes_before_the_figure_of_a_line():
    lines = (PricedLine(35, "Take or pay", Decimal(0), {"make_up_mwh": Decimal(40)}),)
    assert named_volumes.named_volume(month(lines=lines), "make_up_mwh", "MWh").value == 40
    stated = month(number("make_up_mwh", "25"), lines=lines)
    assert named_volumes.named_volume(stated, "make_up_mwh", "MWh").value == 25


def test_terms_read_the_numbers_that_they_name_and_no_others():
    drawn = {"drawn_before": ["make_up_mwh", "excused_mwh"], "prices": "BOTH", "test": "MONTH"}
    drawn |= {"price": "40", "contract_quantity": "1000", "excess_price": "SHARE"}
    drawn |= {"excess_ratio": "0.75", "part_month": "DAYS"}
    fee = {"fee": "1", "per": "KW", "count": "FACT"}
    needs = needs_of(
        [
            PricedTerm(1, 36, "excess_energy@1", "Excess", parameters=drawn),
            PricedTerm(2, 40, "recurring_fee@1", "Fee", parameters=fee),
        ]
    )
    assert (needs.facts, needs.events) == (("contract_kw", "make_up_mwh"), ("excuse@1",))
    assert needs.reads(number("contract_kw", "900"))
    assert not needs.reads(number("availability_ratio", "1"))


def test_terms_read_the_peaks_of_their_own_system():
    terms = settings_of("coincident_peak@1", Decimal(1))
    needs = needs_of([PricedTerm(1, 22, "coincident_peak@1", "Transmission", parameters=terms)])
    start, end = read_days("2026-03-12", CHICAGO)
    peaks = [Event("system_peak@1", start, end, {"system": name}) for name in ("ERCOT", "PJM")]
    assert [needs.reads(one) for one in peaks] == [True, False]


def test_a_document_states_numbers_as_events():
    [event] = read_events(
        [
            {
                "kind": "month_number@1",
                "start_utc": "2026-03-01T06:00:00Z",
                "end_utc": "2026-04-01T05:00:00Z",
                "values": {"name": "meter_count", "number": "9", "document": REPORT},
            }
        ]
    )
    given = inputs("2026-03", spread(month().period.grid(15), "1"), events=(event,))
    fee = {"fee": "85.10", "per": "METER", "count": "FACT"}
    assert str(charge("recurring_fee@1", given, fee)[0].amount_usd) == "765.90"


@pytest.mark.parametrize(
    "text", ["March", "2026-13", "2026-03-31 to 2026-03-01", "2026-03-20 to 2026-04-02"]
)
def test_what_is_no_month_is_refused(text):
    with pytest.raises(Refused, match=r"no month|is before"):
        read_days(text, CHICAGO)


def test_days_are_whole_and_of_one_month():
    assert doctest.testmod(month_days).failed == doctest.testmod(named_volumes).failed == 0
    start, end = read_days("2026-03-15", CHICAGO)
    assert days_text(start, end, CHICAGO) == "2026-03-15 to 2026-03-15"
    with pytest.raises(Refused, match="for whole days of one: 2026-03-15 to 2026-03-31"):
        check_days(start.replace(minute=30), end, CHICAGO)
