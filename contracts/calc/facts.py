"""Named numbers of a contract or of a month, read with their source."""

from decimal import Decimal, InvalidOperation

from contracts.charges._base import ChargeInputs
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding


def fact_figure(inputs: ChargeInputs, name: str, unit: str) -> Figure:
    """Return the fact as a figure; empty when the month does not have it, never a default.

    Refused when it is not a plain decimal.
    """
    source = Source("contract", inputs.term.contract, f"{name} of {inputs.period.label}")
    text = inputs.facts.get(name)
    if text is None:
        return Figure(name, None, unit, source, note=f"{name} is not known")
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not isinstance(text, str) or not value.is_finite():
        raise Refused("contracts.fact", f"{name}: '{text}' is not a plain decimal number")
    return Figure(name, value, unit, source)


def finding_of(inputs: ChargeInputs, figure: Figure | None) -> Finding | None:
    """Return a blocking finding for a fact that is not known."""
    if figure is None or figure.value is not None:
        return None
    return Finding(
        "contracts.fact_missing",
        f"{figure.name} of {inputs.period.label} is not known",
        where=f"{inputs.term.contract} line {inputs.term.line_code}",
        fix=f"Enter {figure.name} for {inputs.period.label}.",
    )
