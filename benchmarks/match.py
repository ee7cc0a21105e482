"""Match 1,000 contracts x 10 sources x 2,976 intervals on one core, in memory.

    python benchmarks/match.py [--contracts 1000] [--sources 10] [--profile]

Nine sources are shared by entitlement with what is unused passed on, every third by firm classes;
the last one fills the rest. Prints parts per second (contracts x sources x intervals over the CPU
seconds from the series to the proved parts) and, as the physical yardstick, how fast numpy merely
copies as many numbers.
"""

from __future__ import annotations

import os

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
import cProfile  # noqa: E402
import pstats  # noqa: E402
import sys  # noqa: E402
from datetime import date  # noqa: E402
from pathlib import Path  # noqa: E402
from time import process_time  # noqa: E402

import numpy as np  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from poweroptix.kernel.period import Period  # noqa: E402
from poweroptix.kernel.series import Series  # noqa: E402
from settlement.calc.matching import Matching, SourceRule, match_sources  # noqa: E402
from settlement.weighing.stays import Span  # noqa: E402

JULY = Period.month("America/Chicago", "2026-07")
ALWAYS = (Span(date(2020, 1, 1)),)
SEED = 20_260_701


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contracts", type=int, default=1000)
    parser.add_argument("--sources", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2, help="the best one counts")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    totals, sources, rules = campus(options.contracts, options.sources)
    profile = cProfile.Profile()
    if options.profile:
        profile.enable()
    seconds, matching = [], None
    for _ in range(options.rounds):
        began = process_time()
        matching = match_sources(rules, sources, totals, JULY)
        seconds.append(process_time() - began)
    profile.disable()
    prove(matching, totals)
    grid = next(iter(totals.values())).grid
    count = options.contracts * options.sources * grid.count
    best, copied = min(seconds), copying(options.contracts, options.sources, grid.count)
    print(
        f"{options.contracts} contracts x {options.sources} sources x {grid.count} intervals: "
        f"{best:.2f} s, {count / best / 1e6:.1f} million parts/s and core; "
        f"copying as many numbers takes {copied:.2f} s, 1 / {best / copied:.0f} of it"
    )
    if options.profile:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(25)


def campus(contracts: int, count: int) -> tuple[dict, dict, list[SourceRule]]:
    """Return loads, sources that give about as much in total, and the rules between them."""
    rng = np.random.default_rng(SEED)
    grid = JULY.grid(15)
    codes = [f"C{at:04d}" for at in range(contracts)]
    status = np.full(grid.count, 10, np.uint8)

    def series(low: int, high: int) -> Series:
        return Series(grid, rng.integers(low, high, grid.count), status, "kWh")

    totals = {code: series(2 * 10**9, 4 * 10**9) for code in codes}
    mean = 3 * 10**9 * contracts // count
    sources = {f"S{at}": series(0, 2 * mean) for at in range(count)}
    rules = []
    for at in range(count):
        members = dict.fromkeys(codes, ALWAYS)
        if at == count - 1:
            key, said = "fill_rest@1", {}
        elif at % 3 == 2:
            cut = contracts // 3
            classes = [codes[:cut], codes[cut : 2 * cut], codes[2 * cut :]]
            key, said = "waterfall@1", {"classes": classes, "short_by": "USE"}
        else:
            entitled = {code: str(int(rng.integers(1, 100))) for code in codes}
            key, said = "capped_share@1", {"entitlements": entitled, "unused": "PASS_ON"}
        rules.append(SourceRule(f"s{at}", at, key, said, members, (f"S{at}",)))
    return totals, sources, rules


def prove(matching: Matching, totals: dict[str, Series]) -> None:
    """Stop unless every contract's sources are its total in every interval."""
    left = {code: series.values.copy() for code, series in totals.items()}
    for part in matching.parts:
        if part.kind == "SOURCE":
            left[part.contract] -= part.series.values
    if any(rest.any() for rest in left.values()):
        raise SystemExit("The sources of a contract are not its total.")


def copying(contracts: int, sources: int, intervals: int) -> float:
    """Return the seconds in which numpy copies as many numbers."""
    block = np.ones((contracts, intervals), dtype=np.int64)
    began = process_time()
    for _ in range(sources):
        block.copy()
    return process_time() - began


if __name__ == "__main__":
    main()
