"""A contract's share of a pool of money: explained, mirrored, billed once a month."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from contracts.charges import PoolView
from poweroptix.kernel.errors import Refused
from tests.contracts.builders import charge, inputs, term

KEY = "pool_share@1"
VIEW = PoolView(
    pool="export",
    kind="COST",
    period="2026-05",
    amount_usd=Decimal("1227.74"),
    operator_usd=Decimal("122.77"),
    weight=Decimal("21.3"),
    weights=Decimal("40.5"),
    unit="MWh",
    rule="By unused entitlement",
    extra_usd=Decimal("0.00"),
    share_usd=Decimal("581.13"),
    version=2,
)


def share(view=VIEW, **more):
    given = inputs("2026-05", term=term("Export", 45), pools={"export": view}, **more)
    return charge(KEY, given, {"pool": "export"})[0]


def test_a_cost_is_charged_and_revenue_is_its_mirror():
    assert share().amount_usd == Decimal("581.13")
    assert share(replace(VIEW, kind="REVENUE")).amount_usd == Decimal("-581.13")


def test_the_figures_lead_to_amount_operator_and_weights():
    whole, rest = share().rows[0].rate.inputs
    assert whole.sentence() == "1104.97 USD x 21.3 MWh / 40.5 MWh"
    assert whole.inputs[0].sentence() == "1227.74 USD - 122.77 USD"
    assert rest.source.label.startswith("export, 2026-05 version 2: the cents that are left")


def test_a_pool_inside_another_is_explained_through_both():
    above = replace(
        VIEW, pool="campus", operator_usd=None, weight=Decimal(3), weights=Decimal(5), unit="parts",
        amount_usd=Decimal("99999.99"), share_usd=Decimal("59999.99"),
    )  # fmt: skip
    view = replace(
        VIEW, pool="B1", amount_usd=above.share_usd, operator_usd=None, above=above, unit="parts",
        weight=Decimal(1), weights=Decimal(2), share_usd=Decimal("30000.00"),
        extra_usd=Decimal("0.01"),
    )  # fmt: skip
    shared = share(view).rows[0].rate.inputs[0].inputs[0]
    assert shared.inputs[0].inputs[0].sentence() == "99999.99 USD x 3 parts / 5 parts"


def test_the_version_of_the_last_day_bills_the_whole_month():
    first = share(in_force=(date(2026, 5, 1), date(2026, 5, 20)))
    second = share(in_force=(date(2026, 5, 21), date(2026, 5, 31)))
    assert (first.amount_usd, second.amount_usd) == (Decimal("0.00"), Decimal("581.13"))


def test_a_contract_that_ends_inside_the_month_is_billed_by_its_last_version():
    view = replace(VIEW, last_date="2026-05-20")
    assert share(view, in_force=(date(2026, 5, 1), date(2026, 5, 20))).amount_usd == VIEW.share_usd


def test_a_month_that_is_not_divided_blocks_and_says_what_to_enter():
    sheet = share(PoolView("export", "COST", "2026-05"))
    assert sheet.amount_usd is None
    [finding] = sheet.findings
    assert finding.message == "the share of PPA-ALFA in pool export is not known"
    assert finding.fix == "Enter the amount of 2026-05 for pool export and divide it."


def test_a_share_that_does_not_follow_from_its_figures_is_refused():
    with pytest.raises(Refused, match=r"is 581\.14, the document says 581\.13"):
        share(replace(VIEW, extra_usd=Decimal("0.01")))


def test_a_document_without_the_pool_is_refused():
    with pytest.raises(Refused, match="the document has no pool 'export'"):
        charge(KEY, inputs("2026-05"), {"pool": "export"})
    with pytest.raises(Refused, match="needs the code of its pool"):
        charge(KEY, inputs("2026-05"), {"pool": " "})
