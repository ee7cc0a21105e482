"""The rate of PySAM Utilityrate5 (C++, in memory, binary floats), where it is installed."""

from __future__ import annotations

import importlib.util
import time

INTERVALS = 365 * 96
CHARGES = 4  # energy by time of use, demand by time of use, flat demand, fixed charge
ROUNDS = 5


def peer_rate() -> float | str:
    """Return intervals/s of processor time for a year of 15 minutes, or why there is none.

    Its load is handed over for every run, as each contract has its own.
    """
    if importlib.util.find_spec("PySAM") is None:
        return "PySAM is not installed (pip install nrel-pysam, anywhere on PYTHONPATH)"
    from PySAM import Utilityrate5

    model = Utilityrate5.new()
    load = [1000.0 + at % 900 for at in range(INTERVALS)]
    for group, values in _tariff().items():
        for name, value in values.items():
            setattr(getattr(model, group), name, value)
    best = None
    for _round in range(ROUNDS):
        began = time.process_time()
        model.Load.load = load
        model.SystemOutput.gen = [0.0] * INTERVALS
        model.execute(0)
        seconds = time.process_time() - began
        best = seconds if best is None else min(best, seconds)
    return INTERVALS / best


def _tariff() -> dict[str, dict[str, object]]:
    weekday = [[1] * 7 + [2] * 15 + [1] * 2] * 12
    weekend = [[1] * 24] * 12
    rates = {
        "ur_metering_option": 0, "ur_monthly_fixed_charge": 2500.0, "ur_monthly_min_charge": 0.0,
        "ur_annual_min_charge": 0.0, "ur_en_ts_buy_rate": 0, "ur_en_ts_sell_rate": 0,
        "ur_nm_yearend_sell_rate": 0.0, "rate_escalation": [0.0],
        "ur_ec_sched_weekday": weekday, "ur_ec_sched_weekend": weekend,
        "ur_ec_tou_mat": [[1, 1, 1e38, 0, 0.04125, 0.0], [2, 1, 1e38, 0, 0.05375, 0.0]],
        "ur_dc_enable": 1, "ur_dc_sched_weekday": weekday, "ur_dc_sched_weekend": weekend,
        "ur_dc_tou_mat": [[1, 1, 1e38, 9.8], [2, 1, 1e38, 4.2]],
        "ur_dc_flat_mat": [[month, 1, 1e38, 6.25] for month in range(12)],
    }  # fmt: skip
    life = {
        "analysis_period": 1, "inflation_rate": 0.0, "system_use_lifetime_output": 0,
    }  # fmt: skip
    system = {"degradation": [0.0]}
    return {
        "ElectricityRates": rates, "Lifetime": life, "SystemOutput": system,
        "Load": {"load_escalation": [0.0]},
    }  # fmt: skip
