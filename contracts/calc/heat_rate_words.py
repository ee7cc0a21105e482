"""What a guaranteed heat rate is in words."""

from contracts.calc import words
from contracts.calc.fuel import HeatRateParameters
from contracts.calc.of_month import said


def heat_rate_words(terms: HeatRateParameters) -> str:
    """Return heat rate, band, gain share and start fuel as sentences."""
    base = {"HHV": "higher", "LHV": "lower"}[terms.heating_value]
    rate = words.number(terms.heat_rate)
    text = f"Guaranteed are {rate} MMBtu per MWh on the {base} heating value"
    if terms.hhv_per_lhv_ratio is not None:
        text += f" (times {words.number(terms.hhv_per_lhv_ratio)} on the higher one)"
    if terms.tolerance_ratio:
        text += f", with a band of ±{words.percent(terms.tolerance_ratio)}"
    text += "."
    if terms.gain_share_ratio:
        start = "the band" if terms.gain_from == "BAND" else "the heat rate, once below the band,"
        share = words.percent(terms.gain_share_ratio)
        text += f" Of fuel saved below {start} the seller gets {share} of the price."
    start = "stays in" if terms.start_fuel == "IN" else "is taken out by the table of starts"
    return f"{text} The fuel of starts {start}.{said(terms)}"
