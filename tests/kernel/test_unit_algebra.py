"""Units add, multiply and cancel; words and refusals are those of who reads them."""

import pytest

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.unit_algebra import PLAIN, UnitAlgebra, in_words, unit_from


class Plain(UnitAlgebra):
    """Every written number is plain."""

    def written(self, number):
        return PLAIN

    def unlike(self, part, first, second):
        return Refused("unlike", f"{part}: {in_words(first)}, {in_words(second)}")


UNITS = {name: unit_from([(name, 1)]) for name in ("kWh", "h", "USD")}


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("kWh / h", "kWh/h"),
        ("kWh / h * h", "kWh"),
        ("1 / h", "1/h"),
        ("USD / (kWh * kWh) / h", "USD/h x kWh^2"),
        ("round(2 * kWh, 3) + abs(-kWh)", "kWh"),
        ("h / h", "a number without unit"),
        ("clip(kWh, 2 * kWh, 3 * kWh)", "kWh"),
    ],
)
def test_units_multiply_and_cancel(formula, words):
    assert in_words(Plain(UNITS).of(formula)) == words


@pytest.mark.parametrize("formula", ["kWh + h", "kWh - 1", "max(kWh, h)", "clip(kWh, h, h)"])
def test_unlike_units_do_not_meet(formula):
    with pytest.raises(Refused, match=r": kWh, (h|a number without unit)"):
        Plain(UNITS).of(formula)
