"""How fast readings become files, and how much memory that takes: one process per format.

python benchmarks/export_readings.py [intervals]
"""

import resource
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from meters.exports import ChannelHead, Head, Part, writers
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series

ZONE, FIRST, LAST = "Etc/GMT+6", date(2026, 1, 1), date(2026, 6, 22)


def measure(key: str, wanted: int) -> str:
    """Write the same half year of 5-minute readings over and over; return what it took."""
    channel = ChannelHead("TEN-ALFA/DEL_KWH", "kWh", 5)
    grid = Period.days_between(ZONE, FIRST, LAST).grid(5)
    random = np.random.default_rng(1)
    status = np.full(grid.count, int(Status.VALIDATED), np.uint8)
    status[100:200] = Status.ESTIMATED
    series = Series(grid, random.integers(0, 10**9, grid.count), status, "kWh")
    method, version = np.zeros(grid.count, np.uint8), np.ones(grid.count, np.int32)
    part = Part(channel, series, method, version)
    head = Head("CAP", ZONE, FIRST, LAST, "final", datetime(2026, 11, 3, tzinfo=UTC), (channel,))
    writer = writers.get(key)
    for _ in writer.write(head, [part]):
        pass
    times = max(1, wanted // grid.count)
    begin = time.process_time()
    size = sum(len(chunk) for chunk in writer.write(head, (part for _ in range(times))))
    seconds = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    count = times * grid.count
    rate, each = count / seconds / 1e6, size / count
    return (
        f"{key:11} {count:>10,} intervals {rate:5.2f} million/s {each:6.1f} bytes each, "
        f"peak {peak} MB"
    )


if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(measure(sys.argv[1], int(sys.argv[2])))
    else:
        asked = sys.argv[1] if len(sys.argv) > 1 else "5000000"
        for name in writers.keys():  # noqa: SIM118
            subprocess.run([sys.executable, __file__, name, asked], check=True)
