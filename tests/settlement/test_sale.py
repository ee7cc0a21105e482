"""What a campus sells: exact products of energy and price, less the fee; what is missing blocks."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.rounding import money
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.money import divide
from settlement.calc.sale import priced, sent_out, sold
from tests.contracts.cases import example
from tests.settlement.pools import pool, stays

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
EQUAL = ("equal_parts@1", {"part_month": "WHOLE"})


def energy(*kwh, minutes=60):
    values = [None if one is None else Decimal(str(one)) for one in kwh]
    return Series.of(Grid(START, minutes, len(values)), values, "kWh")


def hub(*usd, unit="USD/MWh", minutes=60):
    values = [None if one is None else Decimal(str(one)) for one in usd]
    return PriceSeries.of(Grid(START, minutes, len(values)), values, unit)


def terms(fee="0.85"):
    return {
        "first_period": "2026-01",
        "channel": "TIE/REC_KWH",
        "index": "HUB",
        "fee_usd_per_mwh": fee,
    }


def sale(sent, prices, fee="0.85"):
    return sold(terms(fee), sent, priced(prices, sent, "America/Chicago"), "final")


def revenue(sheet, **more):
    """Divide what was sold among two members."""
    document = pool(*EQUAL, stays(ALFA="", BRAVO=""), kind="REVENUE", sale=terms(), **more)
    return divide(document, {}, sheet)


def test_case_b09_from_intervals_and_prices_to_the_net_of_fees():
    case = example("B09")
    pairs = case["inputs"]["export_mwh_price"]
    sheet = sale(
        energy(*(Decimal(mwh) * 1000 for mwh, _price in pairs)),
        hub(*(price for _mwh, price in pairs)),
        fee="0.85",
    )
    assert str(sheet.amount_usd) == case["expected"]["net"]
    operator = {"party": "OPCO", "cut_ratio": "0.10"}
    division = revenue(sheet, operator=operator)
    assert str(division.operator_usd) == case["expected"]["operator"]
    assert sum(share.amount_usd for share in division.shares) == division.shared_usd


def test_the_worksheet_says_what_was_multiplied_and_where_it_stands():
    sheet = sale(energy(12500, 18250, minutes=60), hub("41.20", "-6.10"))
    sent, fee = sheet.rows
    assert sent.sentence() == "2 intervals, 30.75 MWh at 13.127642 USD/MWh on average"
    assert sent.quantity.sentence() == "30750 kWh / 1000"
    assert sent.quantity.inputs[0].source.kind == "readings"
    assert sent.rate.source.label == "HUB, final"
    assert fee.sentence() == "30.75 MWh x -0.85 USD/MWh"
    assert fee.rate.inputs[0].source.label == "fee agreed from 2026-01 on"
    assert sheet.amount_usd == money(Decimal("403.675") - Decimal("26.1375"))
    assert Worksheet.from_json(sheet.to_json()).amount_usd == sheet.amount_usd
    assert len(sale(energy(1), hub(1), fee="0").rows) == 1


def test_an_hourly_price_holds_for_its_quarters_and_a_net_tie_sells_what_flows_out():
    net = energy(5, "-2", "-4", 0, minutes=15)
    sheet = sale(sent_out(net, is_net=True), hub("0.05", unit="USD/kWh"), fee="0")
    assert sheet.amount_usd == Decimal("0.30")
    assert sheet.rows[0].sentence() == "4 intervals, 6 kWh at 0.050000 USD/kWh on average"
    with pytest.raises(Refused, match="lies in two prices"):
        sale(energy(1), hub(1, 2, 3, 4, minutes=15))
    with pytest.raises(Refused, match="kWh cannot be sold at a price in USD/MMBtu"):
        sale(energy(1), hub(1, unit="USD/MMBtu"))


def test_a_missing_reading_or_price_leaves_no_amount_and_blocks():
    sheet = sale(energy(1, None, None), hub(30, 30, None))
    assert sheet.amount_usd is None
    division = revenue(sheet)
    assert (division.amount_usd, division.operator_usd) == (None, None)
    assert [share.amount_usd for share in division.shares] == [None, None]
    assert [(one.message, one.fix) for one in division.findings] == [
        (
            "TIE/REC_KWH has no reading in 2 of 3 intervals, the first begins 2026-03-01 07:00 "
            "UTC.",
            "Bring in or estimate the readings, then divide the pool again.",
        ),
        (
            "HUB has no price in 1 of 3 intervals, the first begins 2026-03-01 08:00 UTC.",
            "Load the prices of HUB, then divide the pool again.",
        ),
    ]


def test_an_amount_is_computed_or_entered_or_handed_down_but_one_of_them():
    sheet = sale(energy(1000), hub(30))
    document = pool(*EQUAL, stays(ALFA=""), "5.00", kind="REVENUE", sale=terms())
    [entered] = divide(document, {}, sheet).findings
    assert entered.message == "site has items of its own and sells the energy of TIE/REC_KWH."
    [part] = revenue(sheet, above={"pool": "campus", "share_usd": "1.00"}).findings
    assert part.message == "site sells the energy of TIE/REC_KWH and is a part of campus."
    kept = divide(pool(*EQUAL, {}, kind="REVENUE", sale=terms()), {}, sheet)
    assert (kept.amount_usd, kept.shares) == (Decimal("29.15"), ())


kwh = st.integers(0, 10**12)
usd = st.integers(-(10**12), 10**12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(kwh, usd), min_size=1, max_size=30), st.integers(0, 10**8))
def test_the_amount_is_the_exact_sum_rounded_once(pairs, fee):
    sent = energy(*(Decimal(one).scaleb(-6) for one, _price in pairs))
    prices = hub(*(Decimal(price).scaleb(-8) for _kwh, price in pairs))
    charged = Decimal(fee).scaleb(-8)
    exact = sum(Fraction(one * (price - fee), 10**17) for one, price in pairs)
    assert sale(sent, prices, fee=f"{charged:f}").amount_usd == money(exact)
