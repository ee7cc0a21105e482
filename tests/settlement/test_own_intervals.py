"""The intervals of a line add up to the quantity that its worksheet prices."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calc.price_terms import PricedTerm
from contracts.charges import charge_type, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status
from poweroptix.kernel.rounding import to_places
from poweroptix.kernel.series import Series
from settlement.calc.inputs import Inputs
from settlement.calc.own_intervals import PricedLine, own_intervals
from settlement.calc.settle import settle
from settlement.calc.version_inputs import VersionInputs
from tests.contracts.builders import CHICAGO
from tests.contracts.charges.samples import (
    CARRIES,
    EVENTS,
    GRID,
    PERIOD,
    given_load,
    loads,
    settings_of,
)

HOURS = (("00:00", "09:00", "OFF"), ("09:00", "24:00", "ON"))
ROWS = [
    {"day_types": ["all"], "start": start, "end": end, "period": name} for start, end, name in HOURS
]
CALENDARS = {"C": {"schedule": {"zone": CHICAGO, "rows": ROWS}, "holidays": []}}
#: Every interval of these is priced, whatever the load.
ALWAYS = ("fixed_energy@1", "tou_energy@1", "index_adder@1", "gas_indexed@1", "difference@1",
          "excise@1")  # fmt: skip
#: These price a part of what they look at, and may price all of it by chance.
OTHERS = ("demand@1", "take_or_pay@1", "deemed_energy@1", "production_guarantee@1")
SHARES = st.sampled_from(["1", "0.7", "0.3", "0.33333333"])
LOSSES = st.sampled_from([("0", ""), ("0.0215", "METERED"), ("0.02", "SENT")])


def settled(key, values, more):
    """Return the inputs of a day under one term, and its lines; None where a term has no such."""
    sample, terms = given_load(values, Decimal(50)), settings_of(key, Decimal(50)) | more
    try:
        charge_type(key).parse(terms)
    except Refused:
        return None
    term = PricedTerm(7, 60, key, "Line", "4.1", "delivered", terms)
    version = VersionInputs(1, PERIOD.first_date, PERIOD.last_date, date(2025, 3, 9), {}, (term,))
    inputs = Inputs(
        "PPA", "USD", CHICAGO, PERIOD, (version,), series=sample.series, prices=sample.prices,
        calendars=CALENDARS, events=EVENTS, carry_in={"60": CARRIES.get(key, {})},
    )  # fmt: skip
    return inputs, settle(inputs).lines


def priced(inputs, line):
    """Return what a settled line prices, asked as of a stored one."""
    asked = PricedLine(
        line.term_id, line.line_code, line.unit, line.charge_type, line.first_date,
        line.last_date, line.quantity, tuple(row.label for row in line.worksheet.rows),
    )  # fmt: skip
    return own_intervals(inputs, asked, "delivered")


def raw_kwh(figure):
    """Return the exact energy that a figure of a worksheet was read from."""
    if figure.source is not None and figure.source.kind == "readings":
        return figure.value or Decimal(0)
    return sum((raw_kwh(one) for one in figure.inputs), Decimal(0))


@settings(max_examples=40, deadline=None)
@given(loads, SHARES, LOSSES)
def test_priced_intervals_add_up_to_the_quantity_of_every_energy_line(values, share, losses):
    ratio, of = losses
    terms = {} if share == "1" else {"energy_share_ratio": share}
    terms |= {} if not of else {"loss_ratio": ratio, "loss_share_of": of}
    factor = Fraction(share) * {
        "": 1, "METERED": 1 + Fraction(ratio), "SENT": 1 / (1 - Fraction(ratio))
    }[of]  # fmt: skip
    for key in ALWAYS:
        inputs, lines = settled(key, values, terms) or (None, ())
        for line in lines:
            own, rows = priced(inputs, line), line.worksheet.rows
            shown = [own.kwh_at(at) for at in range(GRID.count) if own.chosen[at]]
            rested = rows[:1] if key == "excise@1" else rows  # its steps rest on the same readings
            exact = factor * sum(Fraction(raw_kwh(row.quantity)) for row in rested)
            assert own.is_sum, key
            assert sum(shown) == own.total_kwh == own.kwh_of(0, own.chosen)
            if of == "SENT":
                assert abs(Fraction(own.total_kwh) - exact) <= Fraction(1, 2 * 10**6)
                continue
            assert Fraction(own.total_kwh) == exact, key
            if len(rows) == 1:
                divisor = 1000 if line.unit == "MWh" else 1
                places = charge_type(key).parse(inputs.versions[0].terms[0].parameters)
                assert line.quantity == to_places(exact / divisor, places.quantity_places), key


@settings(max_examples=15, deadline=None)
@given(loads)
def test_no_line_claims_a_sum_that_its_worksheet_does_not_have(values):
    for key, _kind in charge_types.items():
        if key in ("minimum_bill@1", "tax@1", "pool_share@1"):  # they rest on lines and pools
            continue
        inputs, lines = settled(key, values, {})
        for line in lines:
            own = priced(inputs, line)
            if own is not None and own.is_sum:
                divisor = 1000 if line.unit == "MWh" else 1
                gap = abs(own.total_kwh / divisor - line.quantity)
                assert gap <= Decimal("0.5") * len(line.worksheet.rows), key
            if own is not None and key in OTHERS:
                assert (own.factor, own.said) == (1, "")


def test_a_share_with_losses_is_said_and_stays_where_the_quantity_is_not_known():
    terms = {"energy_share_ratio": "0.7", "loss_ratio": "0.02", "loss_share_of": "METERED"}
    values = [10**9] * GRID.count
    inputs, [line] = settled("fixed_energy@1", values, terms)
    own = priced(inputs, line)
    assert own.said == ("70 % of the settled energy, raised by losses of 2 % of the metered energy")
    assert own.kwh_at(3) == Decimal("714.0")
    whole = inputs.series["delivered"]
    holed = whole.values.copy()
    holed[3] = MISSING
    status = whole.status.copy()
    status[3] = Status.MISSING
    inputs = replace(inputs, series={"delivered": Series(GRID, holed, status, "kWh")})
    [line] = settle(inputs).lines
    own = priced(inputs, line)
    assert (line.quantity, own.is_sum, own.kwh_at(3)) == (None, False, None)
    assert own.kwh_at(4) == Decimal("714.0")
    assert own.count == GRID.count


@pytest.mark.parametrize("key", ["block_energy@1", "excess_energy@1"])
def test_a_line_on_a_part_of_the_month_does_not_call_its_intervals_its_quantity(key):
    inputs, lines = settled(key, [10**9] * GRID.count, {})
    for line in lines:
        own = priced(inputs, line)
        assert not own.is_sum
        assert own.total_kwh == 1000 * GRID.count
