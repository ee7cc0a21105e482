"""Plain decimals: the one way in which people and programs write a number to this product."""

import re
from decimal import Decimal
from typing import Any

#: Digits before and after the point of a number that somebody enters.
MOST_DIGITS = 28
#: The same of a number that the product wrote itself, such as a carry: exact sums have so many.
WRITTEN_DIGITS = 200
_PLAIN = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")


def plain_decimal(text: Any, *, digits: int = MOST_DIGITS) -> Decimal | None:
    """Return the number that a text says, or None where it is no plain decimal.

    Plain are the digits 0 to 9, perhaps a minus before them and one point among them, with at most
    `digits` digits on either side of it. An exponent, a separator of thousands and the digits of
    other scripts are not: two people could read them differently, or never see them.

    >>> plain_decimal("-1250.50"), plain_decimal("1e5"), plain_decimal("7."), plain_decimal("1_000")
    (Decimal('-1250.50'), None, None, None)
    """
    found = _PLAIN.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None or max(len(found[1]), len(found[2] or "")) > digits:
        return None
    return Decimal(found[0])
