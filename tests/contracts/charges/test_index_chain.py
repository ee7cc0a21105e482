"""Ladder, basis, collar and share of an indexed clause: figures, laws and refusals."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calc import index_chain, price_ladder
from contracts.calc.price_ladder import LadderParameters, Rung, climb
from contracts.calc.price_versions import first_final
from contracts.charges import charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from tests.contracts.builders import CHICAGO, amount, charge, inputs
from tests.contracts.cases import example

KEY = "index_adder@1"
START = datetime(2026, 3, 1, 6, tzinfo=UTC)


def hourly(numbers, *, start=START, final=True):
    values = [None if one in (None, "None") else Decimal(one) for one in numbers]
    return PriceSeries.of(Grid(start, 60, len(values)), values, "USD/MWh", "real-time", final)


def month(mwh, **prices):
    grid = Grid(START, 60, len(mwh))
    series = Series.of(grid, [Decimal(one) * 1000 for one in mwh], "kWh")
    period = Period(START, grid.end_utc, CHICAGO, "2026-03-01")
    return inputs(period=period, series=series, prices=prices)


A42_LADDER = [{"take": "NEIGHBOURS", "longest_gap": 1}, {"take": "SERIES", "series": "DA"}]


def test_a42_ladder_of_the_contract_prices_the_gaps_and_says_so():
    case = example("A42")
    given_prices = {name: hourly(case["inputs"][key])
                    for name, key in (("RT", "real_time"), ("DA", "day_ahead"))}  # fmt: skip
    sheet, _ = charge(KEY, month(["25"] * 6, **given_prices), {"index": "RT", "ladder": A42_LADDER})
    assert str(sheet.amount_usd) == case["expected"]["amount"]
    [counted] = [one for one in sheet.figures if one.name == "provisional_intervals"]
    assert counted.value == case["expected"]["estimated_intervals"]
    assert [(part.value, part.source.label, part.note) for part in counted.inputs] == [
        (1, "the mean of the neighbours", "2026-03-01T07:00Z to 2026-03-01T08:00Z"),
        (2, "the price of DA", "2026-03-01T09:00Z to 2026-03-01T11:00Z"),
    ]
    [warning] = sheet.findings
    assert (warning.code, warning.severity) == ("contracts.price_provisional", "WARN")
    assert warning.message == (
        "3 prices of RT not published, so the line is provisional. the mean of the neighbours: "
        "2026-03-01T07:00Z to 2026-03-01T08:00Z; the price of DA: "
        "2026-03-01T09:00Z to 2026-03-01T11:00Z"
    )


def test_what_no_rung_answers_blocks():
    given_month = month(["25"] * 3, RT=hourly([1, None, None]), DA=hourly([1, 2, None]))
    sheet, _ = charge(KEY, given_month, {"index": "RT", "ladder": A42_LADDER})
    assert sheet.amount_usd is None
    assert [one.severity for one in sheet.findings] == ["BLOCK", "WARN"]
    assert sheet.findings[0].message == (
        "no price of RT for 2026-03-01 08:00 UTC and later (1 intervals)"
    )


def filled(numbers, *rungs, start=START, zone=CHICAGO, **others):
    found = climb("RT", hourly(numbers, start=start), LadderParameters(ladder=rungs), others, zone)
    return [None if one is None else str(one) for one in found.prices.decimals()]


def test_neighbours_only_fill_gaps_as_short_as_agreed():
    two = Rung(take="NEIGHBOURS", longest_gap=2)
    assert filled([10, None, 13], two) == ["10", "11.5", "13"]
    assert filled([10, None, None, 13], two) == ["10", "11.5", "11.5", "13"]
    assert filled([10, None, None, None, 13], two)[1:4] == [None] * 3
    assert filled([None, 13, None], two) == [None, "13", None]


def test_the_same_time_is_local_and_the_hour_that_was_left_out_has_none():
    """On 8 March 2026 the clock of Chicago goes from 02:00 to 03:00."""
    days = [str(hour) for hour in range(24 * 9)]
    midnight, four = 8 * 24 - 1, 8 * 24 + 3  # of 9 March
    numbers = [None if at in (midnight, four) else one for at, one in enumerate(days)]
    found = filled(numbers, Rung(take="SAME_TIME", days=1))
    assert found[midnight] == str(midnight - 23)
    assert found[four] == str(four - 24)
    early = [None if at == 8 * 24 + 1 else one for at, one in enumerate(days)]  # 9 March 02:00
    assert filled(early, Rung(take="SAME_TIME", days=1))[8 * 24 + 1] is None


def test_mean_of_days_and_the_last_published_price():
    base = ["10"] * 24 + ["13"] * 24 + [None] * 24
    assert filled(base, Rung(take="AVERAGE_DAYS", days=2))[48] == "11.5"
    assert filled(base, Rung(take="LAST_PUBLISHED", days=1))[48:] == ["13"] * 24
    assert filled(base + [None] * 24, Rung(take="LAST_PUBLISHED", days=1))[72:] == [None] * 24


def test_a_substitute_is_never_the_source_of_another():
    ladder = (Rung(take="NEIGHBOURS", longest_gap=1), Rung(take="LAST_PUBLISHED", days=1))
    assert filled([10, None, 20, None, None], *ladder) == ["10", "15", "20", "20", "20"]


@pytest.mark.parametrize(
    ("rung", "message"),
    [
        ({"take": "SERIES"}, "the rung SERIES needs 'series'"),
        ({"take": "NEIGHBOURS", "days": 2, "longest_gap": 1}, "the rung NEIGHBOURS has no 'days'"),
        ({"take": "LAST_PUBLISHED"}, "the rung LAST_PUBLISHED needs 'days'"),
    ],
)
def test_a_rung_says_what_it_needs(rung, message):
    with pytest.raises(Refused, match=message):
        charge_type(KEY).parse({"index": "RT", "ladder": [rung]})


def test_a_series_that_cannot_stand_in_is_refused():
    gap = hourly([1, None])
    ladder = {"index": "RT", "ladder": [{"take": "SERIES", "series": "DA"}]}
    with pytest.raises(Refused, match="no prices of 'DA'; known: RT"):
        charge(KEY, month(["1"] * 2, RT=gap), ladder)
    fine = PriceSeries.of(Grid(START, 15, 8), [Decimal(1)] * 8, "USD/MWh")
    with pytest.raises(Refused, match="DA every 15 minutes cannot stand in for prices of RT"):
        charge(KEY, month(["1"] * 2, RT=gap, DA=fine), ladder)
    gas = PriceSeries.of(gap.grid, [Decimal(1)] * 2, "USD/MMBtu")
    with pytest.raises(Refused, match="DA is quoted in USD/MMBtu, RT in USD/MWh"):
        charge(KEY, month(["1"] * 2, RT=gap, DA=gas), ladder)


COLLAR = {"index": "HUB", "floor": "25.00", "cap": "60.00"}


@pytest.mark.parametrize(
    ("terms", "key"),
    [
        ({**COLLAR, "collar_per": "INTERVAL", "collar_on": "PRICE"}, "per_interval"),
        ({**COLLAR, "collar_per": "AVERAGE", "collar_on": "PRICE"}, "period_average"),
        ({"index": "HUB"}, "uncollared"),
    ],
)
def test_a15_collar(terms, key):
    case = example("A15")
    hub = hourly(case["inputs"]["prices"])
    assert amount(KEY, month(["25"] * 4, HUB=hub), terms) == case["expected"][key]


SHARE = {"index": "HUB", "multiplier": "0", "adder": "55", "upside_threshold": "70",
         "upside_share_ratio": "0.4"}  # fmt: skip


@pytest.mark.parametrize(
    ("level", "key"), [("INTERVAL", "per_interval"), ("AVERAGE", "on_average")]
)
def test_a16_shared_upside(level, key):
    case = example("A16")
    given_month = month(case["inputs"]["mwh"], HUB=hourly(case["inputs"]["index"]))
    sheet, _ = charge(KEY, given_month, {**SHARE, "share_per": level})
    assert str(sheet.amount_usd) == case["expected"][key]
    rate = sheet.rows[0].rate
    if level == "AVERAGE":
        assert rate.value == 55
        assert rate.formula == (
            "average_price + upside_share_ratio x max(0, average_index - upside_threshold)"
        )
        [index] = [one for one in rate.inputs if one.name == "average_index"]
        assert f"{index.value:.6f}" == "69.444538"


def test_a_collar_on_the_index_comes_before_the_adder():
    hub = hourly(["10", "80"])
    terms = {"index": "HUB", "adder": "5", "floor": "20", "cap": "60", "collar_per": "INTERVAL"}
    of_index = amount(KEY, month(["1"] * 2, HUB=hub), {**terms, "collar_on": "INDEX"})
    of_price = amount(KEY, month(["1"] * 2, HUB=hub), {**terms, "collar_on": "PRICE"})
    assert (of_index, of_price) == ("90.00", "80.00")  # 25 + 65 against 20 + 60
    averaged = {**terms, "collar_per": "AVERAGE", "cap": "40"}
    assert amount(KEY, month(["1"] * 2, HUB=hub), {**averaged, "collar_on": "INDEX"}) == "90.00"
    assert amount(KEY, month(["1"] * 2, HUB=hub), {**averaged, "collar_on": "PRICE"}) == "80.00"


def test_the_average_is_rounded_only_where_the_contract_says():
    given_month = month(["1", "2"], HUB=hourly(["10", "11"]))  # average 10.666...
    terms = {"index": "HUB", "cap": "60", "collar_per": "AVERAGE", "collar_on": "PRICE"}
    assert amount(KEY, given_month, terms) == "32.00"
    assert amount(KEY, given_month, {**terms, "average_price_places": 1}) == "32.10"


def test_a_downside_share_lowers_the_price():
    terms = {"index": "HUB", "downside_threshold": "20", "downside_share_ratio": "0.5",
             "share_per": "INTERVAL"}  # fmt: skip
    assert amount(KEY, month(["1"] * 2, HUB=hourly(["10", "30"])), terms) == "35.00"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"floor": "1"}, "floor or cap need collar_per"),
        ({"collar_per": "AVERAGE"}, "floor or cap need collar_per"),
        ({"cap": "1", "collar_per": "AVERAGE"}, "floor or cap need collar_on"),
        ({"upside_threshold": "1", "upside_share_ratio": "1"}, "a share needs share_per"),
        ({"upside_threshold": "1", "share_per": "AVERAGE"}, "a threshold and its share"),
        (
            {"floor": "2", "cap": "1", "collar_per": "AVERAGE", "collar_on": "PRICE"},
            "the floor 2 lies above the cap 1",
        ),
        (
            {"cap": "1", "collar_per": "AVERAGE", "collar_on": "PRICE", "upside_threshold": "1",
             "upside_share_ratio": "1", "share_per": "INTERVAL"},
            "a collar on the average needs a share on it",
        ),
        ({"average_price_places": 2}, "average_price_places needs a collar"),
        ({"basis_index": "NODE"}, "basis_index and basis_share_ratio stand together"),
        (
            {"floor": "1", "collar_per": "AVERAGE", "collar_on": "PRICE", "split_adder": True},
            "split_adder prints index and adder apart",
        ),
    ],
)  # fmt: skip
def test_terms_that_contradict_are_refused(change, message):
    with pytest.raises(Refused, match=message):
        charge_type(KEY).parse({"index": "HUB", **change})


@pytest.mark.parametrize(("share", "dollars"), [("0", "7.00"), ("1", "5.00"), ("0.25", "6.50")])
def test_basis_moves_the_price_from_hub_to_node(share, dollars):
    given_month = month(["1"] * 2, HUB=hourly(["4", "3"]), NODE=hourly(["1", "4"]))
    terms = {"index": "HUB", "basis_index": "NODE", "basis_share_ratio": share}
    assert amount(KEY, given_month, terms) == dollars
    gap = month(["1"] * 2, HUB=hourly(["4", "3"]), NODE=hourly(["1", None]))
    sheet, _ = charge(KEY, gap, terms)
    assert sheet.amount_usd is None
    assert sheet.findings[0].message.startswith("no price of NODE for 2026-03-01 07:00 UTC")


cents = st.integers(-5000, 15000).map(lambda value: Decimal(value) / 100)
hours = st.lists(st.tuples(cents, st.integers(0, 50)), min_size=1, max_size=8)


@settings(max_examples=40, deadline=None)
@given(hours, cents, cents)
def test_a_collar_on_the_average_is_the_collared_average(pairs, one, other):
    floor, cap = sorted((one, other))
    given_month = month([str(mwh) for _, mwh in pairs], HUB=hourly([p for p, _ in pairs]))
    terms = {"index": "HUB", "floor": str(floor), "cap": str(cap), "collar_per": "AVERAGE",
             "collar_on": "PRICE"}  # fmt: skip
    sheet, _ = charge(KEY, given_month, terms)
    energy, money = sum(mwh for _, mwh in pairs), sum(price * mwh for price, mwh in pairs)
    if energy:
        average = min(max(Fraction(money) / energy, Fraction(floor)), Fraction(cap))
        assert abs(Fraction(sheet.exact_usd) - average * energy) < Fraction(1, 10**40)
    else:
        assert sheet.amount_usd == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.none(), cents), min_size=1, max_size=30))
def test_a_ladder_changes_no_published_price_and_marks_all_it_fills(numbers):
    ladder = LadderParameters(
        ladder=(Rung(take="NEIGHBOURS", longest_gap=2), Rung(take="LAST_PUBLISHED", days=1))
    )
    published = hourly(numbers)
    found = climb("RT", published, ladder, {}, CHICAGO)
    end = published.grid.end_utc
    runs = price_ladder.spans(found, START, end)
    for before, after, rung in zip(
        published.decimals(), found.prices.decimals(), found.rung.tolist(), strict=True
    ):
        assert after == before if before is not None else (after is None) == (rung < 0)
    assert sum(run["intervals"] for run in runs) == int(found.is_substituted.sum())


def test_needs_of_a_ladder():
    terms = charge_type(KEY).parse(
        {"index": "RT", "ladder": [*A42_LADDER, {"take": "SAME_TIME", "days": 7}]}
    )
    needs = index_chain.needs(terms)
    assert (needs.prices, needs.helped, needs.standby) == (("RT", "DA"), ("RT",), ("DA",))
    assert needs.days_before == {"RT": 7}


def test_finer_prices_are_averaged_where_the_clause_says_so():
    """Three prices of 20 minutes have a mean that does not end; a gap in one leaves no mean."""
    fine = PriceSeries.of(
        Grid(START, 20, 6), [Decimal(one) for one in ("1", "1", "2", "4", "4", "7")], "USD/MWh"
    )
    terms = {"index": "HUB", "finer_prices": "AVERAGE"}
    sheet, _ = charge(KEY, month(["3", "1"], HUB=fine), terms)
    assert sheet.exact_usd == Decimal("3") * Decimal("1.33333333") + 5
    gap = PriceSeries.of(fine.grid, [*fine.decimals()[:5], None], "USD/MWh")
    sheet, _ = charge(KEY, month(["3", "1"], HUB=gap), terms)
    assert sheet.findings[0].message.startswith("no price of HUB for 2026-03-01 07:00 UTC")
    whole = PriceSeries.of(Grid(START, 45, 4), [Decimal(1)] * 4, "USD/MWh")
    with pytest.raises(Refused, match="every 45 minutes cannot price readings of 60 minutes"):
        charge(KEY, month(["3", "1"], HUB=whole), terms)


def test_a_clause_may_take_prices_as_they_were_first_final():
    ladder = [{"take": "SERIES", "series": "NODE"}]
    terms = {"index": "HUB", "revisions": "FIRST_FINAL", "basis_index": "NODE",
             "basis_share_ratio": "1", "ladder": ladder}  # fmt: skip
    kind = charge_type(KEY)
    parsed = kind.parse(terms)
    needs = kind.needs(parsed)
    assert needs.prices == ("HUB@first", "NODE", "NODE@first")
    assert (needs.helped, needs.standby) == (("HUB@first",), ("NODE",))
    assert needs.index_codes == ["HUB", "NODE"]
    first = {"HUB@first": hourly(["4"]), "NODE@first": hourly(["7"])}
    given_month = month(["1"], HUB=hourly(["1"]), **first)
    assert amount(KEY, given_month, terms) == "7.00"
    assert "as it was first published as final, whatever is revised later" in kind.sentence(parsed)
    with pytest.raises(Refused, match="no prices of 'HUB@first'; known: HUB"):
        charge(KEY, month(["1"], HUB=hourly(["1"])), {"index": "HUB", "revisions": "FIRST_FINAL"})


def test_the_first_final_price_holds():
    """Provisional first, final in two publications, then a revision that changes nothing."""
    gap = -(2**63)
    prices, not_yet = first_final([([1, 2, 3], range(3)), ([10, 2, gap], ())])
    assert (prices.tolist(), not_yet) == ([10, 2, gap], [])
    prices, not_yet = first_final([([1, 2, 3], range(3)), ([10, 2, 3], [1, 2])])
    assert (prices.tolist(), not_yet) == ([10, 2, 3], [1, 2])
    prices, not_yet = first_final(
        [([1, 2, 3], range(3)), ([10, 20, 3], [2]), ([11, 21, 30], ()), ([12, 22, 32], ())]
    )
    assert (prices.tolist(), not_yet) == ([10, 20, 30], [])
