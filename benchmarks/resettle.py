"""What one corrected interval costs to settle again, beside the full month of all contracts.

    python benchmarks/resettle.py [--campuses 5] [--tenants 50]

Builds a scratch database (the test database of DATABASE_URL) with an approved month of 15-minute
readings: on the first campus every contract stands on its own meter, on the others contracts share
the losses. Then one interval of one tenant is corrected on the first campus, and one on the second.
Printed are the runs that this flags, the contracts that the recalculation settles again and those
that keep their run, and the seconds of both steps as a share of the full month.
"""

from __future__ import annotations

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
from datetime import timedelta  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poweroptix.settings")

import django  # noqa: E402

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from benchmarks.seconds import Seconds, load_of_machine, measured  # noqa: E402
from benchmarks.settle_world import MONTH, NOW, ZONE, build  # noqa: E402
from poweroptix.audit.actor import Actor  # noqa: E402
from poweroptix.kernel.period import Period  # noqa: E402

LATER = NOW + timedelta(hours=1)
ACTOR = Actor.system("benchmark")
MINUTES = 15


def main() -> None:
    """Build, settle, correct, settle again, print, and drop what was built."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--campuses", type=int, default=5)
    parser.add_argument("--tenants", type=int, default=50, help="contracts of each campus")
    parser.add_argument("--sources", type=int, default=10)
    options = parser.parse_args()
    previous = setup_databases(verbosity=0, interactive=False)
    try:
        connection.close_at = None  # a job drops old connections; processor time is per backend
        _measure(options)
    finally:
        teardown_databases(previous, verbosity=0)


def _measure(options: argparse.Namespace) -> None:
    from settlement.models import Pool, PoolMember

    period = Period.month(ZONE, MONTH)
    world = [
        build(f"C{at}", options.tenants, options.sources, MINUTES, period)
        for at in range(options.campuses)
    ]
    alone, shared = world[0][0], world[1][0]
    PoolMember.objects.filter(pool__campus=alone).delete()
    Pool.objects.filter(campus=alone).delete()

    count = sum(len(contracts) for _, contracts in world)
    full = sum((_settled(campus, contracts, period) for campus, contracts in world), Seconds())
    print(f"{count} contracts on {len(world)} campuses, the full month: {full}")
    _approve()
    for campus, expected in ((alone, 1), (shared, options.tenants)):
        _corrected(campus, expected, count, full)


def _settled(campus, contracts, period) -> Seconds:
    """Allocate and settle the month of a campus; return what that took."""
    from settlement.services import calculate, run_allocation

    with measured() as spent:
        allocation = run_allocation(campus, period, now=NOW, actor=ACTOR)
        calculate(contracts, period, allocation, kind="FINAL", now=NOW, actor=ACTOR)
    return spent


def _approve() -> None:
    """Approve everything, as a second person would after the month-end."""
    from settlement.models import AllocationRun, SettlementRun

    SettlementRun.objects.update(state="APPROVED", approved_by="user:approver", approved_at=NOW)
    AllocationRun.objects.update(state="APPROVED")


def _corrected(campus, expected: int, count: int, full: Seconds) -> None:
    """Correct one interval of the campus, settle again what rests on it, and print the cost."""
    from meters.models import Channel
    from poweroptix.jobs.services import run_now
    from settlement.models import Correction
    from settlement.services import recalculate_month

    channel = Channel.objects.filter(delivery_point__campus=campus).order_by("-pk").first()
    with measured() as flagging:
        publication = _publish_other(channel)
    flagged = Correction.objects.filter(publication_id=publication.pk)
    runs = set(flagged.values_list("run__contract__code", flat=True))
    with measured() as again:
        job = recalculate_month(campus, MONTH, reason="A reading.", now=LATER, actor=ACTOR)
        job = run_now(job)
    if job.state != "done":
        raise SystemExit(job.error)
    settled, kept = len(job.result["contracts"]), len(job.result["kept"])
    exact = runs == set(job.result["contracts"]) and settled == expected
    spent = flagging + again
    print(
        f"\none interval of {channel.code}: {len(runs)} runs flagged in {flagging}\n"
        f"  settled again {settled} of {count} contracts, kept {kept} of its campus"
        f"{'' if exact else '; MISSED: not exactly what reads it'}: {again}\n"
        f"  with the correction {100 * spent.wall / full.wall:.1f} % of the full month by the "
        f"clock, {100 * spent.processor / full.processor:.1f} % of its processor seconds, for "
        f"{100 * settled / count:.1f} % of its contracts; {load_of_machine()}"
    )


def _publish_other(channel):
    """Publish another value of one interval in the middle of the month; return the publication."""
    from meters.models import Publication
    from meters.services.publishing.publish import publish
    from meters.storage import epoch_day, load, write

    day = epoch_day(Period.month(ZONE, MONTH).days()[14])
    with transaction.atomic():
        publication = Publication.objects.create(kind="VEE", actor="b", created_at=LATER)
        [batch] = load([channel.pk], day, day)
        batch.values[0, 40] += 1_000_000
        batch.versions[:] = 2
        batch.publication_ids[:] = publication.pk
        batch.compute_digests()
        write(batch, LATER)
        publish(publication, LATER)
    return publication


if __name__ == "__main__":
    main()
