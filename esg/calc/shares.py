"""Integer shares of a mass: largest remainder, so nothing is lost and nothing is made."""

from collections.abc import Mapping

from poweroptix.kernel.splits import split


def split_grams(total_g: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Split whole grams over sinks by their energy (any common integer unit).

    The parts add up to the total; ties go by remainder, then weight, then code.

    >>> split_grams(18114895, {"A": 30, "B": 20, "house": 5})
    {'A': 9880852, 'B': 6587234, 'house': 1646809}
    """
    codes = list(weights)
    parts = split(total_g, [weights[code] for code in codes], codes)
    return dict(zip(codes, (int(part) for part in parts), strict=True))
