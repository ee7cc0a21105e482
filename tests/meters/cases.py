"""Where the shared cases lie, and small helpers around the readers."""

from __future__ import annotations

import io
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from meters.formats import ChannelBlock, Profile, RowError, formats
from poweroptix.kernel.fixed import MISSING

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(os.environ.get("POWEROPTIX_CASES", ROOT.parent / "shared" / "cases"))
needs_cases = pytest.mark.skipif(
    not (CASES / "vee" / "expected.json").exists(),
    reason=f"the shared cases are not at {CASES} (set POWEROPTIX_CASES)",
)


def expected(prefix: str) -> dict:
    """Return the expectations whose file name begins with a prefix."""
    path = CASES / "vee" / "expected.json"
    if not path.exists():
        return {}
    found = json.loads(path.read_text())
    return {name: each for name, each in found.items() if name.startswith(prefix)}


def examples() -> list[dict]:
    """Return the numeric examples of validation and estimation."""
    path = CASES / "vee_examples.json"
    return json.loads(path.read_text()) if path.exists() else []


def example(name: str) -> dict:
    """Return one numeric example."""
    return next(each for each in examples() if each["id"] == name)


def read(key: str, data: bytes | str, profile: Profile | None = None) -> list:
    """Read bytes with a format."""
    raw = data.encode() if isinstance(data, str) else data
    return list(formats.get(key).read(io.BytesIO(raw), profile or Profile()))


def read_file(key: str, path: str, profile: Profile | None = None) -> list:
    """Read a case file."""
    return read(key, (CASES / path).read_bytes(), profile)


def blocks(items: list) -> list[ChannelBlock]:
    """Return the blocks."""
    return [item for item in items if isinstance(item, ChannelBlock)]


def errors(items: list) -> list[RowError]:
    """Return the errors, not the remarks."""
    return [item for item in items if isinstance(item, RowError) and item.is_error]


def remarks(items: list) -> list[RowError]:
    """Return the remarks."""
    return [item for item in items if isinstance(item, RowError) and not item.is_error]


def total(found: list[ChannelBlock]) -> Decimal:
    """Return the exact sum of present values."""
    return sum(
        (Decimal(int(v)).scaleb(-6) for block in found for v in block.values if v != MISSING),
        Decimal(0),
    )


def as_dict(items: list) -> dict:
    """Return {(channel, start): (value, status)} of all blocks."""
    found = {}
    for block in blocks(items):
        start = int(block.start_utc.timestamp())
        for i in range(block.count):
            at = start + i * block.minutes * 60
            key = (block.channel_text, at)
            assert key not in found, "an interval was delivered twice"
            found[key] = (int(block.values[i]), int(block.status[i]))
    return found
