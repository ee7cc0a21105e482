"""Blocks of energy in words: their bounds and prices, what they count, part months."""

from collections.abc import Sequence

from contracts.calc import demand_words, words
from contracts.calc.energy import PRICE_UNITS
from contracts.calc.energy_blocks import BlockParameters, EnergyBlock
from contracts.charges._base import TermContext

VOLUME = {
    "MARGINAL": "Each block has its own price",
    "REACHED": "All energy of the month has the price of the block that is reached",
}
PART_MONTH = {
    "DAYS": "the blocks of a part month are shortened to its days over the days of the month",
    "WHOLE": "the blocks of a part month are whole",
}


def blocks(listed: Sequence[EnergyBlock], terms: BlockParameters) -> str:
    """Return prices and ends of blocks.

    >>> from decimal import Decimal as D
    >>> one, rest = EnergyBlock(up_to=D(5000), price=D(70)), EnergyBlock(price=D(62))
    >>> blocks([one, rest], BlockParameters(counts="MONTH", volume="MARGINAL", part_month="DAYS"))
    '$70.00 per MWh up to 5,000 MWh and $62.00 per MWh above that'
    """
    unit = PRICE_UNITS[terms.price_unit].quoted_unit
    said = []
    for number, block in enumerate(listed):
        price = words.dollars(block.price, terms.price_unit)
        ends = [f"{words.number(block.up_to)} {unit}"] if block.up_to is not None else []
        if block.up_to_hours is not None:
            ends.append(f"{words.number(block.up_to_hours)} kWh per kW of billing demand")
        if ends:
            least = ", whichever is less" if len(ends) > 1 else ""
            said.append(f"{price} up to {' or '.join(ends)}{least}")
        else:
            said.append(price + (" above that" if number else ""))
    return words.listed(said)


def counted(terms: BlockParameters, context: TermContext) -> str:
    """Return what blocks count, as sentences that follow the prices."""
    text = VOLUME[terms.volume]
    if terms.counts == "MONTH":
        text += "; the blocks count the energy of a month; "
        daily = "their ends are those of a day times the days in force"
        text += daily if terms.ends_per == "DAY" else PART_MONTH[terms.part_month]
    else:
        first = terms.resets_on or context.anchor_date
        turn = words.turn_of_year("ANNIVERSARY" if terms.resets_on else terms.contract_year, first)
        text += f"; the blocks count all energy since the last {turn}"
    if terms.billing_kw is not None:
        kw = demand_words.measured(terms.billing_kw)
        floors = demand_words.least(terms.billing_kw)
        least = f", at least {words.listed(floors)}" if floors else ""
        text += f". Billing demand is {kw}{least}"
    return f"{text}."
