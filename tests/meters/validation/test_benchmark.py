"""The benchmark of the rules runs, and gives every rule something to judge."""

import json
import subprocess
import sys
from pathlib import Path

from meters.validation import rules

ROOT = Path(__file__).resolve().parents[3]


def test_the_benchmark_lets_every_rule_judge():
    done = subprocess.run(
        [sys.executable, "benchmarks/validate.py", "--channels", "24", "--days", "31", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert set(figures["rules"]) == set(rules.keys())
    idle = [key for key, each in figures["rules"].items() if not each["judged"]]
    assert not idle, f"benchmarks/validate.py gives these rules nothing to judge: {idle}"
    assert figures["evaluations_per_second"] > 100_000  # a loop per interval would be slower
