"""One decimal text to 10^-6 fixed point, carefully: the path that names the fault.

Codes: R100 empty, R101 not a number, R102 NaN or infinite or a spreadsheet error, R103 too many
digits, R104 thousands separator or decimal comma, R106 exponent.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.formats._base import printable
from meters.formats._text import FIELD_LIMIT, RowFault
from poweroptix.kernel.fixed import MISSING

_PLAIN = re.compile(r"(-?)(?=\.?[0-9])([0-9]{0,12})(?:\.([0-9]{1,6}))?")
_MANY_DIGITS = re.compile(r"-?(?=\.?[0-9])[0-9]*(\.[0-9]+)?")
_EXPONENT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+")
_GROUPED = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_COMMA = re.compile(r"[+-]?[0-9.,]*[0-9],[0-9.,]*")
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity|snan)|#[A-Za-z/0-9]+[!?]?", re.IGNORECASE)


def micro_of(text: str, field: str, *, thousands: str = "") -> int:
    """Return a decimal text in 10^-6; raise ``RowFault`` naming field, finding and remedy.

    ``thousands`` is a separator the profile allows (groups of three only).

    >>> micro_of("2505.000", "value")
    2505000000
    """
    if thousands and thousands in text:
        plain = text.replace(thousands, "")
        if not _GROUPED.fullmatch(text.replace(thousands, ",")):
            raise RowFault("R104", field, f"{field} '{printable(text)}' is not grouped by three")
        text = plain
    match = _PLAIN.fullmatch(text)
    if match is None:
        raise _fault(text, field)
    sign, whole, fraction = match.groups()
    value = int(whole or 0) * 10**6 + int((fraction or "").ljust(6, "0"))
    return -value if sign else value


def _fault(text: str, field: str) -> RowFault:
    shown = printable(text)
    if len(text) > FIELD_LIMIT:
        return RowFault("R009", field, f"{field} has {len(text)} characters, at most {FIELD_LIMIT}")
    if not text.strip():
        return RowFault("R100", field, f"{field} is empty; leave the row out or send the value")
    if _NOT_FINITE.fullmatch(text):
        return RowFault("R102", field, f"{field} '{shown}' is not a finite number")
    if _MANY_DIGITS.fullmatch(text):
        return RowFault(
            "R103",
            field,
            f"{field} '{shown}' has too many digits; at most 12 before and 6 after the point",
        )
    if _EXPONENT.fullmatch(text):
        return RowFault("R106", field, f"{field} '{shown}' has an exponent; write plain digits")
    if _GROUPED.fullmatch(text) or _COMMA.fullmatch(text):
        return RowFault(
            "R104",
            field,
            f"{field} '{shown}' has a comma; write digits and a point, without separators",
        )
    return RowFault("R101", field, f"{field} '{shown}' is not a plain decimal number")


class Scale:
    """An exact factor on 10^-6 values: unit conversion, sign, factor of the profile.

    The product must again be a whole number of 10^-6 and fit in 64 bits; nothing is rounded.
    """

    def __init__(self, factor: Decimal | Fraction) -> None:
        self.factor = factor
        self.numerator, self.denominator = factor.as_integer_ratio()
        limit = 2**63 - 1
        self.largest = limit if not self.numerator else limit // abs(self.numerator)

    def apply(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return scaled values and a mask of those that stay exact; missing stays missing."""
        if self.factor == 1:
            return values, np.ones(values.shape, dtype=bool)
        missing = values == MISSING
        whole = np.where(missing, 0, values)
        fits = np.abs(whole) <= self.largest
        product = np.where(fits, whole, 0) * self.numerator
        exact = product % self.denominator == 0
        return np.where(missing, MISSING, product // self.denominator), fits & exact
