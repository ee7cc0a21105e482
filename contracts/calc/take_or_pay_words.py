"""A take-or-pay clause in plain words: how much, what counts, the price, and make-up."""

from typing import Any

from contracts.calc import named_volumes, words
from contracts.calc.energy import PRICE_UNITS
from contracts.charges._base import TermContext
from poweroptix.kernel.words import counted


def sentence(parameters: Any, context: TermContext, growth: str) -> str:
    """Return the clause; `parameters` are those of the take-or-pay charge."""
    unit = PRICE_UNITS[parameters.price_unit].quoted_unit
    tested = "a month" if parameters.test == "MONTH" else "a contract year"
    price = words.dollars(parameters.price, parameters.price_unit)
    agreed = f"{words.number(parameters.contract_quantity)} {unit}"
    for row in parameters.year_quantities:
        agreed += f", in year {row.contract_year} {words.number(row.quantity)} {unit}"
    taken = ["the energy supplied", *named_volumes.said(parameters.deemed)]
    said = [
        f"Take or pay: {words.percent(parameters.take_ratio)} of {agreed} in {tested} at {price}"
        f"{words.since(context, parameters)}{growth}",
        f"Taken is {words.listed(taken)}; "
        + (
            f"excused is {words.listed(named_volumes.said(parameters.excused))}"
            if parameters.excused
            else "nothing is excused"
        ),
        _pays(parameters),
        _make_up(parameters),
        "The energy itself is billed "
        + ("on this line" if parameters.energy_billed == "HERE" else "by other lines"),
    ]
    if parameters.test == "MONTH":
        how = "shortened to its days" if parameters.part_month == "DAYS" else "whole"
        said.append(f"The agreed energy of a part month is {how}")
    cents = words.rounding(parameters.quantity_places, unit, parameters.line_per)
    return ". ".join(said) + f". {cents}"


def _pays(parameters: Any) -> str:
    """Return what a deficiency costs, and when."""
    when = "each month" if parameters.test == "MONTH" else "once, in the last month of the year"
    if parameters.pays == "FIXED_PRICE":
        price = words.dollars(parameters.deficiency_price, parameters.price_unit)
    elif parameters.pays == "FULL_PRICE":
        price = "the price of the energy"
    else:
        price = f"the price of the energy less {words.dollars(parameters.avoided_cost)}"
    return f"What is missing is paid at {price}, {when}"


def _make_up(parameters: Any) -> str:
    if not parameters.make_up_years:
        return "It cannot be made up"
    return (
        f"It may be made up within {counted(parameters.make_up_years, 'contract year')} by energy "
        "above that, oldest first, at the difference of the prices"
    )
