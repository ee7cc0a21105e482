"""Decimal text to int64 fixed point for many fields at once, exactly, without floats.

Eight characters are eight bytes of one 64-bit word. A field is loaded by its end, the bytes before
its start are blanked, the decimal point is squeezed out by shifts, and three multiplications turn
eight digits into one number (the usual "SIMD within a register" digit parser, here over numpy
arrays). A field that is not plain ``-?[digits][.digits]`` is only marked, never repaired: the
careful path then reads it again and names the fault.
"""

from __future__ import annotations

import numpy as np

MICRO_PLACES = 6
FRONT_PAD = 16
_BACK_PAD = 8
_U = np.uint64
_ZEROS = _U(0x3030303030303030)
_DOTS = _U(0x2E2E2E2E2E2E2E2E)
_ONES = _U(0x0101010101010101)
_HIGH = _U(0x8080808080808080)
_HI_NIBBLE = _U(0xF0F0F0F0F0F0F0F0)
_LO_NIBBLE = _U(0x0F0F0F0F0F0F0F0F)
_SIXES = _U(0x0606060606060606)
_POW10 = np.array([10**k for k in range(19)], dtype=np.int64)
MAX_INTEGER_DIGITS = 12


class Buffer:
    """Bytes padded so that the eight bytes before any field can be loaded as one word.

    ``bytes`` is the uint8 view; positions are those of the padded view: byte ``i`` of the text is
    at ``i + FRONT_PAD``.
    """

    def __init__(self, text: bytes) -> None:
        self.padded = b"".join((b" " * FRONT_PAD, text, b" " * _BACK_PAD))
        self.bytes = np.frombuffer(self.padded, dtype=np.uint8)
        self.words = np.ndarray((len(self.padded) - 7,), "<u8", self.padded, strides=(1,))
        self.end = len(self.padded) - _BACK_PAD

    def text(self, start: int, end: int) -> bytes:
        """Return the bytes between two padded positions."""
        return self.padded[start:end]

    def word_ending(self, ends: np.ndarray) -> np.ndarray:
        """Return the eight bytes before each position, first byte lowest."""
        return self.words[ends - 8]


def micro_fields(
    buffer: Buffer, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Parse fields ``[start, end)`` to int64 in 10^-6.

    Returns values and a mask of the fields that were plain decimals with at most 12 integer digits
    and 6 decimals; the value of any other field is undefined.
    """
    lengths = ends - starts
    negative = buffer.bytes[starts] == 0x2D
    if negative.any():
        lengths = lengths - negative
    else:
        negative = None
    long = lengths > 8
    values, good = _short_fields(buffer, ends, np.minimum(lengths, 8))
    if long.any():
        at = np.flatnonzero(long)
        values[at], good[at] = _long_fields(buffer, ends[at] - lengths[at], ends[at])
    good &= lengths > 0
    if negative is not None:
        np.negative(values, out=values, where=negative)
    return values, good


def _short_fields(
    buffer: Buffer, ends: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Parse fields of at most eight characters."""
    bits = (lengths << 3).astype(_U)
    word = buffer.word_ending(ends)
    blank = _U(64) - bits
    word >>= blank
    word <<= blank
    word |= _ZEROS >> bits
    differs = word ^ _DOTS
    dots = (differs - _ONES) & ~differs & _HIGH
    if not dots.any():
        digits, good = _eight_digits(word)
        return digits * 10**MICRO_PLACES, good
    first = dots & (~dots + _U(1))
    before = np.bitwise_count(first - _U(1)) >> np.uint8(3)  # bytes below the point; 8: no point
    has_point = before < 8
    decimals = np.where(has_point, np.uint8(7) - before, np.uint8(0))
    squeezed = _without_point(word, decimals)
    word = np.where(has_point, squeezed, word)
    digits, good = _eight_digits(word)
    good &= ~has_point | ((decimals > 0) & (decimals <= MICRO_PLACES))
    digits *= _POW10[np.maximum(MICRO_PLACES - decimals.astype(np.int64), 0)]
    return digits, good


def _without_point(word: np.ndarray, decimals: np.ndarray) -> np.ndarray:
    """Squeeze out the decimal point that has ``decimals`` characters after it."""
    after = decimals.astype(_U) << _U(3)
    keep = _U(64) - after
    fraction = (word >> keep) << keep
    whole = (word << (after + _U(8))) >> after
    return fraction | whole | _U(0x30)


def _eight_digits(word: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn eight ASCII digits per word into a number; mark words with anything else."""
    good = (word & _HI_NIBBLE) == _ZEROS
    good &= ((word + _SIXES) & _HI_NIBBLE) == _ZEROS
    value = word & _LO_NIBBLE
    value = (value * _U(10) + (value >> _U(8))) & _U(0x00FF00FF00FF00FF)
    value = (value * _U(100) + (value >> _U(16))) & _U(0x0000FFFF0000FFFF)
    value = (value * _U(10000) + (value >> _U(32))) & _U(0xFFFFFFFF)
    return value.view(np.int64), good


def _long_fields(
    buffer: Buffer, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Parse unsigned fields of more than eight characters: integer part and fraction apart."""
    word = buffer.word_ending(ends)
    differs = word ^ _DOTS
    dots = (differs - _ONES) & ~differs & _HIGH
    first = dots & (~dots + _U(1))
    before = (np.bitwise_count(first - _U(1)) >> np.uint8(3)).astype(np.int64)
    decimals = np.where(before < 8, 7 - before, 0)
    whole_end = np.where(before < 8, ends - decimals - 1, ends)
    whole, good = uint_fields(buffer, starts, whole_end)
    fraction, fraction_good = uint_fields(buffer, ends - decimals, ends)
    good &= whole_end - starts <= MAX_INTEGER_DIGITS
    good &= (before == 8) | (fraction_good & (decimals <= MICRO_PLACES))
    values = whole * 10**MICRO_PLACES
    values += fraction * _POW10[np.maximum(MICRO_PLACES - decimals, 0)]
    return values, good


def uint_fields(
    buffer: Buffer, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Parse unsigned integers of 1 to 16 digits; same result shape as ``micro_fields``."""
    lengths = ends - starts
    low, good = _digits_only(buffer, ends, np.minimum(lengths, 8))
    if (lengths > 8).any():
        high, high_good = _digits_only(
            buffer, np.maximum(ends - 8, FRONT_PAD), np.clip(lengths - 8, 0, 8)
        )
        low = low + high * 10**8
        good &= high_good
    good &= (lengths > 0) & (lengths <= 16)
    return low, good


def _digits_only(
    buffer: Buffer, ends: np.ndarray, lengths: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    bits = (np.maximum(lengths, 0) << 3).astype(_U)
    blank = _U(64) - bits
    word = ((buffer.word_ending(ends) >> blank) << blank) | (_ZEROS >> bits)
    return _eight_digits(word)
