"""What a tenant may see of a pool of money: a list of names, and nothing that a neighbour has."""

from decimal import Decimal

from settlement.calc.money import divide, views
from tests.settlement.pools import pool, stays

#: Totals that members share: of the pool, its rule and its weights; and the digest of all claims.
SHARED_TOTALS = {
    *("pool", "name", "kind", "period", "version", "rule", "unit"),
    *("amount_usd", "operator_usd", "weights", "claims_sha256", "above"),
}
OWN = {"weight", "said", "extra_usd", "share_usd"}


def seen(amount="90000.00", **weights):
    key = ("stated_weights@1", {"unit": "MW", "part_month": "WHOLE"})
    document = pool(*key, stays(**weights), amount)
    return views(document, divide(document, {}))["ALFA"]


def test_a_view_has_the_names_of_the_list_and_no_other():
    assert set(seen(ALFA="60", BRAVO="45", CHARLIE="30")) == SHARED_TOTALS | OWN


def test_what_neighbours_share_among_themselves_changes_nothing_but_the_digest():
    one = seen(ALFA="60", BRAVO="45", CHARLIE="30")
    other = seen(ALFA="60", BRAVO="20", DELTA="55")
    assert {name for name in one if one[name] != other[name]} == {"claims_sha256"}
    assert one["share_usd"] == Decimal("40000.00")


def test_of_the_cents_that_are_left_one_may_go_elsewhere():
    """The largest remainder compares members, so a single cent can tell of a neighbour."""
    one = seen("90000.01", ALFA="60", BRAVO="45", CHARLIE="30")
    other = seen("90000.01", ALFA="60", BRAVO="20", DELTA="55")
    changed = {name for name in one if one[name] != other[name]}
    assert changed == {"claims_sha256", "extra_usd", "share_usd"}
    assert abs(one["share_usd"] - other["share_usd"]) == Decimal("0.01")


def test_a_pool_that_is_not_divided_shows_no_ones_weight():
    document = pool("stated_weights@1", {"unit": "MW", "part_month": "WHOLE"}, stays(ALFA="7"))
    view = views(document, divide(document, {}))["ALFA"]
    assert (view["amount_usd"], view["share_usd"]) == (None, None)
