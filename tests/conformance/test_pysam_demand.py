"""A year of hourly load through apply, ingest and month ends, against the bills of PySAM 7.1.1."""

from decimal import Decimal

import pytest

from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import money
from settlement.models import Line, SettlementRun
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
from tests.contracts.pysam import ZONE, pysam_months

pytestmark = pytest.mark.django_db


def calendar(case, kind, count):
    tables = [
        [[int(at) - 1 for at in hours] for hours in case["inputs"][f"ur_{kind}_sched_{day}"]]
        for day in ("weekday", "weekend")
    ]
    names = [f"P{number}" for number in range(1, count + 1)]
    schedule = TouSchedule.from_12x24(*tables, names, zone=ZONE)
    return {"code": kind, "name": kind, "zone": ZONE, "schedule": schedule.to_json()}


def energy_prices(case):
    rows = case["inputs"]["ur_ec_tou_mat"]
    return [{"period": f"P{row[0]:.0f}", "price": f"{row[4]}"} for row in rows]


def demand_prices(case):
    blocks = {}
    for period, _tier, top, rate in case["inputs"]["ur_dc_tou_mat"]:
        end = {} if top > 1e30 else {"up_to_kw": f"{top:.0f}"}
        blocks.setdefault(f"P{period:.0f}", []).append({**end, "rate": f"{rate}"})
    return [{"period": name, "blocks": rows} for name, rows in blocks.items()]


def portfolio(case):
    energy = {"calendar": "ec", "price_unit": "USD/kWh", "prices": energy_prices(case)}
    demand = {"calendar": "dc", "prices": demand_prices(case)}
    return Portfolio(
        zone=ZONE,
        minutes=60,
        first_day="2018-01-01",
        terms=[
            term(10, "tou_energy@1", "Energy", line_per="CHARGE", **energy),
            term(20, "demand@1", "Demand", window_minutes=60, kw_rounding="NONE", **demand),
            term(40, "recurring_fee@1", "Fixed charge", fee="30", per="MONTH"),
        ],
        example=fee_example("2018-01", "30.00"),
        calendars=[calendar(case, "ec", 4), calendar(case, "dc", 2)],
    )


def settle_and_approve(label):
    """Settle a month as one person and approve it as another; return the run."""
    words = ("--contract", "PPA", "--period", label, "--as", "analyst", "--json")
    settled = manage("settle", *words)
    assert settled.code == 0, settled.out + settled.err
    number = settled.json["runs"][0]["run"]
    approved = manage("settle", "approve", number, "--as", "approver")
    assert approved.code == 0, approved.out + approved.err
    return SettlementRun.objects.get(pk=number)


def test_every_monthly_bill_of_the_demand_case(tmp_path):
    months = list(pysam_months())
    case = months[0][0]
    people()
    applied = manage("apply", portfolio(case).write(tmp_path))
    assert applied.code == 0, applied.err
    start = Period.month(ZONE, "2018-01").start_utc
    load = [kwh for _case, _month, steps in months for kwh in steps]
    file = long_csv(tmp_path / "year.csv", start, 60, load)
    taken = manage("ingest", file, "--source", "sam", "--json")
    assert taken.code == 0, taken.err
    assert taken.json[0]["receipt"]["intervals"] == 8760
    judged = manage("vee", "--campus", "SITE", "--from", "2018-01-01", "--to", "2018-12-31")
    assert judged.code == 0, judged.out
    outputs = case["outputs_year1"]
    for month in range(12):
        label = f"2018-{month + 1:02d}"
        run = settle_and_approve(label)
        lines = {line.line_code: line for line in Line.objects.filter(run=run)}
        expected = {
            10: outputs["charge_wo_sys_ec_ym"][month],
            20: outputs["charge_wo_sys_dc_tou_ym"][month],
            40: outputs["charge_wo_sys_fixed_ym"][month],
        }
        for code, amount in expected.items():
            assert lines[code].amount_usd == money(Decimal(str(amount))), (label, code)
        amounts = {str(code): f"{money(Decimal(str(usd))):f}" for code, usd in expected.items()}
        write_case(tmp_path / "cases", run, {"lines": amounts})
        exact = sum(line.exact_usd for line in lines.values())
        bill = outputs["utility_bill_wo_sys_ym"][month]
        assert money(exact) == money(Decimal(str(bill))), label
        assert run.total_usd == sum(line.amount_usd for line in lines.values())
    assert set(verdicts(tmp_path / "cases").values()) == {"pass"}
    issued = manage(
        "invoice", "--contract", "PPA", "--period", "2018-01", "--issue", "--as", "billing"
    )
    assert issued.code == 0, issued.err
    assert "SITE-000001, issued, 7515.63 USD" in issued.out
    verified = manage("verify", "PPA/2018-12/v1", "SITE-000001")
    assert verified.code == 0, verified.out
