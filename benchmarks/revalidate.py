"""What one edited interval costs to judge again, beside the month of the whole campus.

    python benchmarks/revalidate.py [--channels 1000] [--days 31]

Builds a scratch database (the test database of DATABASE_URL) with a month of 15-minute readings of
main and check meters, validates all of it, then edits one interval of one check meter. Prints for
each step the channels judged, the day blocks read and written, and the seconds; the last line is
the share of the whole that the edit cost.
"""

from __future__ import annotations

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from datetime import UTC, date, datetime, timedelta  # noqa: E402
from decimal import Decimal  # noqa: E402
from pathlib import Path  # noqa: E402
from time import perf_counter  # noqa: E402

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poweroptix.settings")

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

NOW = datetime(2026, 4, 2, 9, tzinfo=UTC)
FIRST = date(2026, 3, 1)
MIDNIGHT = datetime(2026, 2, 28, 14, tzinfo=UTC)  # in Brisbane
PER_DAY = 96


def main() -> None:
    """Build, measure, print, and drop what was built."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=1000)
    parser.add_argument("--days", type=int, default=31)
    options = parser.parse_args()
    previous = setup_databases(verbosity=0, interactive=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings.MEDIA_ROOT = folder
            _measure(options.channels // 2, options.days, Path(folder) / "month.csv")
    finally:
        teardown_databases(previous, verbosity=0)


def _measure(points: int, days: int, path: Path) -> None:
    from meters.models import Channel
    from meters.services import edit_readings, ingest_file, receive_file, revalidate, validate_days
    from poweroptix.audit.actor import Actor

    actor = Actor.system("benchmark")
    _channels(points)
    _write(path, points, days)
    with path.open("rb") as stream:
        file = receive_file(stream, name=path.name, source="bench", now=NOW, actor=actor)
    ingest_file(file.pk, now=NOW, actor=actor)
    ids = list(Channel.objects.values_list("pk", flat=True))
    last = FIRST + timedelta(days=days - 1)

    began = perf_counter()
    whole = validate_days(ids, FIRST, last, now=NOW, actor=actor)
    first_s = _tell("the month, first time", whole, began)
    began = perf_counter()
    again = validate_days(ids, FIRST, last, now=NOW, actor=actor)
    whole_s = _tell("the month again", again, began)

    check = Channel.objects.get(code=f"NMI{points // 2:07d}/E2")
    at = MIDNIGHT + timedelta(days=days // 2, hours=10)
    step = timedelta(minutes=check.minutes)
    began = perf_counter()
    edit_readings(
        check, at, at + step, "SET", operand=Decimal(900), reason_code="METER_FAULT",
        comment="Read from the display.", actor=actor, now=NOW,
    )  # fmt: skip
    edited_s = perf_counter() - began
    print(f"{'one edit with all that follows':32}{'':>37}{edited_s:>9.3f} s")
    began = perf_counter()
    judged = revalidate(check.pk, at, at + step, now=NOW, actor=actor)
    one_s = _tell("judged again after the edit", judged, began)
    print(
        f"after one edited interval {judged.read} of {again.read} blocks are read "
        f"({100 * judged.read / again.read:.3f} %), in {100 * one_s / whole_s:.2f} % of the time"
    )
    print(f"first time: {len(ids) * days * PER_DAY / first_s / 1e6:.2f} M intervals/s")


def _tell(what: str, summary, began: float) -> float:
    """Print what a validation did; return how long it took, in seconds."""
    took = perf_counter() - began
    channels = summary.channels + summary.followed
    print(
        f"{what:32}{channels:>6} channels{summary.read:>8} read{summary.blocks:>8} written"
        f"{took:>9.3f} s"
    )
    return took


def _channels(points: int) -> None:
    """Create points with a main and a check meter each."""
    from meters.models import Campus, Channel, DeliveryPoint, Installation, Meter

    campus = Campus.objects.create(code="BENCH", name="Bench", zone="Australia/Brisbane")
    valid = DateTimeTZRange(datetime(2000, 1, 1, tzinfo=UTC), None)
    for number in range(points):
        code = f"NMI{number:07d}"
        point = DeliveryPoint.objects.create(
            campus=campus, code=code, name=code, kind="TENANT_LOAD", capacity_kw=10_000
        )
        for suffix, role in (("E1", "MAIN"), ("E2", "CHECK")):
            channel = Channel.objects.create(
                delivery_point=point, code=f"{code}/{suffix}", minutes=15, role=role
            )
            meter = Meter.objects.create(campus=campus, serial=f"M{number:06d}{suffix}")
            Installation.objects.create(channel=channel, meter=meter, valid=valid)


def _write(path: Path, points: int, days: int) -> None:
    """Write a NEM12 file; a check meter shows what the main one does, within 0.1 %."""
    random = np.random.default_rng(20260301)
    shape = 800 + 300 * np.sin(np.linspace(0, 2 * np.pi, PER_DAY, endpoint=False))
    with path.open("w", newline="") as out:
        out.write("100,NEM12,202604010000,MDP1,RETAILER1\n")
        for number in range(points):
            main = shape * random.normal(1, 0.05, (days, PER_DAY)).clip(0.5, 1.5)
            for suffix, rows in (("E1", main), ("E2", main * 1.001)):
                out.write(f"200,NMI{number:07d},E1E2,{suffix},{suffix},N1,"
                          f"M{number:06d}{suffix},kWh,15,\n")  # fmt: skip
                for day, row in enumerate(np.round(rows, 3)):
                    stamp = FIRST + timedelta(days=day)
                    values = ",".join(f"{value:.3f}" for value in row.tolist())
                    out.write(f"300,{stamp:%Y%m%d},{values},A,,,20260401120000,\n")
        out.write("900\n")


if __name__ == "__main__":
    main()
