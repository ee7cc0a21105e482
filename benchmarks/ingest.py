"""File to stored and validated blocks, against what nemreader merely parses.

Run: python benchmarks/ingest.py [--channels 50] [--days 365] [--large-mb 100] [--keep]

Needs DATABASE_URL of a server where a database may be made; it makes one of its own and drops it.
Prints rates, their ratio, bytes per reading and layer, and peak memory by size of file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poweroptix.settings")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

NOW = datetime(2026, 4, 2, 12, 0, tzinfo=UTC)
FIRST = date(2025, 1, 1)
PER_DAY = 96


def write_nem12(path: Path, channels: int, days: int) -> int:
    """Write a NEM12 file of 15-minute load curves; return its readings."""
    random = np.random.default_rng(20260101)
    shape = 800 + 300 * np.sin(np.linspace(0, 2 * np.pi, PER_DAY, endpoint=False))
    with path.open("w", newline="") as out:
        out.write("100,NEM12,202601010000,MDP1,RETAILER1\n")
        for number in range(channels):
            nmi = f"NMI{number:07d}"
            out.write(f"200,{nmi},E1,E1,E1,N1,M{number:06d},kWh,15,\n")
            noise = random.normal(1, 0.05, (days, PER_DAY)).clip(0.5, 1.5)
            for day, row in enumerate(np.round(shape * noise, 3)):
                stamp = FIRST + timedelta(days=day)
                values = ",".join(f"{value:.3f}" for value in row.tolist())
                out.write(f"300,{stamp:%Y%m%d},{values},A,,,20260101120000,\n")
        out.write("900\n")
    return channels * days * PER_DAY


def peer_seconds(path: Path) -> float:
    """Return how long nemreader takes to parse the file."""
    from nemreader import NEMFile

    began = time.perf_counter()
    NEMFile(str(path)).nem_data()
    return time.perf_counter() - began


def make_channels(channels: int) -> None:
    """Create the channels of the file, each with a meter."""
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

    from meters.models import Campus, Channel, DeliveryPoint, Installation, Meter

    campus, _ = Campus.objects.get_or_create(
        code="BENCH", defaults={"name": "Bench", "zone": "Australia/Brisbane"}
    )
    for number in range(channels):
        code = f"NMI{number:07d}/E1"
        if Channel.objects.filter(code=code).exists():
            continue
        point = DeliveryPoint.objects.create(
            campus=campus, code=code, name=code, kind="TENANT_LOAD", capacity_kw=10_000
        )
        channel = Channel.objects.create(delivery_point=point, code=code, minutes=15)
        meter = Meter.objects.create(campus=campus, serial=code)
        valid = DateTimeTZRange(datetime(2000, 1, 1, tzinfo=UTC), None)
        Installation.objects.create(channel=channel, meter=meter, valid=valid)


def ingest(path: Path, source: str) -> tuple[dict, float, float]:
    """Receive, ingest and validate a file; return receipt, seconds of ingest and of validation."""
    from meters.services import ingest_file, receive_file
    from meters.services.followup import validate_receipt
    from poweroptix.audit.actor import Actor

    actor = Actor.system("benchmark")
    began = time.perf_counter()
    with path.open("rb") as stream:
        file = receive_file(stream, name=path.name, source=source, now=NOW, actor=actor)
    receipt = ingest_file(file.pk, now=NOW, actor=actor)
    middle = time.perf_counter()
    validate_receipt(receipt, now=NOW, actor=actor)
    return receipt, middle - began, time.perf_counter() - middle


def bytes_per_reading() -> tuple[float, float]:
    """Return bytes per reading and layer on disk: table, and table with indexes and toast."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(1440 / minutes) FROM meters_readingblock")
        readings = cursor.fetchone()[0]
        cursor.execute(
            "SELECT pg_table_size('meters_readingblock'), "
            "pg_total_relation_size('meters_readingblock')"
        )
        table, total = cursor.fetchone()
    return table / readings, total / readings


def peak_mb(megabytes: int, url: str) -> tuple[float, float]:
    """Ingest a file of about this size in a fresh process; return its MB and the peak RSS in MB."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", str(megabytes)],
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    size, peak = done.stdout.split()[-2:]
    return float(size), float(peak)


def child(megabytes: int) -> None:
    """Ingest one generated file and print its size and the peak memory of this process."""
    import django

    django.setup()
    from django.conf import settings

    days = 365
    channels = max(1, round(megabytes * 1_000_000 / (days * PER_DAY * 8.35)))
    with tempfile.TemporaryDirectory() as folder:
        settings.MEDIA_ROOT = folder
        path = Path(folder) / f"large{megabytes}.csv"
        make_channels(channels)
        if os.fork() == 0:
            write_nem12(path, channels, days)
            os._exit(0)
        os.wait()
        ingest(path, f"large{megabytes}")
        print(path.stat().st_size / 1e6, own_peak_mb())


def own_peak_mb() -> float:
    """Return the peak memory of this process; getrusage would report that of the parent."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in status if row.startswith("VmHWM")) / 1024


def scratch_database() -> tuple[str, str]:
    """Make an empty database with all tables; return its name and address."""
    import psycopg

    url = os.environ["DATABASE_URL"]
    name = f"bench_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    return name, url.rsplit("/", 1)[0] + f"/{name}"


def drop_database(name: str) -> None:
    """Drop the scratch database."""
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        for _ in range(30):
            try:
                server.execute(f'DROP DATABASE IF EXISTS "{name}"')
                return
            except psycopg.errors.ObjectInUse:
                time.sleep(1)  # the server's own vacuum may still look at it


def run(channels: int, days: int, sizes_mb: list[int], url: str) -> None:
    """Measure and print."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MEDIA_ROOT"] = folder
        path = Path(folder) / "bench.csv"
        readings = write_nem12(path, channels, days)
        make_channels(channels)
        small = Path(folder) / "warm.csv"
        write_nem12(small, 1, 2)
        ingest(small, "warm")
        receipt, reading, judging = ingest(path, "bench")
        peer = peer_seconds(path)
    ours = reading + judging
    print(
        f"file                {receipt['intervals']:,} readings, {channels} channels x {days} days"
    )
    print(f"nemreader parse     {peer:8.2f} s  {readings / peer / 1e6:6.2f} M readings/s")
    print(f"file to raw         {reading:8.2f} s  {readings / reading / 1e6:6.2f} M readings/s")
    print(f"raw to final        {judging:8.2f} s  {readings / judging / 1e6:6.2f} M readings/s")
    print(f"file to final       {ours:8.2f} s  {readings / ours / 1e6:6.2f} M readings/s")
    print(f"ratio to the peer   {peer / ours:8.1f} x  (must be 4, goal 10)")
    table, total = bytes_per_reading()
    print(f"bytes per reading and layer   {table:.2f} table, {total:.2f} with indexes (at most 15)")
    points = [peak_mb(size, url) for size in sizes_mb]
    for size, peak in points:
        print(f"peak memory         {peak:8.0f} MB for a file of {size:.0f} MB")
    if len(points) > 1:
        (small, low), (large, high) = points[0], points[-1]
        print(f"slope               {(high - low) / (large - small):8.2f} MB per MB of file")


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=50)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument(
        "--large-mb", type=int, default=100, help="1000 for the 1 GB run, 0 for none"
    )
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    name, url = scratch_database()
    before = os.environ["DATABASE_URL"]
    os.environ["DATABASE_URL"] = url
    try:
        sizes = [options.large_mb // 4, options.large_mb] if options.large_mb else []
        run(options.channels, options.days, sizes, url)
    finally:
        from django.db import connection

        connection.close()
        os.environ["DATABASE_URL"] = before
        drop_database(name)


if __name__ == "__main__":
    main()
