"""A demand clause in plain words: window, prices, least billed kW, rounding, part months."""

from typing import Any

from contracts.calc import losses, power_factor, tou_periods, words
from contracts.calc.billing_kw import BillingKwParameters, RatchetSeason
from contracts.calc.demand_blocks import DemandPrice
from contracts.charges._base import TermContext
from poweroptix.kernel.words import counted

KW_ROUNDING = {
    "NEAREST": "The billed kW are rounded to the nearest whole kW",
    "UP": "The billed kW are rounded up to whole kW",
    "NONE": "The billed kW are not rounded",
}
PART_MONTH = {
    "BY_DAYS": "a part month pays its days over the days of the month",
    "FULL_MONTH": "a part month pays in full",
}


def sentence(parameters: Any, context: TermContext) -> str:
    """Return the clause; `parameters` are those of the demand charge."""
    prices = "; ".join(_price(row) for row in parameters.prices)
    said = [f"Demand: {prices}{words.since(context)}, for {measured(parameters)}"]
    said += [text for text in (power_factor.said(parameters),) if text]
    floors = least(parameters)
    if floors:
        most = ", whichever is most" if len(floors) > 1 else ""
        said.append(f"At least billed: {words.listed(floors)}{most}")
    timed = [row.period for row in parameters.prices if row.period != "ALL"]
    if timed:
        said.append(tou_periods.said(parameters.calendar, context, timed).rstrip("."))
    cents = "every row is" if parameters.line_per == "ROW" else "the sum is"
    said.append(
        f"{KW_ROUNDING[parameters.kw_rounding]}; {PART_MONTH[parameters.proration]}; {cents} "
        "rounded to cents" + ("" if parameters.line_per == "ROW" else " once")
    )
    return ". ".join(said) + "."


def measured(parameters: BillingKwParameters) -> str:
    """Return which kW of a month are measured: the window, whose peak decides, and losses."""
    window = (
        "windows that begin at every reading"
        if parameters.window == "ROLLING"
        else "fixed windows of the clock"
    )
    minutes = f"{parameters.window_minutes}-minute"
    if parameters.coincident_with:
        text = f"the {minutes} average in which “{parameters.coincident_with}” is highest in the "
    else:
        text = f"the highest {minutes} average of the "
    return f"{text}month ({window}){losses.said(parameters)}"


def _price(row: DemandPrice) -> str:
    """Return the price of one period with its blocks."""
    parts, unit = [], "USD/kW-month"
    for number, block in enumerate(row.blocks):
        if block.up_to_kw is None:
            above = " above that" if number else ""
            parts.append(words.dollars(block.rate, unit) + above)
        else:
            upto = "up to" if number else "for the first"
            parts.append(
                f"{words.dollars(block.rate, unit)} {upto} {words.number(block.up_to_kw)} kW"
            )
    return words.listed(parts) + ("" if row.period == "ALL" else f" in {row.period} hours")


def least(parameters: BillingKwParameters) -> list[str]:
    """Return what is billed at least, whatever the peak of the month."""
    found = []
    if parameters.ratchet_ratio:
        months = parameters.ratchet_months + (parameters.lookback_counts == "K_PLUS_1")
        found.append(
            f"{words.percent(parameters.ratchet_ratio)} of the highest demand of the "
            f"{counted(months, 'month')} before (ratchet)"
        )
    found += [_season(season) for season in parameters.ratchet_seasons]
    if parameters.contract_kw or parameters.contract_steps:
        share = words.percent(parameters.contract_share_ratio)
        steps = "".join(
            f", {words.number(step.contract_kw)} kW from {words.day(step.from_date)}"
            for step in parameters.contract_steps
        )
        found.append(f"{share} of the contracted {words.number(parameters.contract_kw)} kW{steps}")
    if parameters.minimum_kw:
        found.append(f"{words.number(parameters.minimum_kw)} kW")
    return found


def _season(season: RatchetSeason) -> str:
    """Return how much the peaks of some months count, later and in the month itself."""
    names = words.listed(words.MONTHS[month - 1] for month in season.months)
    text = f"{words.percent(season.ratchet_ratio)} of an earlier peak of {names}"
    if season.own_ratio != 1:
        text += f" (in the month itself {words.percent(season.own_ratio)})"
    return text
