"""Settle 1,000 contracts x 1 month x 15 minutes x 8 charges, allocation and database included.

    python benchmarks/settle.py [--tenants 1000 5000] [--sources 10] [--workers 2] [--profile]

Builds a scratch database (the test database of DATABASE_URL) and, per size, measures the allocation
of a campus month over ten sources and the settlement of all its contracts from the first row read
to the last line written. Interval-charges are contracts x intervals x charges. The rate per core
divides them by processor seconds at both ends of the connection, which other work on the machine
does not move as it moves the clock; the clock is printed too. Pricing alone, and the rate of PySAM
Utilityrate5 where it is installed, stand beside it.
"""

from __future__ import annotations

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
import cProfile  # noqa: E402
import multiprocessing  # noqa: E402
import pstats  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from time import perf_counter  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poweroptix.settings")

import django  # noqa: E402

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from benchmarks import settle_peer  # noqa: E402
from benchmarks.seconds import Seconds, load_of_machine, measured  # noqa: E402
from benchmarks.settle_world import CHARGES, MONTH, NOW, ZONE, build  # noqa: E402
from poweroptix.audit.actor import Actor  # noqa: E402
from poweroptix.kernel.period import Period  # noqa: E402
from settlement.calc.settle import settle  # noqa: E402
from settlement.queries.contract import read_contract  # noqa: E402
from settlement.queries.shelf import Shelf  # noqa: E402
from settlement.services import calculate, run_allocation, verify_run  # noqa: E402

GOAL = 2_000_000
BATCH = 100
ACTOR = Actor.system("benchmark")


def main() -> None:
    """Build, measure, print, one size after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tenants", type=int, nargs="+", default=[1000])
    parser.add_argument("--sources", type=int, default=10)
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2, help="settlements measured; best counts")
    parser.add_argument("--workers", type=int, default=2, help="processes beside one; 1: none")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    previous = setup_databases(verbosity=0, interactive=False)
    try:
        rates = [_size(count, options) for count in options.tenants]
        if len(rates) > 1:
            print(f"rate of the last size over that of the first: {rates[-1] / rates[0]:.2f}")
        _peer()
    finally:
        teardown_databases(previous, verbosity=0)


def _size(count: int, options: argparse.Namespace) -> float:
    """Measure one campus; return interval-charges per second and core with allocation."""
    period = Period.month(ZONE, MONTH)
    begun = perf_counter()
    campus, contracts = build(f"B{count}", count, options.sources, options.minutes, period)
    print(
        f"\n{count} contracts, {options.sources} sources, built in {perf_counter() - begun:.1f} s"
    )
    work = count * period.grid(options.minutes).count * CHARGES

    with measured() as allocating:
        allocation = run_allocation(campus, period, now=NOW, actor=ACTOR)
    print(f"allocation with its closing proof: {allocating}; {load_of_machine()}")
    best = min(
        (_settled(contracts, period, allocation, options) for _round in range(options.rounds)),
        key=lambda one: one.processor,
    )
    print(f"settlement, database included: {best}; {load_of_machine()}")
    print(f"  {work / best.wall / 1e6:.2f} million interval-charges/s by the clock, "
          f"{work / best.processor / 1e6:.2f} per second and core")  # fmt: skip
    whole = allocating + best
    rate = work / whole.processor
    goal = "reached" if rate >= GOAL else "MISSED"
    print(f"  with allocation: {work / whole.wall / 1e6:.2f} by the clock, {rate / 1e6:.2f} per "
          f"second and core; goal of {GOAL / 1e6:.1f}: {goal}")  # fmt: skip
    _pricing(contracts, period, allocation, work)
    if options.workers > 1:
        _workers(contracts, period, allocation, options.workers)
    runs = calculate(contracts[:1], period, allocation, kind="FINAL", now=NOW, actor=ACTOR)
    with measured() as verifying:
        report = verify_run(runs[0])
    print(f"verify one run with its whole campus: {verifying}, ok={report.ok}")
    print(f"a run with its lines takes {_stored()} bytes")
    return rate


def _settled(contracts, period, allocation, options: argparse.Namespace) -> Seconds:
    """Settle everybody in batches, and take it back."""
    profile = cProfile.Profile() if options.profile else None
    with transaction.atomic():
        with measured() as spent:
            if profile:
                profile.enable()
            _settle(contracts, period, allocation)
            if profile:
                profile.disable()
        transaction.set_rollback(True)
    if profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    return spent


def _settle(contracts, period, allocation) -> None:
    for at in range(0, len(contracts), BATCH):
        batch = contracts[at : at + BATCH]
        calculate(batch, period, allocation, kind="FINAL", now=NOW, actor=ACTOR)


def _pricing(contracts, period, allocation, work: int) -> None:
    """Print the rate of pricing alone: inputs to lines, nothing read or written."""
    shelf = Shelf()
    few = contracts[:500]
    shelf.fill(few, period, allocation)
    inputs = [read_contract(one, period, allocation, shelf).inputs for one in few]
    with measured() as pricing:
        for one in inputs:
            settle(one)
    part = work * len(few) / len(contracts)
    print(f"pricing alone: {part / pricing.client / 1e6:.2f} million interval-charges per second "
          f"and core")  # fmt: skip


def _workers(contracts, period, allocation, count: int) -> None:
    """Print how much faster workers on halves of the contracts are than one on all of them."""
    fork = multiprocessing.get_context("fork")

    def seconds(parts: int) -> float:
        connection.close()
        shares = [contracts[at::parts] for at in range(parts)]
        workers = [
            fork.Process(target=_worker, args=(share, period, allocation)) for share in shares
        ]
        begun = perf_counter()
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        if any(one.exitcode for one in workers):
            raise SystemExit("a worker failed")
        return perf_counter() - begun

    ratios = [seconds(1) / seconds(count) for _round in range(2)]
    print(f"{count} workers against one, by the clock: {max(ratios):.2f} times; "
          f"{load_of_machine()}")  # fmt: skip


def _worker(contracts, period, allocation) -> None:
    with transaction.atomic():
        _settle(contracts, period, allocation)
        transaction.set_rollback(True)


def _peer() -> None:
    rate = settle_peer.peer_rate()
    if isinstance(rate, str):
        print(f"\nno rate of PySAM Utilityrate5: {rate}")
        return
    charges = settle_peer.CHARGES
    print(f"\nPySAM Utilityrate5: {rate / 1e6:.2f} million intervals per second and core, "
          f"{rate * charges / 1e6:.2f} million interval-charges with its {charges} charges; "
          f"{load_of_machine()}")  # fmt: skip


def _stored() -> int:
    """Return bytes of a run with its lines as they are stored, compressed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT avg(pg_column_size(r.*) + (SELECT sum(pg_column_size(l.*))"
            " FROM settlement_line l WHERE l.run_id = r.id)) FROM settlement_settlementrun r"
        )
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
