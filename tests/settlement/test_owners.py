"""Ownership models: one metered month, three configurations; a published case; what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from settlement.calc.inputs import from_document
from settlement.calc.owners import FORMAT, expected_net, statements
from settlement.calc.settle import settle
from tests.contracts.cases import example
from tests.settlement.pools import SINCE, ZONE, money, stays

NONE = {"basis": "NONE"}


def venture(
    lines, pools=(), *, shares, model="JOINT_VENTURE", fee=NONE, operator=None, cuts=(), kwh=None
):
    period = Period.month(ZONE, "2026-11")
    return {
        "format": FORMAT,
        "campus": "CAP",
        "model": model,
        "share_change": "ENERGY" if kwh else "DAYS",
        **({"kwh": kwh} if kwh else {}),
        "period": {
            "start_utc": period.start_utc,
            "end_utc": period.end_utc,
            "zone": ZONE,
            "label": "2026-11",
        },
        "operator": operator,
        "fee": fee,
        "shares": shares,
        "lines": [
            {
                "contract": f"PPA-{party}",
                "offtaker": party,
                "run": 1,
                "version": 1,
                "total_usd": str(total),
                "credits_usd": str(credited),
            }
            for party, total, credited in lines
        ],
        "pools": [
            {"pool": code, "kind": kind, "version": 1, "amount_usd": str(amount)}
            for code, kind, amount in pools
        ],
        "cuts": list(cuts),
    }


def parts(found, name):
    return {party: found.sums(party)[name] for party in found.parties}


def test_b10_joint_venture_with_a_change_of_shares_inside_the_month():
    case = example("B10")
    whole = stays(DEVCO="0.55", HYPER="0.30", FUND="0.15")
    lines = [("ALFA", case["inputs"]["revenue"], 0)]
    pools = [("gas", "COST", case["inputs"]["cost"])]
    found = statements(venture(lines, pools, shares={"REVENUE": whole, "COST": whole}))
    expected = case["expected"]
    assert parts(found, "revenue_usd") == money(**expected["revenue"])
    assert parts(found, "cost_usd") == {
        party: -one for party, one in money(**expected["cost"]).items()
    }
    assert parts(found, "net_usd") == money(**expected["net"])

    changed = whole | {
        "DEVCO": [[SINCE, "2026-11-11", "0.55"], ["2026-11-11", None, "0.50"]],
        "HYPER": [[SINCE, "2026-11-11", "0.30"], ["2026-11-11", None, "0.35"]],
    }
    found = statements(venture(lines, shares={"REVENUE": changed}))
    assert parts(found, "revenue_usd") == money(**expected["revenue_time_weighted"])
    assert [line.said for line in found.of("DEVCO")] == ["0.55 x 10 days + 0.50 x 20 days"]


def test_shares_that_change_count_by_energy_where_the_agreement_says_so():
    days = Period.month(ZONE, "2026-11").days()
    kwh = {day.isoformat(): "1000.5" if day.day < 11 else "0" for day in days}
    changed = {
        "DEVCO": [[SINCE, "2026-11-11", "0.55"], ["2026-11-11", None, "0.50"]],
        "FUND": [[SINCE, "2026-11-11", "0.45"], ["2026-11-11", None, "0.50"]],
    }
    found = statements(venture([("ALFA", "100.00", 0)], shares={"REVENUE": changed}, kwh=kwh))
    assert parts(found, "revenue_usd") == money(DEVCO="55.00", FUND="45.00")
    assert found.of("DEVCO")[0].said == "0.55 x 10005 kWh"
    idle = dict.fromkeys(kwh, "0")
    with pytest.raises(Refused, match="No energy was delivered in the month"):
        statements(venture([("ALFA", "100.00", 0)], shares={"REVENUE": changed}, kwh=idle))


def settled(price):
    """Settle one metered month of two tenants at a price; return the lines of both."""
    found = []
    for party, kwh in (("ALFA", "60.123"), ("BRAVO", "40.456")):
        document = {
            "contract": f"PPA-{party}",
            "zone": ZONE,
            "period": "2026-11",
            "series": {"delivered": {"flat": kwh, "minutes": 15}},
            "versions": [
                {
                    "terms": [
                        {
                            "line_code": 10,
                            "charge_type": "fixed_energy@1",
                            "label": "Energy",
                            "parameters": {"price": price},
                        }
                    ]
                }
            ],
        }
        found.append((party, settle(from_document(document)).total_usd, 0))
    return found


def test_the_same_metered_month_settles_under_each_model():
    gas = [("gas", "COST", "7000.00")]
    alone = stays(DEVCO="1")
    three = stays(DEVCO="0.55", HYPER="0.30", FUND="0.15")
    transfer, ppa = settled("31.50"), settled("62.50")

    integrated = venture(
        transfer, gas, shares={"REVENUE": alone, "COST": alone}, model="INTEGRATED"
    )
    found = statements(integrated)
    moved = sum(total for _party, total, _credited in transfer)
    assert found.sums("DEVCO")["revenue_usd"] == moved
    assert {party: found.sums(party)["cost_usd"] for party in ("ALFA", "BRAVO")} == {
        party: -total for party, total, _credits in transfer
    }
    assert found.net_usd == expected_net(integrated) == Decimal("-7000.00")

    ipp = venture(ppa, gas, shares={"REVENUE": alone, "COST": alone}, model="IPP")
    earned = sum(total for _party, total, _credited in ppa)
    found = statements(ipp)
    assert found.parties == ["DEVCO"]
    assert found.net_usd == expected_net(ipp) == earned - 7000

    fee = {"basis": "REVENUE", "ratio": "0.03"}
    joint = venture(ppa, gas, shares={"REVENUE": three, "COST": three}, fee=fee, operator="OPCO")
    found = statements(joint)
    assert found.sums("OPCO")["fee_usd"] == found.totals["FEE"] > 0
    assert sum(parts(found, "fee_usd").values()) == 0
    assert found.net_usd == expected_net(joint) == earned - 7000


def test_export_upside_is_what_was_not_passed_on_and_the_operator_gets_its_cut():
    shares = {
        "REVENUE": stays(DEVCO="0.5", FUND="0.5"),
        "UPSIDE": stays(DEVCO="0.2", FUND="0.8"),
    }
    document = venture(
        [("ALFA", "900.00", "100.00")],
        [("export", "REVENUE", "350.00"), ("site", "FEE", "5.00")],
        shares=shares,
        cuts=[{"pool": "export", "party": "OPCO", "amount_usd": "50.00"}],
    )
    found = statements(document)
    assert found.totals["REVENUE"] == 1000
    assert found.totals["UPSIDE"] == 200
    assert parts(found, "net_usd") == money(DEVCO="540.00", FUND="660.00", OPCO="50.00")
    assert found.net_usd == expected_net(document) == Decimal("1250.00")


def test_what_cannot_be_divided_is_refused_with_the_fix():
    half = stays(DEVCO="0.5")
    with pytest.raises(Refused) as refused:
        statements(venture([("ALFA", "1.00", 0)], shares={"REVENUE": half}))
    assert refused.value.findings[0].message == (
        "Revenue shares of the owners: From 2026-11-01 to 2026-11-30 the shares add up to 1/2 "
        "(DEVCO 0.5), they must add up to 1."
    )
    assert "Give 1/2 to a member" in refused.value.findings[0].fix
    with pytest.raises(Refused, match=r"Upside shares of the owners: .* \(nobody\)"):
        statements(venture([], [("export", "REVENUE", "1.00")], shares={}))
    two = stays(DEVCO="0.5", FUND="0.5")
    with pytest.raises(Refused, match="An independent producer has one owner; DEVCO, FUND hold"):
        statements(venture([("ALFA", "1.00", 0)], shares={"REVENUE": two}, model="IPP"))
    with pytest.raises(Refused, match="no operator is named"):
        statements(
            venture(
                [("ALFA", "1.00", 0)],
                shares={"REVENUE": two, "COST": two},
                fee={"basis": "MONTH", "usd": "10"},
            )
        )


cents = st.integers(-(10**9), 10**9).map(lambda one: Decimal(one) / 100)


@settings(max_examples=40, deadline=None)
@given(
    cents,
    cents,
    cents,
    st.integers(1, 97),
    st.integers(2, 29),
    st.sampled_from(("JOINT_VENTURE", "INTEGRATED")),
)
def test_statements_reconcile_to_the_cent(lines, cost, export, first, day, model):
    cut = f"2026-11-{day:02d}"
    moving = {
        "DEVCO": [[SINCE, cut, f"{first}/101"], [cut, None, "1/3"]],
        "FUND": [[SINCE, cut, f"{101 - first}/101"], [cut, None, "2/3"]],
    }
    document = venture(
        [("ALFA", lines, 0)],
        [("gas", "COST", cost), ("export", "REVENUE", export)],
        shares=dict.fromkeys(("REVENUE", "COST", "UPSIDE"), moving),
        fee={"basis": "REVENUE", "ratio": "0.025"},
        operator="OPCO",
        model=model,
    )
    found = statements(document)
    assert found.net_usd == expected_net(document)
    for kind, sign in (("REVENUE", 1), ("UPSIDE", 1), ("COST", -1)):
        parts_of_kind = [one.amount_usd for one in found.lines if one.kind == kind]
        assert sum(parts_of_kind) == found.totals[kind] * sign
