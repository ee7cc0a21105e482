"""Kinds of events: what they record, what they refuse, and how a document carries them."""

import doctest
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from contracts import events
from contracts.calc.documents import read_events
from contracts.charges import ChargeInputs
from contracts.events import Event, check_event, check_together, event_kind, event_kinds
from poweroptix.kernel.errors import NotFoundError, Refused
from settlement.calc.inputs import Inputs, from_bytes
from tests.contracts.builders import inputs

SAID = {
    "outage@1": (
        {"category": "FORCED", "caused_by": "SELLER"},
        "Forced outage, caused by seller",
    ),
    "start@1": ({"state": "COLD", "caused_by": "BUYER"}, "Cold start, caused by buyer"),
    "curtailment@1": ({"ordered_by": "GRID"}, "Curtailment ordered by grid"),
    "excuse@1": (
        {"excused": "BUYER", "energy_mwh": "120.5", "cause": "force majeure"},
        "Buyer excused of 120.5 MWh: force majeure",
    ),
    "capacity_test@1": ({"capacity_kw": "61500"}, "Tested capacity 61,500 kW"),
    "cycle@1": ({"cycles": "1.25"}, "1.25 full-equivalent cycles"),
    "fuel_invoice@1": (
        {"volume_mmbtu": "120000", "amount_usd": "402000.00"},
        "Invoice for 120,000 MMBtu of gas: $402,000.00",
    ),
    "month_number@1": (
        {"name": "outage_mwh", "number": "600", "document": "Report 7", "line_code": "35"},
        "outage_mwh 600, line 35: Report 7",
    ),
    "system_peak@1": (
        {
            "system": "ERCOT 4CP",
            "published_at": "2026-04-02T14:00:00-05:00",
            "source": "Notice 7",
            "finality": "FINAL",
        },
        "Peak of ERCOT 4CP, final, published 2026-04-02T14:00:00-05:00: Notice 7",
    ),
    "open_item@1": (
        {"reference": "INV-7", "amount_usd": "1284500.37", "tax_usd": "84500.00"},
        "INV-7 was due: $1,284,500.37, $84,500.00 of it tax",
    ),
    "payment@1": (
        {"reference": "INV-7", "amount_usd": "500000.00"},
        "$500,000.00 paid for INV-7",
    ),
    "state_of_charge@1": (
        {"start_mwh": "40.0", "end_mwh": "62.5"},
        "Stored energy 40 MWh, later 62.5 MWh",
    ),
}


def at(day, hour=0, minute=0):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


def event(kind, start=None, end=None, **values):
    start = start or at(2)
    end = end or (at(3) if event_kind(kind).lasts else start)
    return Event(kind, start, end, values or SAID[kind][0])


def test_every_kind_is_said_in_words():
    assert set(SAID) == set(event_kinds.keys())
    for key, (values, said) in SAID.items():
        kind = event_kind(key)
        assert kind.sentence(kind.parse(values)) == said
        check_event(event(key))


def test_a_derating_says_what_it_lost():
    kind = event_kind("outage@1")
    part = kind.parse({"category": "DERATING", "caused_by": "GRID", "lost_ratio": "0.25"})
    assert kind.sentence(part) == "Derating by 25 %, caused by grid"
    kw = kind.parse({"category": "DERATING", "caused_by": "FORCE_MAJEURE", "lost_kw": "1500"})
    assert kind.sentence(kw) == "Derating by 1,500 kW, caused by force majeure"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (event("outage@1", category="DERATING", caused_by="GRID"), "either lost_ratio or lost_kw"),
        (
            event("outage@1", category="FORCED", caused_by="GRID", lost_kw="1"),
            "a forced outage loses everything; leave the lost part empty",
        ),
        (event("start@1", state="TEPID", caused_by="BUYER"), "'TEPID' is not one of HOT, WARM"),
        (event("start@1", at(2), at(3)), "start of 2026-03-02 00:00 UTC happens at one instant"),
        (
            event("month_number@1", name=" ", number="1", document="Report 7"),
            "number of a month of 2026-03-02 00:00 UTC: name: is required",
        ),
        (
            event("system_peak@1", **SAID["system_peak@1"][0] | {"published_at": "2026-04-02"}),
            "published_at: '2026-04-02' has no offset from UTC",
        ),
        (event("open_item@1", reference="", amount_usd="1", tax_usd="0"), "reference: is required"),
        (event("cycle@1", at(2), at(2)), "ends at 2026-03-02 00:00 UTC; give a later end"),
    ],
)
def test_a_wrong_event_is_refused_with_its_name(wrong, said):
    with pytest.raises(Refused, match=said):
        check_event(wrong)


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(NotFoundError, match="no kind of event 'flood@1'; known: capacity_test@1"):
        check_event(Event("flood@1", at(2), at(3)))


def test_only_what_can_be_at_one_time_may_overlap():
    check_together([event("cycle@1"), event("cycle@1")])
    check_together([event("outage@1", at(2), at(3)), event("outage@1", at(3), at(4))])
    with pytest.raises(Refused, match="overlaps the curtailment of 2026-03-02 00:00 UTC, which"):
        check_together([event("curtailment@1"), event("curtailment@1", at(2, 23), at(4))])


def given(*found) -> ChargeInputs:
    return replace(inputs("2026-03"), events=tuple(found))


def test_a_charge_sees_the_events_of_its_days_in_order():
    """March begins at 06:00 UTC in Chicago and ends at 05:00 UTC on 1 April."""
    before = event("start@1", at(1, 5, 59))
    first, later = event("start@1", at(1, 6)), event("start@1", at(9))
    april = event("start@1", datetime(2026, 4, 1, 5, tzinfo=UTC))
    assert given(april, later, before, first).happened("start@1") == [first, later]


def test_a_capacity_test_counts_until_the_next_one():
    old, last, now = (
        event("capacity_test@1", datetime(2026, month, 3, tzinfo=UTC)) for month in (1, 2, 3)
    )
    later = event("capacity_test@1", datetime(2026, 5, 3, tzinfo=UTC))
    assert given(later, now, old, last).happened("capacity_test@1") == [last, now]


def test_overlapping_outages_are_refused_when_they_are_read():
    twice = given(event("outage@1", at(2), at(4)), event("outage@1", at(3), at(5)))
    with pytest.raises(Refused, match="outage of 2026-03-03 00:00 UTC overlaps"):
        twice.happened("outage@1")


def test_a_run_without_events_has_the_bytes_it_always_had():
    bare = Inputs("PPA-1", "USD", "America/Chicago", given().period, ())
    assert "events" not in bare.document()
    assert from_bytes(bare.frozen()[0]).events == ()


def test_a_frozen_event_is_read_back_as_it_was():
    row = replace(event("outage@1", at(2, 1), at(2, 3)), reference="event 7")
    frozen = Inputs("PPA-1", "USD", "America/Chicago", given().period, (), events=(row,))
    content, sha256 = frozen.frozen()
    again = from_bytes(content)
    assert again.events == (row,)
    assert again.frozen() == (content, sha256)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"kind": "start@1"}, "events: {'kind': 'start@1'} is not"),
        ({"kind": "flood@1", "start_utc": "2026-03-02T00:00Z"}, "events: There is no kind of"),
        ({"kind": "start@1", "start_utc": "2026-03-02T00:00"}, "has no offset from UTC"),
        ("start", "events: 'start' is not"),
    ],
)
def test_an_event_that_cannot_be_read_is_refused(entry, said):
    with pytest.raises(Refused, match=said):
        read_events([entry])


def test_examples_in_docstrings():
    assert doctest.testmod(events._base).failed == 0
