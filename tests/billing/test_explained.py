"""How billed kW and corrections are explained, from the worksheet alone."""

import re
from decimal import Decimal

import pytest

from billing.calc.corrections import correction_words
from billing.calc.demand import demand_facts
from billing.calc.provisional import provisional_words
from billing.documents.view import demand_view, view_of
from contracts.charges import charge_type
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.worksheet import Row, Worksheet
from tests.billing.sample import MARCH, ZONE, document, march_series, sheets
from tests.contracts.builders import inputs, spread

PRICES = [{"blocks": [{"rate": "9.85"}]}]


def charged(parameters, carry=None):
    series = spread(MARCH.grid(15), "1000")  # 4,000 kW in the first quarter of the month
    kind = charge_type("demand@1")
    terms = kind.parse({"prices": PRICES, **parameters})
    return kind.charge(inputs("2026-03", series), terms, carry or {})[0]


def test_peak_window_is_local_with_its_reading():
    facts = demand_facts(charged({}), ZONE)
    (window,) = facts["windows"]
    assert window["said"] == "2026-03-01 00:00 to 00:15 CST"
    assert Decimal(window["kwh"]) == 1000
    assert Decimal(window["kw"]) == 4000
    assert window["start_utc"] == "2026-03-01T06:00:00Z"
    assert facts["months"] == []
    assert [one["key"] for one in facts["candidates"] if one["binds"]] == ["peak"]


@pytest.mark.parametrize(
    ("parameters", "carry", "key", "kw"),
    [
        ({"ratchet_ratio": "0.8"}, {"2025-12": "6000", "2026-02": "5000"}, "ratchet", "4800"),
        ({"minimum_kw": "4100"}, {}, "minimum", "4100"),
        ({"contract_kw": "9000", "contract_share_ratio": "0.6"}, {}, "contract", "5400"),
        ({"ratchet_ratio": "0.5"}, {"2026-02": "7000"}, "peak", "4000"),
    ],
)
def test_what_decides_is_marked(parameters, carry, key, kw):
    facts = demand_facts(charged(parameters, {"peaks": carry}), ZONE)
    (decides,) = [one for one in facts["candidates"] if one["binds"]]
    assert decides["key"] == key
    assert Decimal(decides["kw"]) == Decimal(kw) == Decimal(facts["billed_kw"])


def test_the_months_of_the_ratchet_are_listed_and_the_highest_marked():
    carry = {"peaks": {"2025-12": "6000", "2026-01": None, "2026-02": "5000"}}
    facts = demand_facts(charged({"ratchet_ratio": "0.8"}, carry), ZONE)
    assert [(one["month"], one["binds"]) for one in facts["months"]] == [
        ("2025-12", True),
        ("2026-02", False),
    ]
    shown = demand_view(facts)
    assert shown["months"][0]["kw"] == "6,000 kW"
    assert shown["candidates"][1]["formula"] == "80 % × 6,000 kW"


def test_a_line_of_energy_has_no_demand():
    code, _, sheet = next(iter(sheets(march_series())))
    assert code == 10
    assert demand_facts(sheet, ZONE) is None
    assert demand_view(None) is None


def test_paper_and_page_say_the_same_of_demand_and_nothing_in_utc():
    made = document()
    (line,) = [one for one in view_of(made, "0" * 64)["lines"] if one["demand"]]
    (stored,) = [one for one in made["lines"] if one["demand"]]
    sheet = Worksheet.from_json(stored["worksheet"])
    assert line["demand"] == demand_view(demand_facts(sheet, ZONE))
    assert not re.search(r"\d UTC", str(line))
    assert "Peak kW" not in [row["name"] for row in line["determinants"]]


def correction(before="1000.00", after="1120.00", volume="100.00", price="20.00"):
    data = {"before_usd": before, "after_usd": after}
    source = Source("carry", "2026-02", "version 1 and 2", data)
    one = Figure("difference", Decimal(1), "count", source)
    rows = [
        Row(label, one, Figure("amount", Decimal(usd), "USD", source))
        for label, usd in (("Volume effect", volume), ("Price effect", price))
    ]
    return Worksheet("Correction of 2026-02: Energy", tuple(rows))


def test_a_correction_says_its_month_and_why():
    assert correction_words("2026-02", correction()) == (
        "Correction of 2026-02: billed 1,000.00 before, 1,120.00 with today's readings and prices "
        "(volume effect +100.00, price effect +20.00)"
    )
    assert correction_words("2026-02", correction(after="900.00", volume="-100", price="0")) == (
        "Correction of 2026-02: billed 1,000.00 before, 900.00 with today's readings and prices "
        "(volume effect −100.00)"
    )
    assert correction_words("", correction()) == ""


def test_a_provisional_line_says_so_and_why():
    def sheet(*metrics):
        return Worksheet("Energy", findings=tuple(
            Finding("contracts.price_provisional", "…", Severity.WARN, metric=metric)
            for metric in metrics
        ))  # fmt: skip

    assert provisional_words(sheet()) == ""
    assert provisional_words(sheet(None)) == (
        "Provisional: the publisher may still change the prices"
    )
    assert provisional_words(sheet(None, Decimal(3))) == (
        "Provisional: 3 prices were not published and are replaced as the clause says"
    )
