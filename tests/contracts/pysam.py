"""A year of hourly load and the bills that PySAM 7.1.1 makes of it."""

from decimal import Decimal

from contracts.charges import Calendar
from poweroptix.kernel.calendar import TouSchedule
from tests.contracts.cases import DAYS, case_json, case_path

ZONE = "Etc/GMT+6"


def pysam_months():
    case = case_json("peers/sam_utilityrate5/expected_pysam_7.1.1.json")
    case = case["Test_Commercial_Demand_Charges"]
    path = case_path("peers/sam_utilityrate5/load_commercial_hourly_kW.csv")
    kw = [Decimal(line) for line in path.read_text().split()]
    start = 0
    for month, days in enumerate(DAYS):
        steps = kw[start : start + days * 24]
        start += days * 24
        yield case, month, [Decimal(f"{value:.6f}") for value in steps]


def twelve_by_24(case, kind, names):
    tables = [
        [
            [int(number) - 1 for number in hours]
            for hours in case["inputs"][f"ur_{kind}_sched_{day}"]
        ]
        for day in ("weekday", "weekend")
    ]
    return Calendar(TouSchedule.from_12x24(*tables, names, zone=ZONE))
