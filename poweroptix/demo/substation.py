"""What the substation and the field crew send: side channels, registers, and a sheet by hand.

The substation's files come through a watched folder. The last month is dirty on purpose, so that
an analyst can walk from it to a settled one with nothing but the demonstration.
"""

import io
import zipfile
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from openpyxl import Workbook

from poweroptix.demo.files import (
    EXCHANGE_MINUTES,
    EXCHANGE_MULTIPLIER,
    DemoFile,
    inside,
    long_csv,
    month_bounds,
)
from poweroptix.demo.flows import ZONE, Flows

BEGINS = "2026-09"
DIRTY = "2026-10"
REACTIVE_PERCENT = 33
BATTERY_WH = 40_000_000
#: Registers of CHARLIE and ALFA have seven dials and whole kWh: the one of CHARLIE rolls over.
DIALS = 7
CHARLIE_AT_START_KWH = 3_950_000
ALFA_AT_START_KWH = 8_114_000
READ_MONTHS = ("2026-05", "2026-09", "2026-10")
SHEET_DAY = "2026-10-14"
STUCK_DAY = "2026-10-19"


def substation_file(flows: Flows, label: str) -> DemoFile:
    """Return a month of the substation: reactive energy, check meter, controller, battery, sun."""
    within = inside(flows.start_minutes, *month_bounds(label))
    start = flows.start_minutes[within]
    wh = {name: values[within] for name, values in flows.wh.items()}
    check = _check(wh["TEN-CHARLIE"])
    parts = [
        ("TEN-CHARLIE", "DEL_KVARH", start, 900, wh["TEN-CHARLIE"] * REACTIVE_PERCENT // 100,
         "kVArh", 3),
        ("GEN-A1-RTU", "DEL_KWH", start, 900, wh["GEN-A1"] + wh["GEN-A1"] * 2 // 1000, "kWh", 3),
        ("BAT-1", "SOC", start, 900, _state_of_charge(flows)[within], "%", 3),
        ("MET-1", "GHI", start, 900, wh["SOL-1"] // 7, "W/m2", 3),
    ]  # fmt: skip
    if label == DIRTY:
        day = _minutes("2026-10-20")
        astray = inside(start, day, day + 1440)
        check = np.where(astray, check * 96 // 100, check)  # its voltage fuse was loose for a day
        new = inside(start, _minutes("2026-10-30"), _minutes("2026-10-31"))
        parts.append(("TEN-DELTA", "DEL_KWH", start[new], 900, np.full(new.sum(), 125_000), "kWh",
                      3))  # fmt: skip
    parts.append(("TEN-CHARLIE-CHK", "DEL_KWH", start, 900, check, "kWh", 3))
    name = f"substation_{label}.csv"
    return DemoFile(name, "substation", "substation-csv", long_csv(parts))


def _check(wh: np.ndarray) -> np.ndarray:
    """Return what the check meter says: 0.04 % above and below the main one in turn."""
    apart = wh * 4 // 10_000
    return wh + np.where(np.arange(wh.size) % 2, apart, -apart)


def _state_of_charge(flows: Flows) -> np.ndarray:
    """Return thousandths of a percent at the start of each interval: 10 % and what is stored."""
    change = flows.wh["BAT-1-CHG"] * 88 // 100 - flows.wh["BAT-1-DIS"]
    stored = np.cumsum(change) - change
    return 10_000 + (stored - stored.min()) * 100_000 // BATTERY_WH


def register_file(flows: Flows, label: str) -> DemoFile:
    """Return the register reads of a month: its two ends, and in May the exchange of a meter."""
    first, last = month_bounds(label)
    rows = ["meter_id,channel,read_time,register,digits,multiplier,read_type,unit,status"]
    if label == "2026-05":
        moments = (
            (first, "SCHEDULED", 1), (EXCHANGE_MINUTES, "REMOVE", 1),
            (EXCHANGE_MINUTES, "INSTALL", EXCHANGE_MULTIPLIER),
            (last, "SCHEDULED", EXCHANGE_MULTIPLIER),
        )  # fmt: skip
        rows += [
            _read("TEN-ALFA", at, kind, _alfa_register(flows, at, ratio), ratio)
            for at, kind, ratio in moments
        ]
    else:
        rows += [
            _read("TEN-CHARLIE", at, "SCHEDULED", _charlie_register(flows, at), 1)
            for at in (first, last)
        ]
    content = ("\n".join(rows) + "\n").encode()
    return DemoFile(f"registers_{label}.csv", "field-reads", "field-registers", content)


def _read(meter: str, at: int, kind: str, count: int, ratio: int) -> str:
    stamp = np.datetime_as_string(np.datetime64(at * 60, "s"), unit="s")
    return f"{meter},DEL_KWH,{stamp}Z,{count % 10**DIALS:0{DIALS}d},{DIALS},{ratio},{kind},kWh,A"


def _charlie_register(flows: Flows, at: int) -> int:
    used = inside(flows.start_minutes, month_bounds(BEGINS)[0], at)
    return CHARLIE_AT_START_KWH + int(flows.wh["TEN-CHARLIE"][used].sum()) // 1000


def _alfa_register(flows: Flows, at: int, ratio: int) -> int:
    """Return the old register on the primary side, the new one from zero on the secondary."""
    begun = month_bounds("2026-05")[0] if ratio == 1 else EXCHANGE_MINUTES
    used = int(flows.wh["TEN-ALFA"][inside(flows.start_minutes, begun, at)].sum())
    return (ALFA_AT_START_KWH if ratio == 1 else 0) + used // (1000 * ratio)


def charlie_faults(start: np.ndarray, wh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the meter of CHARLIE says in the dirty month, and where it says nothing.

    A gap and a spike on 14 October, and on Monday the 19th the pulse input stuck at the level of
    the night while the halls worked, 07:45 to 18:00.
    """
    said = wh.copy()
    day, monday = _minutes(SHEET_DAY), _minutes(STUCK_DAY)
    said[start == day + 9 * 60] *= 3
    stuck = inside(start, monday + 465, monday + 1080)
    said[stuck] = said[stuck][:1]
    return said, inside(start, day + 13 * 60, day + 15 * 60)


def reread_sheet(flows: Flows) -> DemoFile:
    """Return the day of the gap as CHARLIE's crew read it from the meter's memory, as a workbook.

    The bytes are the same every time: the dates that a workbook carries are fixed.
    """
    day = _minutes(SHEET_DAY)
    within = inside(flows.start_minutes, day, day + 1440)
    book = Workbook()
    sheet = book.active
    sheet.title = "Readings"
    sheet.append(["meter_id", "channel", "interval_start", "interval_seconds", "value", "unit",
                  "status"])  # fmt: skip
    for at, wh in zip(
        flows.start_minutes[within].tolist(), flows.wh["TEN-CHARLIE"][within].tolist(), strict=True
    ):
        stamp = np.datetime_as_string(np.datetime64(at * 60, "s"), unit="s")
        value = f"{wh // 1000}.{wh % 1000:03d}"
        sheet.append(["TEN-CHARLIE", "DEL_KWH", f"{stamp}Z", 900, value, "kWh", "A"])
    name = f"charlie_reread_{SHEET_DAY}.xlsx"
    return DemoFile(name, "charlie-wide", "charlie-xlsx", _fixed(book))


def _fixed(book: Workbook) -> bytes:
    """Return a workbook without the moment at which it was written."""
    book.properties.created = book.properties.modified = datetime(2026, 10, 16, 9, 0)  # noqa: DTZ001 - a workbook knows no zone
    made, out = io.BytesIO(), io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as kept:
        for name in parts.namelist():
            kept.writestr(zipfile.ZipInfo(name, (2026, 10, 16, 9, 0, 0)), _undated(parts, name))
    return out.getvalue()


def _undated(parts: zipfile.ZipFile, name: str) -> bytes:
    content = parts.read(name)
    if name != "docProps/core.xml":
        return content
    head, mark, rest = content.partition(b"<dcterms:modified")
    end = rest.index(b"</dcterms:modified>")
    begin = rest.index(b">") + 1
    return head + mark + rest[:begin] + b"2026-10-16T09:00:00Z" + rest[end:]


def _minutes(day: str) -> int:
    """Return the first epoch minute of a local day."""
    return int(datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(ZONE)).timestamp()) // 60
