"""Open the explain page of lines beside 10 tenants and a month, and beside 1,000 and three years.

    python benchmarks/explain.py [--tenants 1000] [--months 36] [--rounds 3]

Builds a scratch database (the test database of DATABASE_URL) with a settled month of ten tenants,
15-minute readings and eight charges, and opens the page of each line of a contract: as it is, with
a day, and with an interval down to its readings. Then a second campus is settled with many tenants
and its month copied as often as there are months: allocations and their parts (without the energy,
which lies beside the table), runs, lines and readings. Printed are, for the same lines before and
after and for lines of the large campus, the most statements of a page, the most rows that the
server reads for it (pg_stat_xact_user_tables, where an index serves: tables of a page or two are
read whole otherwise), the most blocks of 8 kB (EXPLAIN ANALYZE of every statement) and the mean
time by the clock and of the processor at both ends. What grew is named by its table. The page of
the run and the list of all runs stand beside them.
"""

from __future__ import annotations

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
from collections import Counter  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from pathlib import Path  # noqa: E402
from time import perf_counter  # noqa: E402
from unittest.mock import patch  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poweroptix.settings")

import django  # noqa: E402

django.setup()

import psycopg  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import (  # noqa: E402
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)

from benchmarks.seconds import Seconds, load_of_machine, measured  # noqa: E402
from benchmarks.settle_world import MONTH, NOW, ZONE, build  # noqa: E402
from poweroptix.audit.actor import Actor  # noqa: E402
from poweroptix.kernel.period import Period  # noqa: E402
from settlement.models import Line  # noqa: E402

ACTOR = Actor.system("benchmark")
FEW = 10
MINUTES = 15
DAY = f"{MONTH}-16"
SINCE = f"{MONTH}-01"
BATCH = 100
PAGES = {
    "a line": "/office/settlement/lines/{line}/",
    "with a day": "/office/settlement/lines/{line}/?day={day}",
    "with an interval": "/office/settlement/lines/{line}/?day={day}&at={day}T15:00:00Z",
    "its run": "/office/settlement/{run}/",
    "all runs": "/office/settlement/",
}
#: Tables whose triggers refuse what was not calculated here.
GUARDED = (
    "settlement_allocationrun",
    "settlement_allocationpart",
    "settlement_settlementrun",
    "settlement_line",
)
COLUMNS = """
SELECT column_name FROM information_schema.columns
 WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO'
"""
OF_MONTH = (
    "{0}.period = %({1})s AND {0}.campus_id = (SELECT id FROM meters_campus WHERE code = %(code)s)"
)
ROWS = """
SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
"""


@dataclass
class Cost:
    """What a page took: the most of any line, and the mean time of all."""

    statements: int = 0
    rows: int = 0
    blocks: int = 0
    by_table: Counter[str] = field(default_factory=Counter)
    spent: Seconds = field(default_factory=Seconds)
    pages: int = 0

    @property
    def wall_ms(self) -> float:
        """Mean milliseconds of a page by the clock."""
        return 1000 * self.spent.wall / self.pages

    @property
    def processor_ms(self) -> float:
        """Mean milliseconds of a page of the processor at both ends."""
        return 1000 * self.spent.processor / self.pages


def main() -> None:
    """Build, measure, print, and drop what was built."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenants", type=int, default=1000)
    parser.add_argument("--months", type=int, default=36)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    setup_test_environment()
    previous = setup_databases(verbosity=0, interactive=False)
    try:
        _measure(options)
    finally:
        teardown_databases(previous, verbosity=0)
        teardown_test_environment()


def _measure(options: argparse.Namespace) -> None:
    client = _reader()
    few = _settled_campus("FEW", FEW)
    _analyze()
    before = _opened(client, few, options.rounds)
    _tell(f"{FEW} tenants x 1 month", before)

    began = perf_counter()
    many = _settled_campus("MANY", options.tenants)
    _copy_months("MANY", options.months - 1)
    _analyze()
    print(f"\n{options.tenants} tenants x {options.months} months, built in "
          f"{perf_counter() - began:.0f} s: {_size()}")  # fmt: skip
    after = _opened(client, few, options.rounds)
    _tell("the same lines beside them", after)
    large = _opened(client, many, options.rounds)
    _tell(f"lines of a campus of {options.tenants}", large)
    print()
    for page in PAGES:
        _compare(f"{page}, the same", before[page], after[page])
        _compare(f"{page}, of the large campus", before[page], large[page])
    print(load_of_machine())


def _reader() -> Client:
    """Return a browser in which an analyst is signed in."""
    from poweroptix.accounts.models import User

    client = Client()
    client.force_login(User.objects.create_user("ann", role="analyst"))
    client.get(PAGES["all runs"])
    return client


def _settled_campus(code: str, tenants: int) -> list[Line]:
    """Settle a campus month; return the lines of the contract in the middle."""
    from settlement.services import calculate, run_allocation

    period = Period.month(ZONE, MONTH)
    campus, contracts = build(code, tenants, 2, MINUTES, period)
    allocation = run_allocation(campus, period, now=NOW, actor=ACTOR)
    for at in range(0, len(contracts), BATCH):
        batch = contracts[at : at + BATCH]
        calculate(batch, period, allocation, kind="FINAL", now=NOW, actor=ACTOR)
    middle = contracts[len(contracts) // 2]
    return list(Line.objects.filter(run__contract=middle))


def _copy_months(code: str, count: int) -> None:
    """Copy the month of a campus to each of the months before it."""
    period = Period.month(ZONE, MONTH)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in GUARDED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for back in range(1, count + 1):
            period = period.previous()
            _copy_month(cursor, code, back, period)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in GUARDED:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def _copy_month(cursor, code: str, back: int, period: Period) -> None:
    """Copy allocation, parts, runs, lines and readings of a campus month to another one."""
    said = {"code": code, "month": MONTH, "label": period.label, "days": 32 * back}
    said |= {"start": period.start_utc, "end": period.end_utc, "first": SINCE}
    dated = {"period": "%(label)s", "start_utc": "%(start)s", "end_utc": "%(end)s"}
    approved = {"state": "'APPROVED'", "approved_by": "'user:approver'", "approved_at": "now()"}

    def copy(table: str, joined: str, **changed: str) -> None:
        """Insert the rows of a table that belong to the campus month once more, otherwise."""
        cursor.execute(COLUMNS, [table])
        names = [row[0] for row in cursor.fetchall()]
        columns = ", ".join(f'"{name}"' for name in names)
        values = ", ".join(changed.get(name, f't."{name}"') for name in names)
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t {joined}",  # noqa: S608
            said,
        )

    copy("settlement_allocationrun", f"WHERE {OF_MONTH.format('t', 'month')}",
         **dated, state="'APPROVED'")  # fmt: skip
    both = f"""
      JOIN settlement_allocationrun a ON {OF_MONTH.format("a", "month")}
      JOIN settlement_allocationrun n ON {OF_MONTH.format("n", "label")}
    """
    copy("settlement_allocationpart", f"{both} WHERE t.run_id = a.id",
         run_id="n.id", start_utc="%(start)s", values="'{}'", status="''")  # fmt: skip
    copy("settlement_settlementrun", f"{both} WHERE t.allocation_run_id = a.id",
         **dated, **approved, allocation_run_id="n.id")  # fmt: skip
    copy("settlement_line", f"""{both}
      JOIN settlement_settlementrun r ON r.allocation_run_id = a.id
      JOIN settlement_settlementrun m
        ON (m.allocation_run_id, m.contract_id) = (n.id, r.contract_id)
     WHERE t.run_id = r.id""", run_id="m.id")  # fmt: skip
    copy("meters_readingblock", """
      JOIN meters_channel c ON c.id = t.channel_id
     WHERE c.code LIKE %(code)s || '/%%' AND t.day >= %(first)s""",
         day="t.day - %(days)s")  # fmt: skip


def _analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _size() -> str:
    """Return how much there is, for print."""
    with connection.cursor() as cursor:
        counts = []
        for table in (*GUARDED, "meters_readingblock"):
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - names from above
            counts.append(f"{cursor.fetchone()[0]:,} {table.partition('_')[2]}")
        cursor.execute("SELECT pg_size_pretty(pg_database_size(current_database()))")
        return ", ".join([*counts, cursor.fetchone()[0]])


def _opened(client: Client, lines: list[Line], rounds: int) -> dict[str, Cost]:
    """Open the pages of lines; return what each kind of page took."""
    client.get(PAGES["all runs"])  # whether a session is written again depends on the minute
    found = {}
    for page, pattern in PAGES.items():
        addresses = {pattern.format(line=one.pk, run=one.run_id, day=DAY) for one in lines}
        cost = found[page] = Cost(pages=rounds * len(addresses))
        for address in addresses:
            _count(client, address, cost)
        with measured() as cost.spent:
            for address in [*addresses] * rounds:
                client.get(address)
    return found


def _count(client: Client, address: str, most: Cost) -> None:
    """Open a page twice: once to count statements and rows, once to explain each statement."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        before = _rows_read()
        with _watched(blocks=False) as sent:
            answer = client.get(address)
        read = _rows_read() - before
    if answer.status_code != 200:
        raise SystemExit(f"{address}: {answer.status_code}")
    with transaction.atomic(), _watched(blocks=True) as touched:
        client.get(address)
    most.statements = max(most.statements, sent["statements"])
    most.rows = max(most.rows, read.total())
    most.blocks = max(most.blocks, touched["blocks"])
    most.by_table |= read


def _rows_read() -> Counter[str]:
    """Return the rows that this transaction has read so far, by table."""
    with connection.cursor() as cursor:
        cursor.execute(ROWS)
        return Counter(dict(cursor.fetchall()))


@contextmanager
def _watched(*, blocks: bool) -> Iterator[Counter[str]]:
    """Count every statement that goes to the server, also those past Django, or their blocks."""
    found: Counter[str] = Counter()
    plain = psycopg.Cursor.execute

    def execute(self, query, params=None, **more):
        found["statements"] += 1
        if blocks and isinstance(query, str) and query.startswith("SELECT"):
            with psycopg.ClientCursor(connection.connection) as cursor:
                plain(cursor, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}", params)
                plan = cursor.fetchone()[0][0]["Plan"]
            found["blocks"] += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return plain(self, query, params, **more)

    with patch.object(psycopg.Cursor, "execute", execute):
        yield found


def _tell(what: str, costs: dict[str, Cost]) -> None:
    for page, cost in costs.items():
        print(
            f"{what:32}{page:18}{cost.statements:4} statements{cost.rows:6} rows"
            f"{cost.blocks:6} blocks{cost.wall_ms:8.0f} ms"
            f"{cost.processor_ms:8.0f} ms of the processor"
        )


def _compare(what: str, before: Cost, after: Cost) -> None:
    """Print which tables gave more rows, or that none did."""
    grown = after.by_table - before.by_table
    named = ", ".join(f"{table} +{count}" for table, count in grown.most_common(6))
    print(
        f"{what}: {f'MORE rows: {named}' if grown else 'no more rows'}; "
        f"{after.statements - before.statements:+} statements, "
        f"{after.blocks - before.blocks:+} blocks, "
        f"{after.processor_ms / before.processor_ms:.2f} times the processor's time"
    )


if __name__ == "__main__":
    main()
