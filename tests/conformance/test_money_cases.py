"""Pools of money and statements of owners as cases that anybody can write down."""

from settlement.calc.cases import run_case
from tests.contracts.cases import example
from tests.settlement.pools import pool, stays
from tests.settlement.test_owners import venture


def test_a_pool_is_a_case():
    document = pool("equal_parts@1", {"part_month": "WHOLE"}, stays(ALFA="", BRAVO="", CHARLIE=""))
    document["items"] = [{"amount_usd": "100000.00"}]
    shares = example("B03")["expected"]["charge"]
    case = {"id": "B03", "kind": "pool", "inputs": document, "expected": {"shares": shares}}
    assert run_case(case).verdict == "pass"
    wrong = {**case, "expected": {"shares": {**shares, "ALFA": "33333.33"}}}
    assert run_case(wrong).verdict == "fail"
    empty = {**case, "inputs": {**document, "items": []}}
    assert run_case(empty).got == {"findings": ["settlement.pool_empty"]}


def test_energy_of_members_stands_in_the_case():
    members = stays(ALFA="", BRAVO="")
    document = pool("energy_used@1", {"quantity": "metered"}, members, "10.00")
    document["series"] = {
        code: {"flat": kwh, "minutes": 60} for code, kwh in (("ALFA", "3"), ("BRAVO", "1"))
    }
    expected = {"amount": "10.00", "operator": "0", "shares": {"ALFA": "7.50", "BRAVO": "2.50"}}
    case = {"id": "use", "kind": "pool", "inputs": document, "expected": expected}
    assert run_case(case).verdict == "pass"


def test_statements_of_owners_are_a_case():
    given = example("B10")
    whole = stays(DEVCO="0.55", HYPER="0.30", FUND="0.15")
    document = venture(
        [("ALFA", given["inputs"]["revenue"], 0)],
        [("gas", "COST", given["inputs"]["cost"])],
        shares={"REVENUE": whole, "COST": whole},
    )
    expected = {name: given["expected"][name] for name in ("revenue", "net")}
    case = {"id": "B10", "kind": "owners", "inputs": document, "expected": expected}
    assert run_case(case).verdict == "pass"
    case["inputs"]["shares"]["REVENUE"] = stays(DEVCO="0.5")
    case["expected"] = {"refused": "owners.shares"}
    assert run_case(case).verdict == "pass"
