"""Measure how much slower the exact sum of products is than a float dot of the same length.

Prints the ratio for one contract-month, one year and a large campus, with one BLAS thread, and
checks each exact answer against Python's own integers. Run: python benchmarks/exact_dot.py
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from poweroptix.kernel.exact import dot

#: intervals: a month of 5 minutes, a year of 15 minutes, 100 channels for a year of 15 minutes
SIZES = {"month of 5 min": 8_928, "year of 15 min": 35_040, "100 channel-years": 3_504_000}


def best(action: Callable[[], object], seconds: float = 0.4) -> float:
    """Return the shortest processor time of one call; the shortest is the least disturbed."""
    shortest = float("inf")
    end = time.process_time() + seconds
    while time.process_time() < end:
        start = time.process_time()
        action()
        shortest = min(shortest, time.process_time() - start)
    return shortest


def measure(size: int) -> dict[str, float]:
    """Return the times of both sums over realistic prices and readings."""
    random = np.random.default_rng(4711)
    price = random.integers(-50 * 10**8, 1000 * 10**8, size)
    quantity = random.integers(0, 25_000 * 10**6, size)
    prices, quantities = price.astype(np.float64), quantity.astype(np.float64)
    step = max(1, size // 100_000)
    sample = dot(price[::step], quantity[::step])
    if sample != sum(int(p) * int(q) for p, q in zip(price[::step], quantity[::step], strict=True)):
        raise SystemExit("The exact sum differs from Python's integers.")
    return {
        "exact": best(lambda: dot(price, quantity)),
        "float": best(lambda: np.dot(prices, quantities)),
    }


def main() -> None:
    """Print one line per size."""
    for name, size in SIZES.items():
        times = measure(size)
        rate = size / times["exact"] / 1e6
        ratio = times["exact"] / times["float"]
        print(f"{name:>18}: {rate:6.0f} million exact products/s, {ratio:5.1f} x a float dot")


if __name__ == "__main__":
    main()
