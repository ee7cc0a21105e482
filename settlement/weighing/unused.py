"""By what a member was entitled to and did not use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import MICRO
from poweroptix.kernel.rounding import to_places
from poweroptix.kernel.series import Series
from settlement.weighing._base import Weighing

#: An entitlement in kW as it is written and as a number, and the use while it held.
Held = tuple[str, Fraction, Series | None]


def unused_entitlement(held: Mapping[str, Sequence[Held]]) -> Weighing:
    """Weigh by the sum over the intervals of max(0, entitlement - use), in kWh.

    A member whose use is not known has no weight.
    """
    weights: dict[str, Fraction | None] = {}
    said, figures = {}, []
    for code, each in held.items():
        if any(use is None or use.missing_count for _text, _kw, use in each):
            weights[code] = None
            continue
        weights[code] = sum((_unused(kw, use) for _text, kw, use in each), Fraction(0))
        said[code] = "unused of " + ", then ".join(f"{text} kW" for text, _kw, _use in each)
        entitled = f"entitled {', then '.join(text for text, _kw, _use in each)} kW less use"
        figures.append(
            Figure(
                f"unused by {code}",
                to_places(weights[code], 6),
                "kWh",
                Source("readings", code, entitled),
            )
        )
    return Weighing("kWh", weights, said, figures=tuple(figures))


def _unused(entitled_kw: Fraction, used: Series) -> Fraction:
    """Return the exact sum of max(0, entitlement - use): intervals below it, counted and summed."""
    entitled_micro = entitled_kw * used.grid.minutes / 60 * MICRO
    below = used.values < np.int64(-(-entitled_micro.numerator // entitled_micro.denominator))
    spent = sum(int(value) for value in used.values[below])
    return (entitled_micro * int(below.sum()) - spent) / MICRO
