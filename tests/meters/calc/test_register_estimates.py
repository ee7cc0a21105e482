"""A register that was not read: forward only, over the dials, cut as a dial shows it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.calc.register_estimates import estimate_register
from meters.calc.registers import advance, read_dial
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status
from tests.meters.estimation.sheets import START, series


def estimated(text, values, multiplier="1", **more):
    energy = series(values, **more)
    return estimate_register(read_dial(text), energy.grid.start_utc, energy, Decimal(multiplier))


def test_the_last_read_and_the_intervals_since():
    found = estimated("045210", [40000, 32000], "400")
    assert (found.dial.value, found.dial.digits, found.rolled) == (Decimal(45390), 6, False)
    assert found.at == START + timedelta(minutes=30)
    assert found.status == Status.ESTIMATED
    assert found.worksheet["value"] == "45390"


def test_the_dial_goes_round():
    found = estimated("99890", [2144])
    assert (found.dial.value, found.rolled) == (Decimal(2034), True)
    around = estimated("99890", [110])
    assert (around.dial.value, around.rolled) == (0, True)
    assert not estimated("99890", [109]).rolled


def test_decimals_beyond_those_of_the_dial_are_cut():
    assert estimated("00105.4", ["0.59"]).dial.value == Decimal("105.9")
    assert estimated("00105.4", [1], "3").dial.value == Decimal("105.7")


def test_the_status_is_no_better_than_an_estimate_or_the_worst_interval():
    assert estimated("00001", [1], status=Status.SUSPECT).status == Status.SUSPECT
    assert estimated("00001", [1], status=Status.EDITED).status == Status.ESTIMATED


def test_gaps_other_ranges_and_backward_registers_are_refused():
    with pytest.raises(Refused, match="have no value"):
        estimated("00001", [1, None])
    with pytest.raises(Refused, match="take the intervals from the read on"):
        estimate_register(read_dial("1"), START + timedelta(hours=1), series([1]), Decimal(1))
    with pytest.raises(Refused, match="estimated forward only"):
        estimated("00001", [-1])
    with pytest.raises(Refused, match="counts nothing"):
        estimated("00001", [1], "0")


@given(st.integers(0, 99999), st.lists(st.integers(0, 900), min_size=1, max_size=50))
def test_the_advance_to_the_estimated_register_is_the_energy(last, values):
    dial = read_dial(f"{last:05d}")
    energy = series(values)
    found = estimate_register(dial, START, energy, Decimal(1))
    assert advance(dial, found.dial).forward == energy.total()
