"""Reading JSON strictly: nothing is guessed, nothing is lost, nothing can blow up.

Codes: J001 not JSON, J002 nested too deep, J003 a key twice, J004 a number where text belongs,
J005 text that cannot be stored.
"""

from __future__ import annotations

import json
import re
from typing import IO, Any

from rest_framework.parsers import BaseParser

from poweroptix.kernel.errors import Refused

MAX_DEPTH = 20
MAX_BYTES = 1_000_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


class StrictJSONParser(BaseParser):
    """Takes application/json in UTF-8; the body is an object."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: dict | None = None,
    ) -> dict[str, Any]:
        """Return the object in the body; Refused names the fault."""
        if "charset=" in (media_type or "") and "utf-8" not in (media_type or "").lower():
            raise Refused("J001", "The body must be UTF-8.")
        raw = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise Refused("J001", f"The body is larger than {MAX_BYTES // 1_000_000} MB.")
        found = read_json(raw)
        if not isinstance(found, dict):
            raise Refused("J001", "The body must be a JSON object.")
        return found


def read_json(raw: bytes) -> Any:
    r"""Return the value of a JSON text.

    >>> read_json(b'{"a": ["1.5", 2, null]}')
    {'a': ['1.5', 2, None]}
    """
    if raw.startswith(b"\xef\xbb\xbf"):
        raise Refused("J001", "The body begins with a byte-order mark; send plain UTF-8.")
    if depth_of(raw) > MAX_DEPTH:
        raise Refused("J002", f"The body is nested deeper than {MAX_DEPTH}.")
    try:
        found = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_once,
            parse_float=_no_float,
            parse_int=_whole,
            parse_constant=_no_constant,
        )
    except UnicodeDecodeError as fault:
        raise Refused("J001", f"Byte {fault.start} of the body is not UTF-8.") from fault
    except json.JSONDecodeError as fault:
        text = f"The body is not JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}."
        raise Refused("J001", text) from fault
    check_text(found)
    return found


def depth_of(raw: bytes) -> int:
    """Return how deep brackets are nested outside strings, without parsing.

    >>> depth_of(b'[{"a": "[[["}]')
    2
    """
    deepest = depth = 0
    for byte in _STRINGS.sub(b"", raw):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def check_text(value: Any) -> None:
    """Refuse text with NUL or lone surrogates anywhere in a value."""
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise Refused("J005", "Text may not hold NUL characters or lone surrogates.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            check_text(name)
            check_text(inner)
    elif isinstance(value, list):
        for inner in value:
            check_text(inner)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Refused("J003", f"The key '{name[:60]}' stands twice in the same object.")
        found[name] = value
    return found


def _no_float(text: str) -> Any:
    raise Refused("J004", f"{text[:40]} is a binary number here; send decimals as strings.")


def _no_constant(text: str) -> Any:
    raise Refused("J004", f"{text} is no number; send decimals as strings.")


def _whole(text: str) -> int:
    if len(text) > 18:
        raise Refused("J004", "A whole number has at most 18 digits; send decimals as strings.")
    return int(text)
