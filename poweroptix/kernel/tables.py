"""Cells of tables that leave the house: a spreadsheet must never run what it is sent."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np

from poweroptix.kernel.canonical import instant, number
from poweroptix.kernel.errors import Refused

_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def safe_cell(value: Any) -> str:
    """Return the text of one cell; what looks like a formula gets an apostrophe before it.

    >>> safe_cell("=HYPERLINK(1)"), safe_cell("-5.20"), safe_cell(Decimal("-5.2")), safe_cell(None)
    ("'=HYPERLINK(1)", '-5.20', '-5.2', '')
    """
    if value is None:
        return ""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return _safe_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | np.floating):
        raise Refused("tables.float", f"{value} is a float; tables hold exact numbers.")
    return _safe_text(str(value))


def _safe_text(text: str) -> str:
    if _PLAIN_NUMBER.fullmatch(text):
        return text
    return f"'{text}" if text.lstrip(" \u00a0\ufeff\u200b").startswith(_STARTERS) else text
