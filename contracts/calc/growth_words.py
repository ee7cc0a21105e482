"""How a price grows, in words: by how much, when, on what, within which limits."""

from contracts.calc import words
from contracts.calc.escalation import EscalatorParameters
from contracts.charges._base import TermContext
from poweroptix.kernel.words import counted

LIMITED = {
    "YEAR_ON_YEAR": "in any one year",
    "CUMULATIVE": "a year, counted over all years since the first",
    "CARRY_FORWARD": "in any one year, and what the most cuts off counts in later years",
}


def growth(terms: EscalatorParameters, context: TermContext) -> str:
    """Return how a price grows, as the end of a sentence about it."""
    if terms.escalator == "NONE":
        return ", without escalation"
    turn = words.turn_of_year(terms.contract_year, context.anchor_date)
    if terms.escalator == "STEP":
        step = terms.escalator_step
        return f", {'less' if step < 0 else 'plus'} {words.dollars(abs(step))} each {turn}"
    places = counted(terms.price_places, "place")
    if terms.escalator == "INDEX":
        return f", {_indexed(terms, context, turn)}, rounded to {places}"
    sign = "" if terms.escalator_ratio < 0 else "+"
    on = (
        "compounded on the first price"
        if terms.escalator == "FROM_BASE"
        else "on the rounded price of the year before"
    )
    return f", {sign}{words.percent(terms.escalator_ratio)} each {turn} {on}, rounded to {places}"


def _indexed(terms: EscalatorParameters, context: TermContext, turn: str) -> str:
    """Return which indices a price follows, when they are read, and their limits."""
    every = "month" if terms.index_turns == "MONTH" else turn
    text = f"following {_parts(terms, context)} each {every}: {_read(terms)}, over {_base(terms)}"
    low, high = terms.floor_ratio, terms.cap_ratio
    limits = [f"at least {words.percent(low)}"] if low is not None else []
    limits += [f"at most {words.percent(high)}"] if high is not None else []
    if limits:
        text += f"; the price changes by {words.listed(limits)} {LIMITED[terms.index_limits]}"
    if terms.index_rounding == "EVERY_YEAR":
        text += "; each year grows the rounded price of the year before"
    return f"{text}; until an index is published the last price holds"


def _parts(terms: EscalatorParameters, context: TermContext) -> str:
    if len(terms.index_parts) == 1:
        return context.title(terms.index_parts[0].index)
    return words.listed(
        f"{context.title(part.index)} with {words.percent(part.weight_ratio)}"
        if part.index
        else f"{words.percent(part.weight_ratio)} that stay fixed"
        for part in terms.index_parts
    )


def _read(terms: EscalatorParameters) -> str:
    lag = terms.index_lag_months or 0
    if not terms.index_month:
        when = f"{counted(lag, 'month')} before" if lag else "of that month"
        return f"the index {when}, as first published"
    name = words.MONTHS[terms.index_month - 1]
    after = f" at least {counted(lag, 'month')} before" if lag else " up to then"
    return f"the index of the last {name}{after}, as first published"


def _base(terms: EscalatorParameters) -> str:
    """Return what the index is divided by."""
    stated = [part for part in terms.index_parts if part.base_value is not None]
    if stated:
        return "the base of " + words.listed(words.number(part.base_value) for part in stated)
    month = terms.index_base_month
    if month:
        return f"that of {words.MONTHS[int(month[5:]) - 1]} {month[:4]}"
    return "that of the first contract year"
