"""What happened under the agreements of September 2026: gas prices, outages, shared money, owners.

Two investors run the campus as a joint venture. ALFA has an availability guarantee, three tenths of
BRAVO's energy follow the gas price between a floor and a cap, CHARLIE pays for what the solar field
gives, and all three share the insurance. A counterparty's statement, a dispute about it and a
what-if stand beside the settled month.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from contracts.models import Contract, IndexSeries
from contracts.services import publish_index, record_event
from meters.models import Campus
from poweroptix.audit.actor import Actor
from poweroptix.kernel.period import Period
from poweroptix.portfolio.document import read_document
from poweroptix.portfolio.services import apply_document
from settlement.models import MoneyPool, SettlementRun
from settlement.services.money import Entry, enter_item
from settlement.services.owners import state_owners
from settlement.services.statements import load_statement, open_dispute
from settlement.services.what_if import ask_what_if

FIRST = "2026-09"  # the first month under the new versions
AGREEMENTS = Path(__file__).with_name("venture.yaml")
GAS, GAS_BASE_CENTS = "west-gas-day", 212
#: Days on which gas was dear or cheap enough for cap or floor, in cents.
GAS_DAYS = {date(2026, 9, 16): 655, date(2026, 9, 17): 702, date(2026, 9, 25): 164}
INSURANCE = Entry(
    label="Premium of the month",
    source="West Texas Mutual",
    evidence="Policy WTM-88120",
    amount_usd=Decimal("46750.00"),
)
#: Pools that concern the owners alone, with what was metered in September.
OWNERS = {
    "gas": Entry(
        label="Gas of both meters at the price of the month",
        source="Permian Gas Supply",
        evidence="Invoice PGS-2026-09",
        quantity=Decimal("212780.884"),
        unit="MMBtu",
        rate=Decimal("2.31"),
    ),
    "export": Entry(
        label="Export over the grid tie",
        source="Regional grid operator",
        evidence="Settlement statement of September",
        quantity=Decimal("2092.972535"),
        unit="MWh",
        rate=Decimal("24.10"),
    ),
}
#: Begin, how long it lasted, and what it was; the control room wrote them down.
OUTAGES = (
    (
        datetime(2026, 9, 6, 3, tzinfo=UTC),
        timedelta(hours=12),
        {"category": "PLANNED", "caused_by": "SELLER"},
        "Oil change of both A engines, work order 2291",
    ),
    (
        datetime(2026, 9, 8, 19, 10, tzinfo=UTC),
        timedelta(hours=6, minutes=30),
        {"category": "FORCED", "caused_by": "SELLER"},
        "Trip of the gas train, log entry 4411",
    ),
    (
        datetime(2026, 9, 21, 11, tzinfo=UTC),
        timedelta(hours=30),
        {"category": "DERATING", "caused_by": "SELLER", "lost_ratio": "0.25"},
        "Charge air cooler of B1, log entry 4437",
    ),
)
#: What CHARLIE's own accountant made of September: 120 MWh more than was metered.
STATEMENT = "charlie_2026-09.csv"
ENERGY = 10
CHARGES = {10: "ENERGY", 12: "SOLAR", 20: "DEMAND", 40: "SERVICE", 45: "INSURANCE"}
MORE_MWH = Decimal(120)


def agree(now: datetime) -> None:
    """Apply the agreements: parties, second versions, quantity, pools and owners."""
    apply_document(read_document(AGREEMENTS), actor=Actor.system("demo"), now=now)


def publish_gas(period: Period, actor: Actor, now: datetime) -> None:
    """Publish a month of daily gas prices; Sundays and Mondays have that of the day before."""
    first = period.first_date - timedelta(days=7)
    days = [first + timedelta(days=at) for at in range((period.last_date - first).days + 1)]
    rows = [
        (datetime(day.year, day.month, day.day, tzinfo=UTC), Decimal(_gas_cents(day)) / 100)
        for day in days
        if day.weekday() not in (6, 0)
    ]
    publish_index(
        IndexSeries.objects.get(code=GAS),
        rows,
        vintage="settled",
        final=True,
        source=f"west_gas_{period.label}.csv",
        actor=actor,
        now=now,
    )


def _gas_cents(day: date) -> int:
    """Return the price of a day: it wanders by a few cents, but for the days that are named."""
    return GAS_DAYS.get(day, GAS_BASE_CENTS + day.toordinal() * 37 % 41 - 20)


def record_outages(actor: Actor, now: datetime) -> None:
    """Write down the outages of the engine plant under ALFA's guarantee."""
    contract = Contract.objects.get(code="PPA-ALFA")
    for start, lasted, values, reason in OUTAGES:
        record_event(
            contract,
            kind="outage@1",
            start_utc=start,
            end_utc=start + lasted,
            values=values,
            reason=reason,
            actor=actor,
            now=now,
        )


def enter_insurance(period: Period, actor: Actor, now: datetime) -> None:
    """Enter the premium of a month; its share stands on every tenant's invoice."""
    _enter("insurance", INSURANCE, period, actor, now)


def state(period: Period, actor: Actor, now: datetime) -> None:
    """Enter what the owners alone receive and pay, and state the month to each party."""
    for code, entry in OWNERS.items():
        _enter(code, entry, period, actor, now)
    state_owners(Campus.objects.get(code="CAPROCK"), period, actor=actor, now=now)


def _enter(code: str, entry: Entry, period: Period, actor: Actor, now: datetime) -> None:
    pool = MoneyPool.objects.select_related("campus").get(campus__code="CAPROCK", code=code)
    enter_item(pool, period, entry, actor=actor, now=now)


def contest(period: Period, actor: Actor, now: datetime) -> None:
    """Load CHARLIE's statement of the month, and dispute the energy that it has too much."""
    run = _run("PPA-CHARLIE", period)
    rows = ["charge,quantity,usd"]
    for line in run.lines.order_by("position"):
        more = MORE_MWH if line.line_code == ENERGY else Decimal(0)
        usd = line.amount_usd + (more * line.rate if more else 0)
        rows.append(f"{CHARGES[line.line_code]},{line.quantity + more:.3f},{usd:.2f}")
    statement = load_statement(
        run.contract,
        period.label,
        name=STATEMENT,
        content="\r\n".join([*rows, ""]).encode(),
        columns={"charge": "charge", "quantity": "quantity", "amount": "usd"},
        codes={charge: code for code, charge in CHARGES.items()},
        actor=actor,
        now=now,
    )
    open_dispute(
        statement,
        ENERGY,
        reason="Our main and check meters agree; the statement counts a day twice.",
        answer_due_date=(now + timedelta(days=30)).date(),
        actor=actor,
        now=now,
    )


def suppose(period: Period, actor: Actor, now: datetime) -> None:
    """Ask what ALFA's month would have cost with a tenth more load."""
    changes = {"load_ratio": "1.1"}
    ask_what_if(_run("PPA-ALFA", period), changes, title="A tenth more load", actor=actor, now=now)


def _run(contract: str, period: Period) -> SettlementRun:
    rows = SettlementRun.objects.select_related("contract")
    return rows.get(contract__code=contract, period=period.label, state__in=SettlementRun.SETTLED)
