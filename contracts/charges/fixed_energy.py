"""Energy at one price, which may grow every contract year (FIXED, ESC_*, CPI)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import energy, energy_share, escalation, growth_words, losses, words
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import price as fixed_price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import Worksheet


@charge_types.register("fixed_energy@1")
class FixedEnergy(ChargeType):
    """Quantity in the quoted unit x price; an anniversary inside the month makes two rows."""

    title = "Energy at a fixed price"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(
        energy_share.ShareParameters,
        energy.QuantityParameters,
        escalation.EscalatorParameters,
        losses.LossParameters,
    ):
        """Price, unit and escalator of the clause."""

        price: Decimal = param(
            unit="quoted unit",
            minimum=Decimal(-1_000_000),
            maximum=Decimal(1_000_000),
            help="Price of contract year 1.",
        )

        def __post_init__(self) -> None:
            """Refuse a price that fixed point cannot hold."""
            fixed_price(self.price)
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the indices that the price follows."""
        return Needs(histories=escalation.indices(parameters))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        unit = energy.PRICE_UNITS[parameters.price_unit].quoted_unit
        price = words.dollars(parameters.price, parameters.price_unit)
        return (
            f"{energy_share.said(parameters, context)}{losses.said(parameters)}: {price}"
            f"{words.since(context, parameters)}{growth_words.growth(parameters, context)}. "
            + words.rounding(parameters.quantity_places, unit, parameters.line_per)
        )

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Find a price that leaves its bounds within the life of the version."""
        return list(escalation.check_growth(parameters.price, parameters, context, "price"))

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per price segment of the period."""
        series = inputs.quantity()
        finding = energy.missing_finding(inputs, series)
        base = Figure("price", parameters.price, parameters.price_unit, inputs.term.source("price"))
        growth = escalation.Escalation(inputs, parameters)
        parts = growth.segments
        rows = []
        for part in parts:
            start = inputs.period.day_bounds(part.first_day)[0]
            end = inputs.period.day_bounds(part.last_day)[1]
            label = inputs.term.label if len(parts) == 1 else f"{inputs.term.label} {part.text()}"
            rate = growth.price(base, part.year)
            cut = series.slice(start, end)
            rows.append(energy.energy_row(label, inputs, cut, None, rate, parameters))
        sheet = inputs.worksheet(
            rows,
            findings=((finding,) if finding else ()) + growth.findings,
            line_per=parameters.line_per,
        )
        return sheet, {}
