"""Cases with expected figures, from the folder that POWEROPTIX_CASES names."""

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def case_path(name):
    folder = Path(os.environ.get("POWEROPTIX_CASES", ROOT.parent / "shared" / "cases"))
    if not (folder / name).exists():
        pytest.skip(f"no {name}: set POWEROPTIX_CASES to the folder of the cases")
    return folder / name


def case_json(name):
    return json.loads(case_path(name).read_text())


def example(key):
    found = {case["id"]: case for case in case_json("settlement_examples.json")}
    return found[key]


SHAPE = (62, 60, 59, 58, 59, 62, 68, 76, 84, 90, 94, 96)
SHAPE += (97, 98, 99, 100, 99, 97, 93, 88, 82, 76, 70, 65)
MONTH = (92, 91, 90, 90, 94, 99, 104, 105, 101, 95, 91, 92)
DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def load_kw(seed, base_kw, noise_pct, steps_per_hour, weekend_pct=80, month_scale_pct=None):
    """kW of every step of a 365-day year that begins on a Monday, by month."""
    x, weekday, months = seed, 0, []
    for month, days in enumerate(DAYS):
        steps = []
        for _day in range(days):
            week = 100 if weekday < 5 else weekend_pct
            for hour in range(24):
                for _step in range(steps_per_hour):
                    x = (1103515245 * x + 12345) % 2**31
                    r = (x // 65536) % (2 * noise_pct + 1) - noise_pct
                    kw = base_kw * SHAPE[hour] * MONTH[month] * week // 10**6 * (100 + r) // 100
                    if month_scale_pct:
                        kw = kw * month_scale_pct[month] // 100
                    steps.append(kw)
            weekday = (weekday + 1) % 7
        months.append(steps)
    return months
