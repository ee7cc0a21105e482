"""Which lines an amendment has to have agreed amounts for."""

from dataclasses import replace
from datetime import date

from contracts.calc.agreed_lines import PricedBy, not_agreed, said
from contracts.calc.price_terms import PricedTerm

FEE = PricedTerm(
    1, 40, "recurring_fee@1", "Service", parameters={"fee": "1", "per": "METER", "count": "FACT"}
)
ENERGY = PricedTerm(2, 10, "fixed_energy@1", "Energy", parameters={"price": "50"})
BEFORE = PricedBy((FEE, ENERGY), {"meter_count": "9"}, date(2026, 1, 1))


def deeds(version, before=BEFORE, agreed=()):
    return [(term.line_code, deed) for term, deed in not_agreed(version, before, agreed)]


def test_a_line_that_goes_on_as_it_was_needs_no_amount():
    same = replace(BEFORE, terms=(replace(ENERGY, label="Power", clause="9"), FEE))
    assert deeds(same) == []


def test_all_that_prices_a_line_counts():
    for other in ({"parameters": {"price": "51"}}, {"quantity_name": "metered"}):
        changed = replace(BEFORE, terms=(replace(ENERGY, **other), FEE))
        assert deeds(changed) == [(10, "changes")]
        assert deeds(changed, agreed={40}) == [(10, "changes")]
        assert deeds(changed, agreed={10}) == []
    assert deeds(replace(BEFORE, facts={"meter_count": "8"})) == [(40, "changes")]
    moved = replace(BEFORE, anchor_date=date(2027, 1, 1))
    assert deeds(moved) == [(10, "changes"), (40, "changes")]


def test_a_first_version_adds_all_its_lines():
    assert deeds(BEFORE, None) == [(10, "adds"), (40, "adds")]
    text = "line 10 Energy, which this version adds; line 40 Service, which this version adds"
    assert said(not_agreed(BEFORE, None, ())) == text
