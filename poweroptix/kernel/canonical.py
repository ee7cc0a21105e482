"""Canonical JSON: the same facts give the same bytes, so a digest proves them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import numpy as np

from poweroptix.kernel.errors import Refused

_AS_IT_IS = frozenset({str, int, bool, type(None)})


def canonical_json(document: Any) -> bytes:
    """Return sorted, compact ASCII JSON; exact numbers as text, instants with Z, no floats.

    >>> canonical_json({"b": Decimal("1.50"), "a": [True, None, date(2026, 3, 1)]})
    b'{"a":[true,null,"2026-03-01"],"b":"1.50"}'
    >>> canonical_json({"price": 0.1})
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: price: 0.1 is a float; exact documents hold Decimals.
    """
    try:
        plain = _quick(document)
    except Refused:
        plain = _plain(document, "")  # the same again, to name the place
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode("ascii")


def sha256(content: bytes) -> str:
    """Return the hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(content).hexdigest()


def digest_of(document: Any) -> str:
    """Return the SHA-256 of a document's canonical JSON.

    >>> digest_of({})[:8]
    '44136fa3'
    """
    return sha256(canonical_json(document))


def instant(moment: datetime) -> str:
    """Return an instant as text: UTC with Z, fractions only when there are some.

    >>> instant(datetime(2026, 3, 1, 6, tzinfo=UTC))
    '2026-03-01T06:00:00Z'
    """
    if moment.tzinfo is None:
        raise Refused("canonical.naive", f"{moment.isoformat()} has no time zone.")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def number(exact: Decimal) -> str:
    """Return a Decimal as plain text: no exponent, no negative zero.

    >>> number(Decimal("1E+3")), number(Decimal("-0.00"))
    ('1000', '0.00')
    """
    if not exact.is_finite():
        raise Refused("canonical.not_finite", f"{exact} is not a number.")
    if abs(exact.adjusted()) > 200:
        raise Refused("canonical.range", "The number is too large or too small to write out.")
    return format(exact if exact else exact.copy_abs(), "f")


def _quick(item: Any) -> Any:
    """Return plain data by the exact types that nearly all documents are made of."""
    kind = type(item)
    if kind in _AS_IT_IS:
        return item
    if kind is dict:
        return {
            key if type(key) is str else _key(key, ""): (
                each if type(each) in _AS_IT_IS else _quick(each)
            )
            for key, each in item.items()
        }
    if kind is list or kind is tuple:
        return [each if type(each) in _AS_IT_IS else _quick(each) for each in item]
    if kind is Decimal:
        return number(item)
    if isinstance(item, Mapping):
        return _quick(dict(item))
    return _quick(list(item)) if isinstance(item, list | tuple) else _scalar(item, "")


def _plain(item: Any, where: str) -> Any:
    if isinstance(item, Mapping):
        return {_key(key, where): _plain(each, _join(where, key)) for key, each in item.items()}
    if isinstance(item, list | tuple):
        return [_plain(each, _join(where, at)) for at, each in enumerate(item)]
    return _scalar(item, where)


def _scalar(item: Any, where: str) -> Any:
    if isinstance(item, Enum):
        return _plain(item.value, where)
    if item is None or isinstance(item, bool | str):
        return item
    if isinstance(item, int | np.integer):
        return int(item)
    if isinstance(item, Decimal):
        return number(item)
    if isinstance(item, datetime):
        return instant(item)
    if isinstance(item, date):
        return item.isoformat()
    place = f"{where}: " if where else ""
    if isinstance(item, float | np.floating):
        text = f"{place}{item} is a float; exact documents hold Decimals."
        raise Refused("canonical.float", text, where=where)
    text = f"{place}{type(item).__name__} has no canonical form."
    raise Refused("canonical.type", text, where=where)


def _key(key: Any, where: str) -> str:
    if isinstance(key, Enum):
        key = key.value
    if isinstance(key, date) and not isinstance(key, datetime):
        key = key.isoformat()
    if not isinstance(key, str):
        text = f"{where or 'The document'} has the key {key!r}; keys are text."
        raise Refused("canonical.key", text, where=where)
    return key


def _join(where: str, step: Any) -> str:
    return f"{where}.{step}" if where else str(step)
