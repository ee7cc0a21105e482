"""Past months under proposed terms: from the frozen documents, beside what was billed."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from contracts.calc.price_terms import PricedTerm
from contracts.services import add_term, new_version
from poweroptix.accounts.models import User
from poweroptix.jobs.services import run_now
from poweroptix.kernel.errors import Refused
from settlement.calc.desk_check import (
    BilledLine,
    Proposed,
    as_if_begun,
    check_month,
    to_json,
    under,
)
from settlement.calc.inputs import from_document
from settlement.models import DeskCheck, SettlementRun
from settlement.pages.desk_checks import chart, summary, totals
from settlement.services.desk_check import ask_desk_check
from settlement.services.statements import compare_statement, load_statement, open_dispute
from tests.settlement.acts import approve, settle
from tests.settlement.world import MARCH, NOW, SYSTEM, World

DEMAND = {
    "prices": [{"period": "ALL", "blocks": [{"rate": "10"}]}],
    "ratchet_ratio": "0.8",
    "ratchet_months": 11,
}


def frozen(label="2026-03", kwh="100"):
    return from_document(
        {
            "contract": "PPA-ALFA",
            "zone": "America/Chicago",
            "period": label,
            "versions": [
                {
                    "terms": [
                        {
                            "line_code": 10,
                            "charge_type": "fixed_energy@1",
                            "label": "Energy",
                            "parameters": {"price": "50"},
                        }
                    ]
                }
            ],
            "series": {"delivered": {"flat": kwh, "minutes": 15}},
            "carry_in": {"20": {"peaks": {"2026-02": "900"}}},
        }
    )


def proposed(*terms):
    rows = [PricedTerm(at, code, key, label, parameters=p) for at, (code, key, label, p) in terms]
    return Proposed(2, MARCH.first_date, {}, tuple(rows))


ENERGY = (0, (10, "fixed_energy@1", "Energy", {"price": "52"}))
PEAK = (1, (20, "demand@1", "Demand", DEMAND))
BILLED = [BilledLine(10, "Energy", None, "kWh", Decimal("14860.00"))]


def test_the_readings_stay_and_the_terms_change():
    month, carry = check_month("2026-03", 7, under(frozen(), proposed(ENERGY, PEAK)), BILLED)
    energy, demand = month.lines
    assert (energy.billed.amount_usd, energy.proposed.amount_usd) == (
        Decimal("14860.00"),
        Decimal("15454.40"),
    )
    assert energy.difference_usd == Decimal("594.40")
    assert (demand.billed, demand.proposed.amount_usd) == (None, Decimal("7200.00"))
    assert carry["20"]["peaks"]["2026-03"] == "400"
    assert month.proposed_usd == Decimal("22654.40")
    stored = to_json(month)
    assert stored["lines"][1]["billed_usd"] is None
    assert summary([stored])[0]["difference_usd"] == Decimal("594.40")
    assert totals([stored])["difference_usd"] == Decimal("7794.40")
    assert chart([stored])[0].billed[1] > 0


def test_contract_year_one_is_moved_back_to_months_before_it():
    late = replace(proposed(ENERGY), anchor_date=date(2026, 10, 1))
    assert as_if_begun(late, date(2025, 11, 1)).anchor_date == date(2025, 10, 1)
    assert as_if_begun(late, date(2025, 9, 1)).anchor_date == date(2024, 10, 1)
    assert as_if_begun(late, date(2026, 11, 1)) == late
    leap = replace(late, anchor_date=date(2028, 2, 29))
    assert as_if_begun(leap, date(2026, 3, 1)).anchor_date == date(2026, 2, 28)


def test_the_carry_of_the_proposed_terms_goes_on():
    given = under(frozen("2026-04"), proposed(PEAK), {"20": {"peaks": {"2026-03": "1000"}}})
    month, _carry = check_month("2026-04", 8, given, [])
    assert month.lines[0].proposed.quantity == 800


def test_a_month_that_cannot_be_priced_says_why_and_is_in_no_total():
    lacking = (0, (12, "index_adder@1", "Index", {"index": "HUB", "adder": "1"}))
    month, carry = check_month("2026-03", 7, under(frozen(), proposed(lacking)), BILLED)
    assert "HUB" in month.error
    assert month.proposed_usd is None
    assert month.lines[0].proposed.amount_usd is None
    assert month.lines[0].difference_usd is None
    assert carry == frozen().carry_in
    assert totals([to_json(month)])["failed"] == 1


def test_the_other_terms_are_priced_beside_one_that_refuses():
    tax = (1, (80, "tax@1", "Tax", {
        "rates": [{"from_date": "2026-10-01", "rate_ratio": "0.0625"}],
        "lines": [10], "method": "ON_TOP", "tax_day": "LAST_DAY",
    }))  # fmt: skip
    month, _ = check_month("2026-03", 7, under(frozen(), proposed(ENERGY, tax)), BILLED)
    energy, empty = month.lines
    assert energy.difference_usd == Decimal("594.40")
    assert (empty.line_code, empty.proposed.amount_usd, empty.difference_usd) == (80, None, None)
    assert "there is no rate for 2026-03-31; the first one holds from 2026-10-01" in month.error
    stored = to_json(month)
    found = totals([stored])
    assert (found["failed"], found["billed_usd"]) == (0, Decimal("14860.00"))
    assert found["difference_usd"] == Decimal("594.40")
    assert [(one["line_code"], one["months"]) for one in found["left_out"]] == [(80, 1)]
    assert [one["difference_usd"] for one in summary([stored])] == [Decimal("594.40"), 0]


def test_only_a_line_whose_quantity_is_not_there_and_those_on_it_stay_open():
    solar = PricedTerm(2, 11, "fixed_energy@1", "Solar", quantity_name="solar",
                       parameters={"price": "30"})  # fmt: skip
    tax = (3, (80, "tax@1", "Tax", {
        "rates": [{"from_date": "2020-01-01", "rate_ratio": "0.0625"}],
        "lines": [11], "method": "ON_TOP", "tax_day": "LAST_DAY",
    }))  # fmt: skip
    terms = proposed(ENERGY, tax)
    terms = replace(terms, terms=(*terms.terms, solar))
    month, _ = check_month("2026-03", 7, under(frozen(), terms), BILLED)
    amounts = {one.line_code: one.proposed.amount_usd for one in month.lines}
    assert amounts == {10: Decimal("15454.40"), 11: None, 80: None}
    assert month.error == (
        "line 11 'Solar': quantity 'solar' is not there; "
        "line 80 'Tax': it rests on line 11, which has no amount"
    )
    assert month.proposed_usd == Decimal("15454.40")
    given = frozen()
    there = replace(given, series={**given.series, "solar": given.series["delivered"]})
    full, _ = check_month("2026-04", 8, under(there, terms), BILLED)
    assert (full.error, full.lines[1].proposed.amount_usd) == ("", Decimal("8916.00"))
    found = totals([to_json(month), to_json(full)])
    assert (found["failed"], found["months"]) == (0, 2)
    assert [(one["line_code"], one["months"]) for one in found["left_out"]] == [(11, 1), (80, 1)]
    # The month in which it is open has the line on neither side.
    assert found["proposed_usd"] == month.proposed_usd + full.proposed_usd
    assert chart([to_json(month)])[0].proposed[1] > 0


def test_a_line_that_is_left_out_is_left_out_of_what_was_billed_too():
    solar = replace(proposed(ENERGY), terms=(
        *proposed(ENERGY).terms,
        PricedTerm(2, 11, "fixed_energy@1", "Solar", quantity_name="solar",
                   parameters={"price": "30"}),
    ))  # fmt: skip
    billed = [*BILLED, BilledLine(11, "Solar", None, "kWh", Decimal("500.00"))]
    month, _ = check_month("2026-03", 7, under(frozen(), solar), billed)
    assert month.billed_usd == Decimal("15360.00")
    found = totals([to_json(month)])
    assert (found["billed_usd"], found["difference_usd"]) == (
        Decimal("14860.00"),
        Decimal("594.40"),
    )


@pytest.mark.django_db
def test_as_a_job_from_approved_runs_then_as_page_and_file(client):
    world = World()
    with_terms(draft := new_version(world.alfa, first_day=later(), actor=SYSTEM, now=NOW))
    with pytest.raises(Refused, match="No month of PPA-ALFA is approved yet"):
        ask_desk_check(draft, 12, actor=world.analyst, now=NOW)
    run = approve(world, settle(world))
    with pytest.raises(Refused, match="Choose 1 to 24 months, not 25"):
        ask_desk_check(draft, 25, actor=world.analyst, now=NOW)
    before = SettlementRun.objects.count()
    run_now(ask_desk_check(draft, 12, actor=world.analyst, now=NOW))
    check = DeskCheck.objects.get()
    assert check.result["anchor_date"] == str(draft.anchor_date or "")
    [month] = check.result["months"]
    assert (month["period"], month["run"]) == ("2026-03", run.pk)
    assert month["billed_usd"] == str(run.total_usd)
    assert Decimal(month["proposed_usd"]) - run.total_usd == Decimal("250.00")
    assert SettlementRun.objects.count() == before
    client.force_login(User.objects.get(username="ana"))
    page = client.get(f"/office/desk-checks/{check.pk}/").content.decode()
    assert "$250.00" in page
    table = client.get(f"/office/desk-checks/{check.pk}/?export=csv").content.decode()
    assert table.splitlines()[2].startswith("2026-03,40,Fee,")
    listed = client.get("/office/contracts/PPA-ALFA/desk-checks/").content.decode()
    assert f"/office/desk-checks/{check.pk}/" in listed
    draft.terms.filter(line_code=40).delete()
    page = client.get(f"/office/desk-checks/{check.pk}/").content.decode()
    assert "was written on since" in page
    shadow(world, run, client)


def shadow(world, run, client):
    """A statement of the month: matched, disputed on its page, ended with interest."""
    energy = run.lines.get()
    row = f"EN,{energy.quantity},{energy.unit},{energy.amount_usd + 100}"
    text = f"charge,quantity,unit,amount\n{row}\nFEE,,,50.00\n"
    by = {"actor": world.analyst, "now": NOW}
    statement = load_statement(
        world.alfa,
        "2026-03",
        name="march.csv",
        content=text.encode(),
        columns={n: n for n in ("charge", "quantity", "unit", "amount")},
        codes={"EN": 10, "FEE": 40},
        **by,
    )
    line, unknown = sorted(compare_statement(statement).breaks, key=lambda one: one.line_code)
    assert (line.difference_usd, line.cause.price_usd) == (100, 100)
    assert (unknown.line_code, unknown.ours) == (40, None)
    address = f"/office/statements/{statement.pk}/"
    assert "missing" in client.get(address).content.decode()
    form = {
        "action": "dispute",
        "line": "10",
        "reason": line.cause.text,
        "answer_due_date": "2026-06-01",
        "due_date": "2026-05-01",
        "interest_percent": "9.25",
    }
    client.post(address, form)
    dispute = statement.disputes.get()
    assert (dispute.amount_usd, str(dispute.interest_ratio)) == (100, "0.092500")
    with pytest.raises(Exception, match="Line 10 is disputed already"):
        open_dispute(statement, 10, reason="x", answer_due_date=later(), **by)
    assert "PPA-ALFA" in client.get("/office/disputes/?state=OPEN").content.decode()
    end = {"action": "decide", "pk": dispute.pk, "state": "PARTIAL", "outcome": "Half."}
    assert b"Name the amount that is credited" in client.post(address, end, follow=True).content
    page = client.post(address, end | {"credited_usd": "60.00"}, follow=True).content.decode()
    assert "still owed $40.00" in page
    assert "10,Energy,BREAK" in client.get(f"{address}?export=csv").content.decode()


def later():
    return NOW.date() + timedelta(days=90)


def with_terms(version):
    """Add a fee to the energy that the draft took over."""
    fee = {"fee": "250"}
    add_term(
        version,
        line_code=40,
        charge_type_key="recurring_fee@1",
        label="Fee",
        parameters=fee,
        actor=SYSTEM,
    )
