"""Pools of money: published cases through terms of a contract, laws, and what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series
from settlement.allocation._base import allocation_key
from settlement.calc.money import divide, split_cents, views
from settlement.sharing._base import money_keys
from tests.contracts.cases import example
from tests.settlement.pools import SINCE, ZONE, billed, line, money, pool, stays

NOVEMBER = Period.month(ZONE, "2026-11")
EQUAL = ("equal_parts@1", {"part_month": "WHOLE"})
METERED = {"quantity": "metered"}


def area(unit="square feet", part_month="WHOLE"):
    return ("stated_weights@1", {"unit": unit, "part_month": part_month})


def used(**kwh):
    """A month of quarter-hours: everything in the first one."""
    grid = NOVEMBER.grid(15)
    rest = [Decimal(0)] * (grid.count - 1)
    return {code: Series.of(grid, [Decimal(one), *rest], "kWh") for code, one in kwh.items()}


def test_b01_loss_in_whole_kwh_then_cost_by_delivered_energy():
    case = example("B01")
    metered = used(**case["inputs"]["tenants_kwh"])
    bus = Decimal(case["inputs"]["bus_kwh"].replace(",", ""))
    loss = bus - sum(one.total() for one in metered.values())
    key = allocation_key("metered_use@1")
    parameters = key.Parameters(rounding_unit=Decimal(1))
    parts = key.allocate(used(LOSS=loss)["LOSS"], metered, parameters, {}).parts
    delivered = {code: series.add(parts[code]) for code, series in metered.items()}
    cost = case["inputs"]["cost"].replace(",", "")
    members = stays(**dict.fromkeys(delivered, ""))
    document = pool("energy_used@1", {"quantity": "delivered"}, members, cost)
    assert {code: str(one.total()) for code, one in parts.items()} == case["expected"]["loss_kwh"]
    assert billed(document, delivered) == money(**case["expected"]["cost"])


@pytest.mark.parametrize(("sign", "named"), [("", "charge"), ("-", "credit")])
def test_b03_equal_thirds_and_the_mirror_of_a_credit(sign, named):
    members = stays(ALFA="", BRAVO="", CHARLIE="")
    found = billed(pool(*EQUAL, members, f"{sign}100000.00"))
    assert found == money(**example("B03")["expected"][named])


def test_b07_a_fee_without_price_or_quantity():
    case = example("B07")
    steps = stays(ALFA="60", BRAVO="45", CHARLIE=[["2026-11-16", None, "30"]])
    feet = stays(**case["inputs"]["area_sqft"])
    asked = {
        "mw_days": pool(*area("MW", "DAYS"), steps, "90000.00", kind="FEE"),
        "equal": pool(*EQUAL, steps, "90000.00", kind="FEE"),
        "area": pool(*area(), feet, "90000.00", kind="FEE"),
    }
    for name, document in asked.items():
        assert billed(document) == money(**case["expected"][name]), name


def test_b09_export_revenue_less_fees_with_the_operators_cut():
    case = example("B09")
    mwh = [Decimal(each[0]) for each in case["inputs"]["export_mwh_price"]]
    items = [
        {"quantity": quantity, "rate": rate}
        for quantity, rate in case["inputs"]["export_mwh_price"]
    ]
    items.append({"quantity": f"{sum(mwh)}", "rate": "-0.85"})
    members = stays(**dict.fromkeys(case["inputs"]["unused_entitlement_mwh"], "200"))
    document = pool(
        "unused_entitlement@1",
        METERED,
        members,
        *items,
        kind="REVENUE",
        operator={"party": "OPCO", "cut_ratio": "0.10"},
    )
    grid = NOVEMBER.grid(60)
    # 200 kWh an hour are entitled; what is left of them adds up to the unused entitlement
    series = {
        code: Series.of(grid, _using(grid.count, Decimal(unused) * 1000), "kWh")
        for code, unused in case["inputs"]["unused_entitlement_mwh"].items()
    }
    division = divide(document, series)
    assert str(division.amount_usd) == case["expected"]["net"]
    assert str(division.operator_usd) == case["expected"]["operator"]
    assert billed(document, series) == money(**case["expected"]["tenants"])


def _using(count, unused_kwh):
    """Hours that take all of 200 kWh, more, or less: `unused_kwh` are left over."""
    idle, part = divmod(unused_kwh, 200)
    head = [Decimal(0)] * int(idle) + [200 - part]
    return (head + [Decimal(200), Decimal(450)] * count)[:count]


def test_a_loss_on_exports_is_borne_by_the_same_key_without_the_operator():
    document = pool(
        *EQUAL,
        stays(ALFA="", BRAVO=""),
        "-10.01",
        kind="REVENUE",
        operator={"party": "OPCO", "cut_ratio": "0.10"},
    )
    assert divide(document, {}).operator_usd == 0
    assert billed(document) == money(ALFA="5.01", BRAVO="5.00")


def test_a_pool_without_members_leaves_the_operator_its_part():
    operator = {"party": "OPCO", "cut_ratio": "0.10"}
    division = divide(pool(*EQUAL, {}, "1227.74", kind="REVENUE", operator=operator), {})
    assert (division.operator_usd, division.shared_usd) == (Decimal("122.77"), Decimal("1104.97"))
    assert division.shares == ()


def test_b12_two_levels_keep_the_total():
    expected = example("B12")["expected"]
    campus = pool(*area("parts"), stays(B1="3", B2="2"), "99999.99", code="campus")
    upper = views(campus, divide(campus, {}))
    assert {code: view["share_usd"] for code, view in upper.items()} == money(
        **expected["buildings"]
    )
    tenants = {"B1": stays(ALFA="1", BRAVO="1"), "B2": stays(CHARLIE="2", DELTA="1", ECHO="1")}
    found = {}
    for code, members in tenants.items():
        below = pool(*area("parts"), members, code=code, above=upper[code])
        found |= billed(below)
    assert found == money(**expected["tenants"])
    assert str(sum(found.values())) == expected["sum"]


def test_a_part_with_items_of_its_own_is_not_divided():
    above = views(*_divided(pool(*area("parts"), stays(B1="1"), "10.00", code="campus")))["B1"]
    both = pool(*EQUAL, stays(ALFA=""), "5.00", code="B1", above=above)
    assert [one.message for one in divide(both, {}).findings] == [
        "B1 has items of its own and gets its amount from campus."
    ]


def _divided(document):
    return document, divide(document, {})


def test_the_line_is_explained_down_to_amount_weights_and_remainder():
    document = pool(*EQUAL, stays(ALFA="", BRAVO="", CHARLIE=""), "100.00")
    view = views(document, divide(document, {}))["ALFA"]
    found = line(document, view)
    [row] = found.worksheet.rows
    assert row.rate.sentence() == "33.33 USD + 0.01 USD"
    assert row.rate.inputs[0].sentence() == "100.00 USD x 1 parts / 3 parts"
    assert row.rate.inputs[1].source.label.startswith("site, 2026-11: the cents that are left")
    assert found.estimated_ratio is None


def test_a_member_sees_totals_and_its_own_part_only():
    document = pool(*area(), stays(ALFA="182000", BRAVO="96500", CHARLIE="41250"), "90000.00")
    text = repr(views(document, divide(document, {}))["ALFA"])
    assert {"319750", "182000"} <= {one.strip("')") for one in text.split("'")}
    assert not {word for word in ("BRAVO", "96500", "41250", "27161.85") if word in text}


def test_shares_that_are_not_one_on_some_day_say_which_and_what_to_do():
    document = pool(
        "fixed_parts@1",
        {},
        {
            "DEVCO": [[SINCE, "2026-11-11", "0.55"], ["2026-11-12", None, "0.55"]],
            "FUND": [[SINCE, "2026-11-21", "0.45"], ["2026-11-21", None, "0.5"]],
        },
        "1000.00",
    )
    division = divide(document, {})
    assert [share.amount_usd for share in division.shares] == [None, None]
    assert [(one.message, one.fix) for one in division.findings] == [
        (
            "On 2026-11-11 the shares add up to 9/20 (FUND 0.45), they must add up to 1.",
            "Give 11/20 to a member on these days, or start the next member on 2026-11-11.",
        ),
        (
            "From 2026-11-21 to 2026-11-30 the shares add up to 21/20 (DEVCO 0.55, FUND 0.5), "
            "they must add up to 1.",
            "Take 1/20 away on these days: end a share on 2026-11-21 before the next begins.",
        ),
    ]


def test_a_month_without_amount_has_no_share_and_blocks():
    document = pool(*EQUAL, stays(ALFA="", BRAVO=""))
    division = divide(document, {})
    assert division.findings[0].message == "Nothing was entered for the pool site in 2026-11."
    found = line(document, views(document, division)["ALFA"])
    assert found.amount_usd is None
    assert found.worksheet.findings[0].code == "contracts.pool_missing"


def test_a_missing_reading_leaves_all_shares_unknown():
    series = used(ALFA="10", BRAVO="20")
    grid = NOVEMBER.grid(15)
    series["BRAVO"] = Series.absent(grid, "kWh")
    document = pool("energy_used@1", METERED, stays(ALFA="", BRAVO=""), "100.00")
    division = divide(document, series)
    assert {share.amount_usd for share in division.shares} == {None}
    assert division.findings[0].message == (
        "The metered energy of BRAVO in 2026-11 is not complete, so nobody's part is known."
    )


def test_nobody_with_weight_is_a_finding():
    document = pool(*area("MW", "DAYS"), stays(ALFA="0"), "100.00")
    assert divide(document, {}).findings[0].message == (
        "Nobody carries weight in the pool site in 2026-11."
    )


@pytest.mark.parametrize("text", ["", "a third", "1/0", "-0.5", "1e999999999", "9" * 13])
def test_a_weight_that_is_no_number_is_refused_by_name(text):
    with pytest.raises(Refused, match="ALFA"):
        divide(pool(*area("MW", "DAYS"), stays(ALFA=text), "1.00"), {})


def test_the_part_month_has_to_be_chosen():
    with pytest.raises(Refused, match="part_month: is required"):
        divide(pool("equal_parts@1", {}, stays(ALFA=""), "1.00"), {})


def test_peaks_weigh_by_the_common_and_by_the_own_highest_block():
    grid = NOVEMBER.grid(15)
    rest = [Decimal(1)] * (grid.count - 8)
    load = {
        "ALFA": [5, 5, 5, 5, 9, 9, 9, 9],  # own peak 36 kW in the second hour
        "BRAVO": [9, 9, 9, 10, 1, 1, 1, 1],  # own and common peak in the first hour: 37 + 20
    }
    series = {
        code: Series.of(grid, [*(Decimal(v) for v in values), *rest], "kWh")
        for code, values in load.items()
    }
    choices = {"quantity": "metered", "window_minutes": 60}
    for key, expected in (
        ("coincident_peak@1", {"ALFA": 20, "BRAVO": 37}),
        ("own_peak@1", {"ALFA": 36, "BRAVO": 37}),
    ):
        found = divide(pool(key, choices, stays(ALFA="", BRAVO=""), "57.00"), series)
        assert {share.member: share.weight for share in found.shares} == expected, key


amounts = st.integers(-(10**12), 10**12).map(lambda cents: Decimal(cents) / 100)
weights = st.dictionaries(
    st.sampled_from(["ALFA", "BRAVO", "CHARLIE", "DELTA", "ECHO"]),
    st.integers(0, 10**9).map(lambda one: Decimal(one) / 1000),
    min_size=1,
).filter(lambda found: any(found.values()))


@settings(max_examples=40, deadline=None)
@given(amounts, weights, st.randoms())
def test_shares_close_mirror_and_do_not_depend_on_order(amount, members, chance):
    shares = split_cents(amount, members)
    assert sum(share.amount_usd for share in shares) == amount
    mirrored = split_cents(-amount, members)
    assert [share.amount_usd for share in mirrored] == [-share.amount_usd for share in shares]
    shuffled = list(members.items())
    chance.shuffle(shuffled)
    assert split_cents(amount, dict(shuffled)) == shares
    assert all(abs(share.extra_usd) in (0, Decimal("0.01")) for share in shares)
    assert not any(share.amount_usd for share in shares if share.weight == 0)


@settings(max_examples=30, deadline=None)
@given(amounts, st.integers(2, 29), st.integers(1, 99), st.integers(1, 99))
def test_joining_and_leaving_inside_the_month_closes_and_equals_the_whole_stay(
    amount, day, one, two
):
    first, cut = "2026-11-01", f"2026-11-{day:02d}"
    whole = stays(ALFA=str(one), BRAVO=str(two))
    in_two = whole | {"ALFA": [[first, cut, str(one)], [cut, None, str(one)]]}
    leaving = whole | {"ALFA": [[SINCE, cut, str(one)]], "CHARLIE": [[cut, None, str(one)]]}
    found = [billed(pool(*area("MW", "DAYS"), each, f"{amount}")) for each in (whole, in_two)]
    assert found[0] == found[1]
    moved = billed(pool(*area("MW", "DAYS"), leaving, f"{amount}"))
    assert sum(moved.values()) == amount
    assert moved.keys() == {"ALFA", "BRAVO", "CHARLIE"}
    assert abs(moved["BRAVO"] - found[0]["BRAVO"]) <= Decimal("0.01")


def test_every_money_key_has_words():
    for key, kind in money_keys.items():
        assert kind.title, key
