"""A year of 20 MW with an 80 % ratchet through apply, ingest and month ends, to the cent.

PySAM counts the months of its lookback and the billed month (k + 1); the usual wording counts
exactly the k months before. Both are parameters of the charge, and both are held here.
"""

from decimal import Decimal

import pytest

from contracts.models import OpeningBalance
from contracts.services import approve_opening_balance
from poweroptix.accounts.models import User
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.period import Period
from settlement.models import SettlementRun
from tests.conformance.chain import (
    Portfolio,
    fee_example,
    long_csv,
    manage,
    people,
    term,
    verdicts,
    write_case,
)
from tests.contracts.cases import case_json, load_kw
from tests.contracts.pysam import ZONE

pytestmark = pytest.mark.django_db
LOAD = ("seed", "base_kw", "noise_pct", "steps_per_hour", "weekend_pct", "month_scale_pct")


def portfolio(case, counts):
    ratchet = case["ratchet"]
    terms = {
        "prices": [{"period": "ALL", "blocks": [{"rate": "14.5"}]}],
        "ratchet_ratio": "0.8",
        "ratchet_months": ratchet["lookback"],
        "lookback_counts": counts,
        "minimum_kw": str(ratchet["minimum"]),
    }
    peaks = {f"2017-{month:02d}": str(kw) for month, kw in enumerate(ratchet["prev"], 1)}
    opening = {
        "contract": "PPA",
        "period": "2018-01",
        "carry": {"20": {"peaks": peaks}},
        "reason": "Peaks of the twelve months before, agreed by both parties",
    }
    return Portfolio(
        zone=ZONE,
        minutes=15,
        first_day="2018-01-01",
        terms=[
            term(10, "fixed_energy@1", "Energy", price="0.0545", price_unit="USD/kWh"),
            term(20, "demand@1", "Demand", **terms),
            term(40, "recurring_fee@1", "Fixed charge", fee="2500", per="MONTH"),
        ],
        example=fee_example("2018-01", "2500.00"),
        opening=[opening],
    )


def expected_totals(case, counts):
    if counts == "K_PLUS_1":
        return [row["total"] for row in case["monthly"]]
    return case["strict_lookback"]["total"]


@pytest.mark.parametrize("counts", ["EXACTLY_K", "K_PLUS_1"])
def test_every_monthly_bill_of_the_ratchet_case(tmp_path, counts):
    case = case_json("settlement/crosscheck_X7.json")
    people()
    applied = manage("apply", portfolio(case, counts).write(tmp_path))
    assert applied.code == 0, applied.err
    approver = Actor.of_user(User.objects.get(username="approver"))
    approve_opening_balance(OpeningBalance.objects.get(), actor=approver, now=now())
    load = load_kw(*(case["load"][name] for name in LOAD))
    kwh = [Decimal(kw) / 4 for month in load for kw in month]
    assert f"{sum(kwh):.2f}" == case["load"]["sum_kwh"]
    start = Period.month(ZONE, "2018-01").start_utc
    taken = manage("ingest", long_csv(tmp_path / "year.csv", start, 15, kwh), "--source", "x7")
    assert taken.code == 0, taken.err
    for month, total in enumerate(expected_totals(case, counts), 1):
        label = f"2018-{month:02d}"
        words = ("--campus", "SITE", "--period", label, "--approve-as", "approver", "--json")
        closed = manage("month_end", *words)
        assert closed.code == 0, closed.out + closed.err
        assert closed.json["contracts"][0]["total"] == total, label
        run = SettlementRun.objects.get(contract__code="PPA", period=label)
        write_case(tmp_path / "cases", run, {"total": total})
    assert list(verdicts(tmp_path / "cases").values()) == ["pass"] * 12
    december = SettlementRun.objects.get(contract__code="PPA", period="2018-12")
    verified = manage("verify", december.pk)
    assert verified.code == 0, verified.out + verified.err
