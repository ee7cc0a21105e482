"""A hybrid contract corrected twice: readings, then a price and the terms; each cent explained."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from contracts.models import IndexSeries
from contracts.services import (
    activate_version,
    add_example,
    change_term,
    new_version,
    publish_index,
)
from poweroptix.accounts.models import User
from poweroptix.kernel.period import Period
from settlement.queries.causes import causes_of_runs
from settlement.queries.replay import replay
from settlement.services import verify_run
from tests.settlement.acts import INDEX, approve, settle
from tests.settlement.test_compare import words
from tests.settlement.world import ENERGY, MARCH, NOW, SYSTEM, ZONE, World, readings

APRIL = MARCH.next()
LATE = APRIL.end_utc + timedelta(days=3)
#: The first two hours of March: the meter was silent, and 50 kWh were estimated; it had been 58.
GAP = Period(MARCH.start_utc, MARCH.start_utc + timedelta(hours=2), ZONE, "2026-03")
TAKE_OR_PAY = {
    "key": "take_or_pay@1", "code": 35, "label": "Take or pay",
    "parameters": {
        "price": "50", "contract_quantity": "220", "take_ratio": "0.9", "test": "MONTH",
        "pays": "FULL_PRICE", "excused": [], "deemed": [], "make_up_years": 2,
        "energy_billed": "OTHER_TERMS", "part_month": "WHOLE",
    },
}  # fmt: skip
MONTH = {
    "period": "2026-03",
    "series": {"delivered": {"flat": "100"}},
    "prices": {"HUB": {"flat": "30"}},
}


@pytest.fixture
def world():
    """ALFA without losses: 178.24 MWh in March with the estimate, 259.2 MWh in April."""
    IndexSeries.objects.create(code="HUB", name="Hub", zone=ZONE)
    made = World(terms=(ENERGY, INDEX, TAKE_OR_PAY), example=(MONTH, {"10": "14860.00"}))
    made.pool.delete()
    hub(["30"] * 743, at=MARCH.start_utc)
    hub(["30"] * 720, at=APRIL.start_utc)
    readings(made.alfa_meter, 50, period=GAP, status=60)
    readings(made.gen, 91, period=GAP)
    readings(made.alfa_meter, 90, period=APRIL, now=APRIL.end_utc)
    readings(made.bravo_meter, 40, period=APRIL, now=APRIL.end_utc)
    readings(made.gen, 131, period=APRIL, now=APRIL.end_utc)
    return made


def hub(prices, *, at, now=NOW):
    rows = [(at + timedelta(hours=step), Decimal(price)) for step, price in enumerate(prices)]
    series = IndexSeries.objects.get(code="HUB")
    publish_index(series, rows, vintage="hub.csv", final=True, actor=SYSTEM, now=now)


def amend(world):
    """From 16 March the adder is 4.00 instead of 3.50."""
    version = new_version(
        world.alfa, first_day=date(2026, 3, 16), note="Adder", actor=SYSTEM, now=LATE
    )
    term = version.terms.get(line_code=12)
    change_term(term, parameters=term.parameters | {"adder": "4.00"}, actor=SYSTEM)
    add_example(version, name="New adder", inputs=MONTH, expected={"12": "10104.80"}, actor=SYSTEM)
    activate_version(version, actor=SYSTEM, now=LATE)


def corrected(world, client, period, at):
    """Settle a month again; return the run and what its page says against the run before."""
    run = settle(world, period=period, kind="TRUE_UP", now=at)
    before = run.supersedes
    deltas = causes_of_runs(before.pk, run.pk)
    for delta in deltas:
        assert sum(delta.by_cause.values()) == delta.amount_usd
    by_cause = Counter()
    for delta in deltas:
        by_cause.update(delta.by_cause)
    assert sum(by_cause.values()) == run.total_usd - before.total_usd
    said = words(client.get(f"/office/settlement/{run.pk}/compare/"))
    return approve(world, run, now=at), by_cause, said


@pytest.mark.django_db
def test_a_hybrid_contract_corrected_twice_says_why_to_the_cent(world, client):
    client.force_login(User.objects.get(username="ana"))
    first = approve(world, settle(world))
    assert amounts(first) == {10: "8912.00", 12: "5971.04", 35: "988.00"}
    april = approve(world, settle(world, period=APRIL, now=LATE), now=LATE)
    assert amounts(april) == {10: "12960.00", 12: "8683.20", 35: "-988.00"}

    readings(world.alfa_meter, 58, period=GAP, now=LATE)
    readings(world.gen, 99, period=GAP, now=LATE)
    second, causes, said = corrected(world, client, MARCH, LATE + timedelta(hours=1))
    assert amounts(second) == {10: "8915.20", 12: "5973.18", 35: "984.80"}
    assert causes == {"ESTIMATE_REPLACED": Decimal("2.14")}
    assert "Estimate replaced Intervals that were estimated got other values. $2.14" in said
    assert "8 400.000 464.000" in said
    later, causes, said = corrected(world, client, APRIL, LATE + timedelta(hours=2))
    assert amounts(later) == {10: "12960.00", 12: "8683.20", 35: "-984.80"}
    assert causes == {"EARLIER_MONTH": Decimal("3.20")}
    assert "2026-03 v2 hands on something else" in said

    hub(["35", "36"], at=MARCH.start_utc + timedelta(hours=5), now=LATE)
    amend(world)
    third, causes, said = corrected(world, client, MARCH, LATE + timedelta(hours=3))
    assert amounts(third) == {10: "8915.20", 12: "6021.90", 35: "984.80"}
    assert causes == {"PRICE_REVISION": Decimal("2.64"), "CONTRACT_AMENDMENT": Decimal("46.08")}
    assert "2026-03-01 05:00 CST 30 35" in said
    assert "12 Index energy 2026-03-16 adder 3.50 4.00" in said
    assert "Index energy (1-15 and 16-31 March)" in said
    assert said.count("(1-15 and 16-31 March)") == said.count("Index energy (1-15 and 16-31 March)")
    assert "2026-03-16 to 2026-03-31" in words(client.get(f"/office/settlement/{third.pk}/"))
    last, causes, said = corrected(world, client, APRIL, LATE + timedelta(hours=4))
    assert causes == {"CONTRACT_AMENDMENT": Decimal("129.60")}

    for run, at in ((first, NOW), (second, LATE + timedelta(hours=1))):
        again = replay(world.alfa, "2026-03", at)
        assert (again.run.pk, again.outcome.lines_sha256()) == (run.pk, run.lines_sha256)
    assert all(verify_run(run).ok for run in (first, second, third, last))


def amounts(run):
    """Return the printed amount of every line code, parts of a month added up."""
    found: dict[int, Decimal] = {}
    for line in run.lines.all():
        found[line.line_code] = found.get(line.line_code, Decimal(0)) + line.amount_usd
    return {code: str(usd) for code, usd in found.items()}
