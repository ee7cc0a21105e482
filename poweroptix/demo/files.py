"""Meter files of the demonstration campus, with the dirt of real life in them.

Each source speaks its own format: the plant sends long CSV in UTC, the grid tie NEM12 at a fixed
offset, ALFA Green Button XML, BRAVO five-minute long CSV, CHARLIE wide CSV in local time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from poweroptix.demo.flows import LOSS_PER_MILLE, ZONE, Flows
from poweroptix.demo.green_button import feed

#: ALFA's meter was exchanged on 14 May 2026 at 10:00; the new one sends secondary values.
EXCHANGE_MINUTES = int(datetime(2026, 5, 14, 15, tzinfo=UTC).timestamp()) // 60
EXCHANGE_MULTIPLIER = 400
Faults = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
PLANT = {
    "GEN-A1": ("GEN-A1", "DEL_KWH"),
    "GEN-A2": ("GEN-A2", "DEL_KWH"),
    "GEN-B1": ("GEN-B1", "DEL_KWH"),
    "AUX": ("AUX", "DEL_KWH"),
    "SOL-1": ("SOL-1", "DEL_KWH"),
    "BAT-1-CHG": ("BAT-1", "REC_KWH"),
    "BAT-1-DIS": ("BAT-1", "DEL_KWH"),
    "HOUSE": ("HOUSE", "DEL_KWH"),
}


@dataclass(frozen=True)
class DemoFile:
    """A file to deliver: its name, source, import profile and bytes."""

    name: str
    source: str
    profile: str
    content: bytes


def months() -> list[str]:
    """Return the thirteen month labels, oldest first."""
    return [f"2025-{m:02d}" for m in (10, 11, 12)] + [f"2026-{m:02d}" for m in range(1, 11)]


def month_bounds(label: str) -> tuple[int, int]:
    """Return the UTC bounds of a local month in epoch minutes."""
    year, month = (int(part) for part in label.split("-"))
    zone = ZoneInfo(ZONE)
    first = datetime(year, month, 1, tzinfo=zone)
    last = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return tuple(int(t.astimezone(UTC).timestamp()) // 60 for t in (first, last))


def monthly_files(
    flows: Flows, label: str, charlie_faults: Faults | None = None
) -> Iterator[DemoFile]:
    """Yield the files that arrive for one month, in order of arrival.

    `charlie_faults` turns starts and energies of CHARLIE into what its meter said, and where it
    said nothing.
    """
    first, last = month_bounds(label)
    yield DemoFile(f"plant_{label}.csv", "plant-historian", "plant-csv", _plant(flows, first, last))
    yield DemoFile(f"fuel_{label}.csv", "gas-flow-computer", "plant-csv", _fuel(flows, first, last))
    yield DemoFile(
        f"gridtie_{label}.nem12.csv", "grid-tie", "grid-nem12", _grid(flows, first, last)
    )
    yield DemoFile(f"alfa_{label}.xml", "alfa-green-button", "alfa-espi", _alfa(flows, first, last))
    yield DemoFile(f"bravo_{label}.csv", "bravo-ami", "plant-csv", _bravo(flows, first, last))
    yield DemoFile(
        f"charlie_{label}.csv",
        "charlie-wide",
        "charlie-wide",
        _charlie(flows, first, last, charlie_faults or _july_hole),
    )


def corrected_day(flows: Flows, day: str, extra_wh: int) -> Iterator[DemoFile]:
    """Yield a day read again after a blown fuse of the transformer that two meters share.

    The feeder meter of ALFA and the meter of engine B1 take their voltage from one transformer of
    the switchyard, so both read low on that day: ALFA by `extra_wh` in each quarter-hour, the
    engine by as much and its network loss. The campus balances before and after.
    """
    first = int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(ZONE)).timestamp()) // 60
    start = np.arange(first, first + 1440, 15)
    index = np.searchsorted(flows.start_minutes, start)
    made = flows.wh["GEN-B1"][index] + extra_wh + extra_wh * LOSS_PER_MILLE // 1000
    used = _as_metered(start, flows.wh["TEN-ALFA"][index] + extra_wh)
    parts = {
        "plant": ("GEN-B1", "DEL_KWH", start, 900, made, "kWh", 3),
        "alfa": ("TEN-ALFA", "DEL_KWH", start, 900, used, "kWh", 6),
    }
    for name, part in parts.items():
        yield DemoFile(
            f"{name}_correction_{day}.csv", f"{name}-correction", "plant-csv", long_csv([part])
        )


def _plant(flows: Flows, first: int, last: int) -> bytes:
    within = inside(flows.start_minutes, first, last)
    start = flows.start_minutes[within]
    return long_csv(
        [(*code, start, 900, flows.wh[name][within], "kWh", 3) for name, code in PLANT.items()]
    )


def _fuel(flows: Flows, first: int, last: int) -> bytes:
    start = flows.start_minutes[::4]
    within = inside(start, first, last)
    rows = [("FUEL-A", flows.fuel_a_btu), ("FUEL-B", flows.fuel_b_btu)]
    return long_csv(
        [(m, "DEL_MMBTU", start[within], 3600, b[within] // 1000, "MMBtu", 3) for m, b in rows]
    )


def _bravo(flows: Flows, first: int, last: int) -> bytes:
    start = np.arange(flows.start_minutes[0], flows.start_minutes[-1] + 15, 5)
    within = inside(start, first, last)
    start, values = start[within], flows.bravo_5min_wh[within]
    keep = np.ones(start.size, dtype=bool)
    if first in _firsts("2025-11", "2026-03", "2026-08"):
        keep = ~_gap(start, first + 4 * 1440 + 605, 50)  # a modem was silent for fifty minutes
    return long_csv([("TEN-BRAVO", "DEL_KWH", start[keep], 300, values[keep], "kWh", 3)])


def _grid(flows: Flows, first: int, last: int) -> bytes:
    """Return NEM12 at UTC-5 all year; the days of the fixed offset overlap the local month."""
    offset = 5 * 60
    lines = ["100,NEM12,202510010000,GRIDCO,POWEROPTIX"]
    flow = {"E1": flows.wh["GRID-IMP"], "B1": flows.wh["GRID-EXP"], "F1": _check(flows)}
    days = np.arange((first - offset) // 1440, (last - offset - 1) // 1440 + 1)
    for suffix, wh in flow.items():
        serial = "GT-779" if suffix == "F1" else "GT-778"  # the check meter is another one
        lines.append(f"200,GRIDTIE001,E1B1F1,{suffix},{suffix},N1,{serial},kWh,15,")
        for day in days:
            index = np.searchsorted(flows.start_minutes, day * 1440 + offset)
            if day * 1440 + offset < first or index + 96 > wh.size:
                continue
            text = ",".join(_thousandths(wh[index : index + 96]))
            date = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=int(day))).strftime("%Y%m%d")
            lines.append(f"300,{date},{text},A,,,{date}235900,")
    lines.append("900")
    return ("\r\n".join(lines) + "\r\n").encode()


def _check(flows: Flows) -> np.ndarray:
    """Return the check meter of the tie: 0.08 % below the main meter."""
    return flows.wh["GRID-IMP"] - flows.wh["GRID-IMP"] * 8 // 10_000


def _alfa(flows: Flows, first: int, last: int) -> bytes:
    within = inside(flows.start_minutes, first, last)
    start, values = flows.start_minutes[within], flows.wh["TEN-ALFA"][within].copy()
    if first == month_bounds("2026-02")[0]:
        values[1_203] = values[1_203] * 31 // 10  # a spike of the pulse input
    keep = np.ones(start.size, dtype=bool)
    if first in _firsts("2025-10", "2026-01", "2026-06", "2026-10"):
        keep = ~_gap(start, first + 9 * 1440 + 840, 60)  # an hour lost at the concentrator
    return feed("TEN-ALFA", start[keep], _as_metered(start, values)[keep])


def _as_metered(start: np.ndarray, wh: np.ndarray) -> np.ndarray:
    """Return milli-Wh as the meter of ALFA says them: after its exchange, on the secondary side."""
    return np.where(start < EXCHANGE_MINUTES, wh * 1000, wh * 1000 // EXCHANGE_MULTIPLIER)


def _july_hole(start: np.ndarray, wh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the energies and a hole of five hours in July."""
    return wh, _gap(start, month_bounds("2026-07")[0] + 13 * 1440 + 600, 300)


def _charlie(flows: Flows, first: int, last: int, faults: Faults) -> bytes:
    """Return one wide row per local day by place of the interval."""
    within = inside(flows.start_minutes, first, last)
    start = flows.start_minutes[within]
    values, hole = faults(start, flows.wh["TEN-CHARLIE"][within])
    cells = np.array(_thousandths(values), dtype=object)
    cells[hole] = ""
    zone = ZoneInfo(ZONE)
    days: dict[str, list[str]] = {}
    for minute, cell in zip(start.tolist(), cells.tolist(), strict=True):
        local = datetime.fromtimestamp(minute * 60, zone)
        days.setdefault(local.strftime("%Y-%m-%d"), []).append(cell)
    width = max(len(row) for row in days.values())
    return wide_csv("TEN-CHARLIE", "DEL_KWH", days, width)


def wide_csv(meter: str, channel: str, days: dict[str, list[str]], width: int) -> bytes:
    """Return wide CSV with one column per quarter-hour of the longest day."""
    head = ["meter_id", "channel", "date", "unit", *(str(i + 1) for i in range(width))]
    lines = [",".join(head)]
    for day, cells in days.items():
        padded = cells + [""] * (width - len(cells))
        lines.append(",".join([meter, channel, day, "kWh", *padded]))
    return ("\n".join(lines) + "\n").encode()


def _firsts(*labels: str) -> set[int]:
    """Return the first epoch minutes of some months."""
    return {month_bounds(label)[0] for label in labels}


def inside(start: np.ndarray, first: int, last: int) -> np.ndarray:
    """Tell which starts lie in [first, last) of epoch minutes."""
    return (start >= first) & (start < last)


def _gap(start: np.ndarray, begin: int, minutes: int) -> np.ndarray:
    return (start >= begin) & (start < begin + minutes)


def _thousandths(values: np.ndarray, places: int = 3) -> list[str]:
    """Return integers of 10^-places of a unit as text with that many decimals."""
    scale = 10**places
    return [f"{v // scale}.{v % scale:0{places}d}" for v in values.tolist()]


def _stamps(start: np.ndarray) -> list[str]:
    return np.datetime_as_string((start * 60).astype("datetime64[s]"), unit="s").tolist()


def long_csv(parts: list[tuple]) -> bytes:
    """Return our long CSV of parts (meter, channel, starts, seconds, integers, unit, places)."""
    lines = ["meter_id,channel,interval_start,interval_seconds,value,unit,status"]
    for meter, channel, start, seconds, values, unit, places in parts:
        lines += [
            f"{meter},{channel},{stamp}Z,{seconds},{value},{unit},A"
            for stamp, value in zip(_stamps(start), _thousandths(values, places), strict=True)
        ]
    return ("\n".join(lines) + "\n").encode()
