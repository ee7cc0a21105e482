"""The chain before the price: losses, power factor, ratchet seasons, ramp, coincident peak."""

from datetime import date
from decimal import Decimal

import pytest

from contracts.charges import TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, charge, inputs, micro_series, term
from tests.contracts.cases import case_json, case_path, example
from tests.contracts.pysam import DAYS, ZONE

KEY = "demand@1"
PF = {"pf_reference_ratio": "0.95", "pf_reactive": "reactive", "pf_measured": "AVERAGE"}


def priced(rate="10", **more):
    return {"prices": [{"period": "ALL", "blocks": [{"rate": rate}]}], **more}


def month(kw, at=40, rest_kw=4, label="2026-10"):
    grid = Period.month(CHICAGO, label).grid(15)
    values = [rest_kw * 250_000] * grid.count
    values[at] = int(Decimal(kw) * 250_000)
    return micro_series(grid, values)


def kvarh(series, ratio):
    values = [int(Decimal(value) * Decimal(ratio)) for value in series.values.tolist()]
    other = micro_series(series.grid, values)
    return Series(other.grid, other.values, other.status, "kVArh")


def billed(given, terms, carry=None):
    return charge(KEY, given, terms, carry)[0].figures[0]


def test_a23_minimum_of_the_larger_of_contract_and_past_peak():
    expected = example("A23")["expected"]
    terms = priced("8.15", ratchet_ratio="0.85", contract_share_ratio="0.85", contract_kw="120000")
    given = inputs("2026-10", month(78_000), term=term("Demand", 20))
    sheet, _ = charge(KEY, given, terms, {"peaks": {"2026-03": "96000"}})
    assert sheet.figures[0].value == Decimal(expected["billing_kw"])
    assert str(sheet.amount_usd) == expected["amount"]


@pytest.mark.parametrize(
    ("label", "kw"), [("2026-05", "51000"), ("2026-06", "76500"), ("2027-02", "102000")]
)
def test_a_ramp_raises_the_contract_kw_from_a_month_on(label, kw):
    steps = [
        {"from_date": "2026-06-01", "contract_kw": "90000"},
        {"from_date": "2027-01-01", "contract_kw": "120000"},
    ]
    terms = priced(contract_kw="60000", contract_steps=steps, contract_share_ratio="0.85")
    assert billed(inputs(label, month(1000, label=label)), terms).value == Decimal(kw)


@pytest.mark.parametrize(("of", "kw"), [("METERED", "10215"), ("SENT", "10220")])
def test_losses_raise_the_kw_two_ways(of, kw):
    terms = priced(loss_ratio="0.0215", loss_share_of=of)
    found = billed(inputs("2026-10", month(10_000)), terms)
    assert found.value == Decimal(kw)
    assert found.inputs[0].inputs[0].value == 10_000


@pytest.mark.parametrize(
    ("ratio", "more", "kw"),
    [
        ("0.75", {}, "11875"),  # power factor 0.8
        ("0.75", {"pf_reference_ratio": "0.8"}, "10000"),
        ("0.2", {}, "10000"),  # 0.98 is better than asked for: nothing is given back
        ("0.5", {"pf_places": 2}, "10674"),  # 0.894427 rounded to 0.89
        ("0.5", {}, "10621"),
    ],
)
def test_a_low_power_factor_raises_the_kw(ratio, more, kw):
    series = month(10_000)
    given = inputs("2026-10", series)
    given.series["reactive"] = kvarh(series, ratio)
    assert billed(given, priced(**PF | more)).value == Decimal(kw)


def test_the_power_factor_may_be_that_of_the_peak():
    series = month(10_000, rest_kw=9000)
    given = inputs("2026-10", series)
    reactive = kvarh(series, "0")
    reactive.values[40] = int(series.values[40]) * 3 // 4
    given.series["reactive"] = reactive
    assert billed(given, priced(**PF, window_minutes=15)).value == Decimal(10_000)
    at_peak = priced(**PF | {"pf_measured": "AT_PEAK"})
    assert billed(given, at_peak).value == Decimal(11_875)


def test_losses_come_before_the_power_factor_and_both_before_the_ratchet():
    series = month(10_000)
    given = inputs("2026-10", series)
    given.series["reactive"] = kvarh(series, "0.75")
    terms = priced(**PF, loss_ratio="0.02", loss_share_of="METERED", ratchet_ratio="0.8")
    sheet, carry = charge(KEY, given, terms, {"peaks": {"2026-09": "20000"}})
    assert sheet.figures[0].value == 16_000
    assert carry["peaks"]["2026-10"] == "12112.5"
    assert sheet.figures[0].inputs[0].name == "peak_adjusted_kw"


def test_the_coincident_peak_is_the_kw_in_the_window_of_the_campus():
    given = inputs("2026-10", month(10_000, at=40))
    given.series["campus"] = month(90_000, at=77, rest_kw=50)
    sheet, carry = charge(KEY, given, priced(coincident_with="campus"))
    assert sheet.figures[0].value == 4
    assert carry == {"peaks": {"2026-10": "4"}}
    label = sheet.figures[0].inputs[0].source.label
    assert label == (
        "the 15-minute window in which campus is highest of delivered, begins 2026-10-01 19:15 CDT"
    )
    given.series["campus"] = micro_series(Period.month(CHICAGO, "2026-10").grid(5), [1] * 8928)
    with pytest.raises(Refused, match="'campus' has readings of another length"):
        charge(KEY, given, priced(coincident_with="campus"))


def sam_case():
    name = "Test_Commercial_kWh_per_kW_charges_with_billing_demand_percents"
    return case_json("peers/sam_utilityrate5/expected_pysam_7.1.1.json")[name]


SEASONS = {
    "ratchet_ratio": "0.6",
    "ratchet_seasons": [
        {"months": [6, 7, 8, 9], "ratchet_ratio": "0.95"},
        {"months": [1, 2, 3, 4, 5, 10, 11, 12], "ratchet_ratio": "0.6", "own_ratio": "0.6"},
    ],
    "minimum_kw": "100",
    "kw_rounding": "NONE",
    "window_minutes": 60,
}


def test_pysam_billing_demand_of_every_month_with_summer_and_winter_shares():
    outputs = sam_case()["outputs_year1"]
    path = case_path("peers/sam_utilityrate5/load_commercial_large_hourly_kW.csv")
    kw = [Decimal(f"{Decimal(line):.6f}") for line in path.read_text().split()]
    carry, start = {}, 0
    for number, days in enumerate(DAYS):
        label = f"2018-{number + 1:02d}"
        steps, start = kw[start : start + days * 24], start + days * 24
        series = Series.of(Period.month(ZONE, label).grid(60), steps, "kWh")
        given = inputs(label, series, zone=ZONE, anchor_date=date(2018, 1, 1))
        sheet, carry = charge(KEY, given, priced("0", **SEASONS), carry)
        expected = Decimal(str(outputs["billing_demand_wo_sys_ym"][number]))
        assert abs(sheet.figures[0].value - expected) < Decimal("0.000001"), label


@pytest.mark.parametrize(
    ("terms", "field", "message"),
    [
        (
            {"loss_ratio": "0.02"},
            "loss_share_of",
            "say whether losses are a share of the metered or sent energy",
        ),
        (
            {"pf_reference_ratio": "0.95"},
            "pf_reactive",
            "name the reactive energy that the power factor needs",
        ),
        (
            {"pf_reference_ratio": "0.95", "pf_reactive": "reactive"},
            "pf_measured",
            "say whether the power factor is the average or at the peak",
        ),
        (
            {"contract_steps": [{"from_date": "2026-06-15", "contract_kw": "1"}]},
            "contract_steps",
            "2026-06-15 is not the first day of a month",
        ),
        (
            {"ratchet_seasons": [{"months": [13], "ratchet_ratio": "0.5"}]},
            "ratchet_seasons",
            "month 13 is none, or stands in two seasons",
        ),
    ],
)
def test_what_a_clause_leaves_open_is_refused_at_its_field(terms, field, message):
    with pytest.raises(Refused) as caught:
        charge_type(KEY).parse(priced(**terms))
    assert [(one.where, one.message) for one in caught.value.findings] == [(field, message)]


def test_reactive_energy_of_another_length_or_with_gaps_is_refused():
    given = inputs("2026-10", month(10_000))
    given.series["reactive"] = month(10)
    with pytest.raises(Refused, match="'reactive' is kWh every 15 minutes; a power factor needs"):
        charge(KEY, given, priced(**PF))
    gaps = kvarh(month(10_000), "0.5")
    gaps.values[5] = MISSING
    given.series["reactive"] = gaps
    sheet, _ = charge(KEY, given, priced(**PF))
    assert sheet.amount_usd is None
    assert sheet.findings[0].message.startswith("'reactive' has no value in 1 intervals")
    assert charge_type(KEY).needs(charge_type(KEY).parse(priced(**PF))).series == ("reactive",)


def test_the_chain_is_said_in_words():
    terms = priced(
        **PF | {"pf_measured": "AT_PEAK", "pf_places": 3},
        coincident_with="campus",
        loss_ratio="0.0215",
        loss_share_of="SENT",
        contract_kw="60000",
        contract_steps=[{"from_date": "2027-01-01", "contract_kw": "120000"}],
        contract_share_ratio="0.85",
        ratchet_seasons=[{"months": [6, 7], "ratchet_ratio": "0.95", "own_ratio": "0.9"}],
    )
    assert charge_type(KEY).sentence(charge_type(KEY).parse(terms), TermContext()) == (
        "Demand: $10.00 per kW-month, for the 15-minute average in which “campus” is highest in "
        "the month (fixed windows of the clock), raised by losses of 2.15 % of the energy sent. "
        "The kW are multiplied by 0.95 over the power factor of that window, rounded to 3 places, "
        "when that is below it. At least billed: 95 % of an earlier peak of June and July (in the "
        "month itself 90 %) and 85 % of the contracted 60,000 kW, 120,000 kW from 1 January 2027, "
        "whichever is most. The billed kW are rounded to the nearest whole kW; a part month pays "
        "its days over the days of the month; the sum is rounded to cents once."
    )
