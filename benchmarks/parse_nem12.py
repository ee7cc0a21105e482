"""Time of reading NEM12 against nemreader 0.9.2 in the same run; prints ratios.

Run: ``OMP_NUM_THREADS=1 python benchmarks/parse_nem12.py [FILE.csv ...]``. Without files it writes
its own: a month of 5-minute solar of one meter, a year of 5-minute data, and 400 meters with a
month of 30-minute data each. Both sides go from the file to values and times in memory.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from meters.formats import ChannelBlock, Profile, formats


def write(path: Path, *, meters: int, days: int, minutes: int, suffixes: tuple[str, ...]) -> Path:
    """Write a NEM12 file of plain actual data."""
    rng = random.Random(7)
    lines = ["100,NEM12,202604010000,MDP,RETAILER"]
    per_day = 1440 // minutes
    for meter in range(meters):
        for suffix in suffixes:
            nmi = f"NMI{meter:07d}"
            config = "".join(suffixes)
            lines.append(f"200,{nmi},{config},1,{suffix},N1,SN{meter:06d},kWh,{minutes},")
            for day in range(days):
                date = dt.date(2025, 3, 1) + dt.timedelta(days=day)
                values = ",".join(f"{rng.random() * 50:.3f}" for _ in range(per_day))
                lines.append(f"300,{date:%Y%m%d},{values},A,,,{date:%Y%m%d}120000,")
    lines.append("900")
    path.write_text("\n".join(lines) + "\n")
    return path


def best_seconds(work: Callable[[], int], repeat: int = 3) -> tuple[float, int]:
    """Return the shortest of some runs and the number of readings."""
    best, readings = float("inf"), 0
    for _ in range(repeat):
        start = time.perf_counter()
        readings = work()
        best = min(best, time.perf_counter() - start)
    return best, readings


def ours(path: Path) -> int:
    """Read with nem12@1; return the number of readings."""
    reader = formats.get("nem12@1")
    with path.open("rb") as stream:
        blocks = list(reader.read(stream, Profile()))
    return sum(block.count for block in blocks if isinstance(block, ChannelBlock))


def theirs(path: Path) -> int:
    """Read with nemreader; return the number of readings."""
    from nemreader import NEMFile

    data = NEMFile(str(path)).nem_data()
    return sum(len(rows) for nmi in data.readings.values() for rows in nmi.values())


def main(paths: list[Path]) -> None:
    """Print readings per second and the ratio for each file."""
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        if not paths:
            paths = [
                write(base / "month.csv", meters=1, days=31, minutes=5, suffixes=("B1", "E1")),
                write(base / "year.csv", meters=1, days=365, minutes=5, suffixes=("B1", "E1")),
                write(base / "many.csv", meters=400, days=31, minutes=30, suffixes=("E1",)),
                write(base / "daily.csv", meters=8000, days=1, minutes=30, suffixes=("E1",)),
            ]
        for path in paths:
            mine, count = best_seconds(lambda path=path: ours(path), 5)
            peer, peer_count = best_seconds(lambda path=path: theirs(path), 2)
            print(
                f"{path.name}: {count} readings ({peer_count} by the peer), "
                f"{count / mine / 1e6:.1f} M/s against {peer_count / peer / 1e6:.2f} M/s, "
                f"ratio {peer / mine:.1f}"
            )


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
