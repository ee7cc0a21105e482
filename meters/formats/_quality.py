"""Quality letters and codes of the sources in our statuses and methods.

NEM12 quality, method and reason codes as published in the MIT-licensed library jufemaiz/aemo; ESPI
codes as in the Apache-2.0 library vladistan/greenbutton_objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from meters.formats._base import printable
from meters.formats._options import quality_faults
from meters.formats._text import RowFault, refuse
from poweroptix.kernel.quality import Method, Status

_NEM_STATUS = {
    "A": Status.RAW,
    "S": Status.ESTIMATED,
    "F": Status.SUBSTITUTED_FINAL,
    "E": Status.ESTIMATED,
    "N": Status.MISSING,
}
_NEM_METHODS: dict[Method, tuple[int, ...]] = {
    Method.CHECK_METER: (11,),
    Method.NODE_CALC: (12,),
    Method.SCADA: (13,),
    Method.LIKE_DAY: (14, 20),
    Method.AVG_LIKE_DAY: (15, 22),
    Method.MANUAL: (55, 16, 56, 64, 74),  # 16 is obsolete: read, never written
    Method.INTERPOLATE: (17, 54),
    Method.PLANT_MODEL: (18,),
    Method.ZERO: (19, 58, 68),
    Method.PREV_YEAR: (23, 51, 61),
    Method.PROFILE: (24, 57, 63),
    Method.ADL: (25, 65),
    Method.SOURCE: (21, 52, 53, 59, 62, 66, 67, 69, 71, 72, 73, 75),
}
NEM_METHOD = {code: method for method, codes in _NEM_METHODS.items() for code in codes}
_NEM_FLAGS: dict[str, tuple[int, ...]] = {
    "POWER_FAIL": (43, 79),
    "SHORT": (80,),
    "LONG": (81,),
    "CLOCK": (86, 89),
    "OVERFLOW": (95,),
    "TEST_MODE": (90,),
    "DEVICE_ERROR": (82, 83, 84, 98),
    "RESET": (87, 88),
    "DATA_MISSING": (78, 85),
    "CONFIG_CHANGED": (72, 99),
    "SOURCE_ESTIMATED": (92, 93, 94),
    "OUT_OF_LIMITS": (96,),
    "LOAD_CONTROL": (91,),
}
NEM_FLAG = {code: flag for flag, codes in _NEM_FLAGS.items() for code in codes}
_NEM_QUALITY = re.compile(r"([AN])|([SFE])([0-9]{2})")
_REASON = re.compile(r"[0-9]{1,2}")

NemFlags = list[tuple[str, dict[str, str]]]


def nem_quality(quality: str, reason: str, text: str) -> tuple[Status, Method, NemFlags]:
    """Return status, method and flags of a NEM12 quality; raise ``RowFault`` R203 or R404.

    >>> nem_quality("F14", "76", "")[:2]
    (<Status.SUBSTITUTED_FINAL: 45>, <Method.LIKE_DAY: 6>)
    """
    match = _NEM_QUALITY.fullmatch(quality)
    if match is None:
        raise RowFault("R203", "QualityMethod", f"quality '{printable(quality)}' is not known")
    letter = match[1] or match[2]
    if reason and not _REASON.fullmatch(reason):
        raise RowFault("R203", "ReasonCode", f"reason code '{printable(reason)}' is not known")
    if letter in "SF" and not reason:
        raise RowFault("R404", "ReasonCode", f"quality {quality} needs a reason code")
    if reason == "0" and not text.strip():
        raise RowFault("R404", "ReasonDescription", "reason code 0 needs a description")
    method = Method.NONE
    if match[3]:
        code = int(match[3])
        if code not in NEM_METHOD:
            raise RowFault("R203", "QualityMethod", f"method {code} of '{quality}' is not known")
        method = NEM_METHOD[code]
    return _with_reason(_NEM_STATUS[letter], method, quality, reason, text)


def _with_reason(
    status: Status, method: Method, quality: str, reason: str, text: str
) -> tuple[Status, Method, NemFlags]:
    flags: NemFlags = []
    if quality != "A" or reason:
        detail = {"quality": quality, "reason": reason, "text": printable(text, 240)}
        flags.append(("QUALITY", {k: v for k, v in detail.items() if v}))
    if quality.startswith("E"):
        flags.append(("FORWARD", {"quality": quality}))
    device = NEM_FLAG.get(int(reason)) if reason else None
    if device:
        flags.append((device, {"reason": reason}))
    if status == Status.RAW:
        if device == "DATA_MISSING":
            status = Status.MISSING
        elif device == "OUT_OF_LIMITS":
            status = Status.SUSPECT
        elif device == "SOURCE_ESTIMATED":
            status, method = Status.ESTIMATED, Method.SOURCE
    return status, method, flags


ESPI_FORECAST = 12
ESPI_QUALITY: dict[int, tuple[Status, Method]] = {
    0: (Status.RAW, Method.NONE),
    7: (Status.EDITED, Method.SOURCE),
    8: (Status.ESTIMATED, Method.AVG_LIKE_DAY),
    9: (Status.ESTIMATED, Method.INTERPOLATE),
    10: (Status.SUSPECT, Method.NONE),
    11: (Status.CALCULATED, Method.SOURCE),
    13: (Status.SUSPECT, Method.NONE),
    14: (Status.RAW, Method.NONE),
    15: (Status.ESTIMATED, Method.SOURCE),
    16: (Status.SUSPECT, Method.NONE),
    17: (Status.SUBSTITUTED_FINAL, Method.SOURCE),
    18: (Status.VERIFIED, Method.NONE),
    19: (Status.VALIDATED, Method.NONE),
}

CSV_QUALITY: dict[str, tuple[Status, Method]] = {
    "A": (Status.RAW, Method.NONE),
    "R": (Status.RAW, Method.NONE),
    "V": (Status.VALIDATED, Method.NONE),
    "E": (Status.ESTIMATED, Method.SOURCE),
    "S": (Status.ESTIMATED, Method.SOURCE),
    "F": (Status.SUBSTITUTED_FINAL, Method.SOURCE),
    "M": (Status.EDITED, Method.SOURCE),
    "?": (Status.SUSPECT, Method.NONE),
    "N": (Status.MISSING, Method.NONE),
    "X": (Status.MISSING, Method.NONE),
}


def csv_quality(overrides: Mapping[str, str]) -> dict[str, tuple[Status, Method]]:
    """Return the quality letters of our CSV with a profile's own letters laid over them.

    Raises Refused F030 for a letter that is mapped to no status.
    """
    for fault in quality_faults(overrides):
        refuse("F030", fault, field="quality_map")
    table = dict(CSV_QUALITY)
    for letter, name in overrides.items():
        status = Status[name]
        source = status in (Status.ESTIMATED, Status.EDITED, Status.SUBSTITUTED_FINAL)
        table[letter] = (status, Method.SOURCE if source else Method.NONE)
    return table
