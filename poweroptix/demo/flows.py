"""Physical flows of the demonstration campus, generated deterministically.

Every figure is an integer number of watt-hours, so that what the files say with three decimals
of kWh is exactly what was generated. The campus always balances: sources equal sinks plus a
network loss of about 0.8 %.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

ZONE = "America/Chicago"
FIRST = datetime(2025, 10, 1, tzinfo=ZoneInfo(ZONE))
LAST = datetime(2026, 11, 1, tzinfo=ZoneInfo(ZONE))
MINUTES = 15
LOSS_PER_MILLE = 8
#: Heat rates, HHV. Lean-burn engines of two vendors (typical full-load figures).
HEAT_RATE_BTU_PER_KWH = {"A": 8_250, "B": 7_980}
ENGINE_KW = {"GEN-A1": 12_000, "GEN-A2": 12_000, "GEN-B1": 18_000}
SOLAR_KW = 30_000
BATTERY_KW = 10_000
#: A breaker of CHARLIE's feeder was open on 22 October 2026 from 03:00 to 04:00.
OUTAGE = (datetime(2026, 10, 22, 8, tzinfo=UTC), datetime(2026, 10, 22, 9, tzinfo=UTC))


@dataclass(frozen=True)
class Flows:
    """Quarter-hour energies in Wh by channel name, with their UTC starts in epoch minutes."""

    start_minutes: np.ndarray
    wh: dict[str, np.ndarray]
    fuel_a_btu: np.ndarray
    fuel_b_btu: np.ndarray
    bravo_5min_wh: np.ndarray
    lmp_cents_per_mwh: np.ndarray


def generate(seed: int = 20_251_001) -> Flows:
    """Return thirteen months of flows (1 October 2025 to 31 October 2026, Chicago time)."""
    rng = np.random.Generator(np.random.PCG64(seed))
    start = _quarter_hours()
    hour, day_of_year, weekday = _local_fields(start)
    load = _tenant_loads(rng, hour, weekday)
    load["TEN-CHARLIE"][_during(start, OUTAGE)] = 0
    five = _split_five_minutes(rng, load["TEN-BRAVO"])
    house = (300_000 + 60_000 * _season(day_of_year)).astype(np.int64)
    solar = _solar(rng, hour, day_of_year)
    wh: dict[str, np.ndarray] = {**load, "HOUSE": house, "SOL-1": solar}
    sinks = sum(load.values()) + house
    needed = sinks + sinks * LOSS_PER_MILLE // 1000
    _battery(hour, start, wh)
    _dispatch(rng, needed, wh)
    fuel_a = _fuel(wh["GEN-A1"] + wh["GEN-A2"], HEAT_RATE_BTU_PER_KWH["A"])
    fuel_b = _fuel(wh["GEN-B1"], HEAT_RATE_BTU_PER_KWH["B"])
    return Flows(start, wh, fuel_a, fuel_b, five, _prices(rng, hour, day_of_year))


def _quarter_hours() -> np.ndarray:
    first, last = (int(t.astimezone(UTC).timestamp()) // 60 for t in (FIRST, LAST))
    return np.arange(first, last, MINUTES, dtype=np.int64)


def _during(start: np.ndarray, span: tuple[datetime, datetime]) -> np.ndarray:
    first, last = (int(t.timestamp()) // 60 for t in span)
    return (start >= first) & (start < last)


def _local_fields(start: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    zone = ZoneInfo(ZONE)
    hours, inverse = np.unique(start // 60, return_inverse=True)
    offsets = np.array(
        [
            int(datetime.fromtimestamp(int(h) * 3600, zone).utcoffset().total_seconds()) // 60
            for h in hours
        ],
        dtype=np.int64,
    )
    local = start + offsets[inverse]
    days = local // 1440
    first_of_year = np.array("2025-01-01", dtype="datetime64[D]").astype(np.int64)
    return (local % 1440) / 60.0, (days - first_of_year) % 365, (days + 3) % 7


def _season(day_of_year: np.ndarray) -> np.ndarray:
    """Return 0 in mid January to 1 in mid July."""
    return (1 - np.cos(2 * np.pi * (day_of_year - 15) / 365)) / 2


def _tenant_loads(rng, hour, weekday) -> dict[str, np.ndarray]:
    count = hour.size
    ramp = np.linspace(0, 1, count)
    alfa = 19_500 + 2_600 * ramp + 600 * np.sin(2 * np.pi * (hour - 9) / 24)
    bravo = 11_200 + 1_700 * np.repeat(rng.random(count // 96 + 1), 96)[:count]
    charlie = 4_700 + 1_900 * ((weekday < 5) & (hour >= 8) & (hour < 18))
    noise = {"TEN-ALFA": (alfa, 160), "TEN-BRAVO": (bravo, 240), "TEN-CHARLIE": (charlie, 120)}
    return {  # even watt-hours, so that a secondary value (primary / 400) is exact to the milli-Wh
        name: ((kw + rng.normal(0, sigma, count)) * 125).astype(np.int64) * 2
        for name, (kw, sigma) in noise.items()
    }


def _split_five_minutes(rng, quarter_wh: np.ndarray) -> np.ndarray:
    tilt = rng.integers(-18_000, 18_001, quarter_wh.size)
    first = quarter_wh // 3 + tilt
    second = quarter_wh // 3
    return np.column_stack([first, second, quarter_wh - first - second]).ravel()


def _solar(rng, hour, day_of_year) -> np.ndarray:
    season = _season(day_of_year)
    half_day = 4.9 + 2.1 * season
    shape = np.clip(np.cos(np.pi * (hour - 12.6) / (2 * half_day)), 0, None) ** 1.3
    days = hour.size // 96 + 2
    cloud = np.repeat(np.clip(rng.normal(0.82, 0.22, days), 0.12, 1.0), 96)[: hour.size]
    flicker = np.clip(rng.normal(1, 0.04, hour.size), 0.7, 1.1)
    kw = SOLAR_KW * (0.62 + 0.36 * season) * shape * cloud * flicker
    return (np.clip(kw, 0, SOLAR_KW * 0.99) * 250).astype(np.int64)


def _battery(hour, start, wh) -> None:
    """Charge at solar noon, give 88 % of it back in the evening of the same local day."""
    charge = np.where((hour >= 10) & (hour < 14) & (wh["SOL-1"] > 2_500_000), 2_000_000, 0)
    day = np.cumsum(np.r_[0, np.diff(hour) < -12])
    per_day = np.bincount(day, weights=charge).astype(np.int64)
    evening = (hour >= 18) & (hour < 21.5)
    discharge = np.where(evening, per_day[day] * 88 // 100 // 14, 0)
    wh["BAT-1-CHG"], wh["BAT-1-DIS"] = charge.astype(np.int64), discharge.astype(np.int64)


def _dispatch(rng, needed, wh) -> None:
    """Add engines, auxiliaries and the grid tie so that sources cover `needed` exactly."""
    count = needed.size
    trim = rng.integers(-40_000, 40_001, count)
    engines = {}
    for name, kw in ENGINE_KW.items():
        full = kw * 250 * 865 // 1000 + trim // 3
        engines[name] = np.where(_outages(rng, count), 0, full).astype(np.int64)
    wh.update(engines)
    gross = sum(engines.values())
    wh["AUX"] = gross * 22 // 1000 + 9_000
    net = gross - wh["AUX"] + wh["SOL-1"] + wh["BAT-1-DIS"] - wh["BAT-1-CHG"]
    short = needed - net
    wh["GRID-IMP"] = np.maximum(short, 0)
    wh["GRID-EXP"] = np.maximum(-short, 0)


def _outages(rng, count: int) -> np.ndarray:
    out = np.zeros(count, dtype=bool)
    for begin in rng.integers(0, count - 200, 6):
        out[begin : begin + int(rng.integers(8, 90))] = True
    return out


def _fuel(wh: np.ndarray, heat_rate_btu_per_kwh: int) -> np.ndarray:
    """Return hourly fuel in Btu, rounded to whole 1000 Btu (three decimals of MMBtu)."""
    hourly = wh.reshape(-1, 4).sum(axis=1)
    return (hourly * heat_rate_btu_per_kwh // 1_000_000) * 1000


def _prices(rng, hour, day_of_year) -> np.ndarray:
    """Return hourly day-ahead prices in cents per MWh; some spring noons are negative."""
    h, d = hour[::4], day_of_year[::4]
    daily = np.repeat(rng.normal(0, 420, h.size // 24 + 2), 24)[: h.size]
    base = 3_100 + 1_400 * _season(d) + 900 * np.exp(-((h - 18.5) ** 2) / 8)
    dip = 2_600 * np.exp(-((h - 12.5) ** 2) / 6) * ((d > 70) & (d < 140))
    return (base - dip + daily + rng.normal(0, 180, h.size)).astype(np.int64)
