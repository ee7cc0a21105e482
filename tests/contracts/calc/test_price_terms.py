from datetime import date

import pytest

from contracts.calc.documents import pricing_inputs
from contracts.calc.price_terms import PricedTerm, PricingInputs, absent, needs_of, price_terms
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period

DEFAULTS = PricingInputs(
    "PPA-ALFA", 1, Period.month("America/Chicago", "2026-01"), "America/Chicago", "USD"
)
ENERGY = PricedTerm(10, 10, "fixed_energy@1", "Energy", parameters={"price": "50"})
DEMAND = PricedTerm(
    20,
    20,
    "demand@1",
    "Demand",
    parameters={"prices": [{"period": "ALL", "blocks": [{"rate": "10"}]}]},
)
DOCUMENT = {"period": "2026-03", "series": {"delivered": {"flat": "1000"}}}


def test_terms_are_priced_in_order_and_carry_by_line_code():
    inputs = pricing_inputs(DOCUMENT, DEFAULTS)
    priced, carry = price_terms([DEMAND, ENERGY], inputs)
    assert [(term.line_code, str(sheet.amount_usd)) for term, sheet in priced] == [
        (10, "148600.00"),
        (20, "40000.00"),
    ]
    assert carry == {"20": {"peaks": {"2026-03": "4000"}}}


def test_the_carry_of_a_line_reaches_only_that_line():
    document = DOCUMENT | {"carry_in": {"20": {"peaks": {"2026-02": "9000"}}}}
    term = PricedTerm(
        20, 20, "demand@1", "Demand", parameters={**DEMAND.parameters, "ratchet_ratio": "0.8"}
    )
    priced, _ = price_terms([term], pricing_inputs(document, DEFAULTS))
    assert str(priced[0][1].amount_usd) == "72000.00"


def test_an_error_names_line_and_label():
    bad = PricedTerm(10, 10, "fixed_energy@1", "Energy", parameters={"prcie": "1"})
    with pytest.raises(Refused) as caught:
        price_terms([bad], pricing_inputs(DOCUMENT, DEFAULTS))
    assert caught.value.message.startswith("line 10 'Energy': prcie: unknown field; known: ")
    assert caught.value.data["line_code"] == 10


def test_needs_of_all_terms_and_what_is_absent():
    index = PricedTerm(11, 11, "index_adder@1", "Index", parameters={"index": "HUB"})
    fee = PricedTerm(
        40, 40, "recurring_fee@1", "Fee", parameters={"fee": "1", "per": "KW", "count": "FACT"}
    )
    needs = needs_of([ENERGY, index, fee])
    assert (needs.series, needs.prices, needs.facts) == (("delivered",), ("HUB",), ("contract_kw",))
    found = absent(needs, pricing_inputs(DOCUMENT, DEFAULTS))
    assert [finding.message for finding in found] == ["prices 'HUB' is not there"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"serie": {}}, "unknown entry 'serie'; known: anchor_date, "),
        (
            {"series": {"delivered": {"flat": 1.5}}},
            "inputs.series.delivered.flat: 1.5 is a fraction without quotes",
        ),
        (
            {"series": {"delivered": {"runs": [[3, "1"]]}}},
            "delivered has 3 values, its",
        ),
        ({"series": {"delivered": {"values": []}}}, "delivered has no values"),
        ({"anchor_date": "soon"}, "anchor_date: 'soon' is not a date"),
        (
            {"series": {"d": {"start_utc": "2026-03-01T00:00", "values": ["1"]}}},
            "'2026-03-01T00:00' has no offset from UTC",
        ),
    ],
)
def test_documents_that_cannot_be_read(change, message):
    with pytest.raises(Refused) as caught:
        pricing_inputs(DOCUMENT | change, DEFAULTS)
    assert caught.value.message.startswith(message)


def test_document_with_prices_calendar_and_dates():
    document = {
        "period": "2026-03-08",
        "in_force": ["2026-03-08", "2026-03-08"],
        "anchor_date": "2026-01-01",
        "prices": {"HUB": {"flat": "31.5", "vintage": "final"}},
        "calendars": {
            "C": {
                "schedule": {
                    "zone": "America/Chicago",
                    "rows": [{"start": "00:00", "end": "24:00", "period": "ALL"}],
                },
                "holidays": ["2026-07-04"],
            }
        },
    }
    inputs = pricing_inputs(document, DEFAULTS)
    assert inputs.prices["HUB"].grid.count == 23
    assert inputs.calendars["C"].holidays == {date(2026, 7, 4)}
    assert inputs.anchor_date == date(2026, 1, 1)
