"""Reading a portfolio document strictly: decimals and dates stay text, a key may stand once.

YAML would turn `0.05` into a binary float and `2026-01-01` into a date; a document about money
keeps what was written. Every fault names the line or the path of the field.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from poweroptix.kernel.errors import Refused

MAX_BYTES = 20_000_000


class _StrictLoader(yaml.SafeLoader):
    """YAML in which every scalar but a whole number, true, false and null is text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key_node, _value in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise Refused(
                    "portfolio.duplicate_key",
                    f"line {line}: '{key}' stands twice in the same block; keep one of them",
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_KEPT = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag in _KEPT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver(  # OFF and NO are names of periods and states, not false
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf")
)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]{0,17})$"), list("-0123456789")
)


def read_document(path: Path) -> dict[str, Any]:
    """Return the document in `path`; `Refused` names the line of a fault.

    Decimals and dates are text: `0.05` is "0.05". Whole numbers, true, false and empty are not.
    """
    try:
        raw = path.read_bytes()
    except OSError as fault:
        raise Refused("portfolio.unreadable", f"{path}: {fault.strerror}") from fault
    if len(raw) > MAX_BYTES:
        raise Refused("portfolio.too_large", f"{path}: larger than {MAX_BYTES // 1_000_000} MB")
    return parse_document(raw, name=str(path))


def parse_document(raw: bytes, *, name: str = "document") -> dict[str, Any]:
    r"""Parse bytes.

    >>> parse_document(b"campuses:\n  - {code: CAP, balance_tolerance_low_ratio: -0.002}\n")
    {'campuses': [{'code': 'CAP', 'balance_tolerance_low_ratio': '-0.002'}]}
    """
    try:
        text = raw.decode("utf-8")
        loaded = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader, made stricter
    except UnicodeDecodeError as fault:
        raise Refused("portfolio.encoding", f"{name}: byte {fault.start} is not UTF-8") from fault
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        problem = getattr(fault, "problem", None) or "not readable as YAML"
        raise Refused("portfolio.syntax", f"{name}: {where}: {problem}") from fault
    if not isinstance(loaded, dict):
        raise Refused("portfolio.shape", f"{name}: the document is a list of sections by name")
    return loaded
