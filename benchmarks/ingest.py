"""File to stored and validated blocks, against what nemreader merely parses.

Run: python benchmarks/ingest.py [--channels 50] [--days 365] [--repeat 5] [--large-mb 100]

Needs DATABASE_URL of a server where databases may be made; it makes its own and drops them. Both
sides run in turn in one process, `--repeat` times, each time in an empty database; the shortest
time of each side counts, because other work on the machine can only make a run longer. Prints
rates, their ratio, processor seconds of both ends of the connection (of the server where it runs
on this machine), bytes per reading and layer, and peak memory by size of file.
"""

from __future__ import annotations

import argparse
import json
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

from benchmarks.seconds import server_seconds  # noqa: E402

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
        meter = Meter.objects.create(campus=campus, serial=f"M{number:06d}")  # as the file says
        valid = DateTimeTZRange(datetime(2000, 1, 1, tzinfo=UTC), None)
        Installation.objects.create(channel=channel, meter=meter, valid=valid)


def ingest(path: Path, source: str) -> tuple[dict, float, float]:
    """Receive, ingest and validate a file; return receipt, seconds of ingest and of validation."""
    from meters.services import ingest_file, receive_file
    from meters.services.publishing.followup import validate_receipt
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


def own_peak_mb() -> float:
    """Return the peak memory of this process; getrusage would report that of the parent."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in status if row.startswith("VmHWM")) / 1024


def measure(path: Path) -> dict[str, float | None]:
    """Ingest and validate a file after a small one, then let the peer parse it; all seconds."""
    import django

    django.setup()
    from django.conf import settings

    with tempfile.TemporaryDirectory() as folder:
        settings.MEDIA_ROOT = folder
        small = Path(folder) / "warm.csv"
        write_nem12(small, 1, 2)
        ingest(small, "warm")
        client, server = time.process_time(), server_seconds()
        receipt, reading, judging = ingest(path, "bench")
        client = time.process_time() - client
        server = None if server is None else server_seconds() - server
    table, total = bytes_per_reading()
    return {
        "readings": receipt["intervals"], "raw": reading, "final": judging,
        "both": reading + judging, "client": client, "server": server,
        "table": table, "total": total, "peer": peer_seconds(path),
    }  # fmt: skip


def measure_peak(megabytes: int) -> dict[str, float]:
    """Ingest and validate one generated file; return its size and this process's peak, in MB."""
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
        return {"size": path.stat().st_size / 1e6, "peak": own_peak_mb()}


class Databases:
    """An empty database with all tables and channels, and copies of it to measure in."""

    def __init__(self, channels: int) -> None:
        """Make the empty one."""
        self._server = os.environ["DATABASE_URL"]
        self._base = f"bench_{os.getpid()}"
        self._ask(f'CREATE DATABASE "{self._base}"')
        self._run(self._base, "--prepare", str(channels))

    def run(self, *options: str) -> dict:
        """Run this program with options in a copy of its own; return what it prints."""
        name = f"{self._base}_run"
        self._ask(f'CREATE DATABASE "{name}" TEMPLATE "{self._base}"')
        try:
            return json.loads(self._run(name, *options))
        finally:
            self._drop(name)

    def close(self) -> None:
        """Drop the empty one."""
        self._drop(self._base)

    def _run(self, name: str, *options: str) -> str:
        url = self._server.rsplit("/", 1)[0] + f"/{name}"
        done = subprocess.run(
            [sys.executable, __file__, *options],
            env=os.environ | {"DATABASE_URL": url},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()[-1] if done.stdout else ""

    def _ask(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self._server, autocommit=True) as server:
            server.execute(statement)

    def _drop(self, name: str) -> None:
        import psycopg

        for _ in range(30):
            try:
                self._ask(f'DROP DATABASE IF EXISTS "{name}"')
                return
            except psycopg.errors.ObjectInUse:
                time.sleep(1)  # the server's own vacuum may still look at it


def prepare(channels: int) -> None:
    """Make all tables and the channels."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    make_channels(channels)


def report(rounds: list[dict]) -> None:
    """Print the shortest time of each side, and what it means."""
    best = {
        name: min(r[name] for r in rounds) for name in ("raw", "final", "both", "client", "peer")
    }
    readings = rounds[0]["readings"]
    print(f"file                {readings:,} readings, shortest of {len(rounds)} rounds")
    for label, name in (
        ("nemreader parse ", "peer"),
        ("file to raw     ", "raw"),
        ("raw to final    ", "final"),
        ("file to final   ", "both"),
    ):
        print(f"{label}    {best[name]:8.2f} s  {readings / best[name] / 1e6:6.2f} M readings/s")
    ratios = ", ".join(f"{r['peer'] / r['both']:.1f}" for r in rounds)
    print(f"ratio to the peer   {best['peer'] / best['both']:8.1f} x  (must be 4, goal 10)")
    print(f"ratio by round      {ratios}")
    served = [r["server"] for r in rounds if r["server"] is not None]
    if served:
        busy = best["client"] + min(served)
        print(
            f"processor seconds   {best['client']:8.2f} here, {min(served):.2f} of the server; "
            f"{busy / best['both']:.1f} processors busy"
        )
    last = rounds[-1]
    print(
        f"bytes per reading and layer   {last['table']:.2f} table, {last['total']:.2f} with "
        "indexes (at most 15)"
    )


def report_peaks(points: list[dict]) -> None:
    """Print peak memory by size of file."""
    for point in points:
        print(f"peak memory         {point['peak']:8.0f} MB for a file of {point['size']:.0f} MB")
    if len(points) > 1:
        slope = (points[-1]["peak"] - points[0]["peak"]) / (points[-1]["size"] - points[0]["size"])
        print(f"slope               {slope:8.2f} MB per MB of file")


def options_of() -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=50)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument(
        "--large-mb", type=int, default=100, help="1000 for the 1 GB run, 0 for none"
    )
    parser.add_argument("--prepare", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure, or do one part of it in a process of its own."""
    options = options_of()
    if options.prepare:
        prepare(options.prepare)
    elif options.measure:
        print(json.dumps(measure(options.measure)))
    elif options.peak:
        print(json.dumps(measure_peak(options.peak)))
    else:
        databases = Databases(options.channels)
        try:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "bench.csv"
                write_nem12(path, options.channels, options.days)
                report([databases.run("--measure", str(path)) for _ in range(options.repeat)])
            sizes = [options.large_mb // 4, options.large_mb] if options.large_mb else []
            report_peaks([databases.run("--peak", str(size)) for size in sizes])
        finally:
            databases.close()


if __name__ == "__main__":
    main()
