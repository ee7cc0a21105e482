"""Which meter explains a residual: worked days where one meter errs."""

from decimal import Decimal

import numpy as np
import pytest

from poweroptix.kernel.fixed import MICRO, MISSING
from settlement.calc.suspects import ranked

QUARTERS = 96
WAVE = np.array([(i * 37) % 50 for i in range(QUARTERS)], np.int64) * MICRO


def day(load_kwh=1000, loss_kwh=10):
    """A balanced day: engine and import cover two loads and a loss."""
    alfa = np.full(QUARTERS, load_kwh * MICRO, np.int64) + WAVE
    bravo = np.full(QUARTERS, 600 * MICRO, np.int64) + WAVE[::-1]
    tie = np.full(QUARTERS, 200 * MICRO, np.int64)
    engine = alfa + bravo + loss_kwh * MICRO - tie
    return {"ALFA": -alfa, "BRAVO": -bravo, "ENGINE": engine, "TIE": tie}


def test_a_meter_that_stands_still_explains_the_whole_residual():
    today = day()
    today["ENGINE"] = today["ENGINE"].copy()
    today["ENGINE"][40:60] = 0
    first, *rest = ranked(today, [day(), day()])
    lost = sum(day()["ENGINE"][40:60].tolist())
    assert first.name == "ENGINE"
    assert first.change_kwh == Decimal(-lost) / MICRO
    assert first.explained_ratio == 1
    assert first.correlation > Decimal("0.99")
    assert all(one.explained_ratio == 0 for one in rest)


def test_a_real_change_of_load_does_not_hide_the_meter_that_counts_twice():
    today = day(load_kwh=1600)
    today["TIE"] = today["TIE"] * 2
    ranking = ranked(today, [day()])
    assert ranking[0].name == "TIE"
    assert ranking[0].explained_ratio == 1
    engine = next(one for one in ranking if one.name == "ENGINE")
    alfa = next(one for one in ranking if one.name == "ALFA")
    assert engine.change_kwh == -alfa.change_kwh == 600 * QUARTERS
    assert engine.explained_ratio < 0


def test_without_like_days_the_curve_alone_speaks():
    today = day()
    today["ALFA"] = today["ALFA"] * 9 // 10
    first, *_ = ranked(today, [])
    assert (first.name, first.change_kwh, first.explained_ratio) == ("ALFA", None, None)
    assert first.correlation == pytest.approx(Decimal(-1), abs=Decimal("0.0001"))


def test_intervals_without_a_reading_are_left_out():
    today, like = day(), day()
    today["BRAVO"] = today["BRAVO"].copy()
    today["BRAVO"][:4] = MISSING
    today["TIE"] = today["TIE"] + 5 * MICRO
    first, *rest = ranked(today, [like])
    assert (first.name, first.change_kwh) == ("TIE", 5 * 92)
    assert {one.name: one.change_kwh for one in rest}["BRAVO"] == 0
