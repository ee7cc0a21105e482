"""Fuel that the buyer pays, as far as the guaranteed heat rate allows it (FUEL_PT)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.calc import words
from contracts.calc.fuel import (
    INVOICE,
    HeatRateParameters,
    burned,
    fuel_gaps,
    invoiced_price,
    saved_rows,
    weighted_price,
)
from contracts.calc.heat_rate_words import heat_rate_words
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.worksheet import Row, Worksheet


@charge_types.register("fuel_pass_through@1")
class FuelPassThrough(ChargeType):
    """The smaller of burned and allowed fuel at its average cost, and a share of what is saved."""

    title = "Fuel pass-through"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(HeatRateParameters):
        """The heat rate, and where the price of the fuel comes from."""

        MAY_STATE = {**HeatRateParameters.MAY_STATE, "metered_mmbtu": True}

        gas_price: str = param(
            choices=("INVOICES", "INDEX"),
            help="INVOICES: the average cost of the gas invoices of the month; INDEX: published "
            "prices weighted by the fuel of each interval.",
        )
        gas_index: str = param(default="", help="The price series, for INDEX.")
        price_places: int = param(
            default=4, minimum=0, maximum=8, help="Decimals of the average cost."
        )

        def __post_init__(self) -> None:
            """Refuse a heat rate that cannot be applied, and an index that is not named."""
            self.check_fuel()
            if (self.gas_price == "INDEX") != bool(self.gas_index):
                text = "gas_index: name it exactly when the price is an index"
                raise Refused("contracts.gas_index", text)
            if self.gas_index and "metered_mmbtu" in self.of_month:
                text = "of_month: an index is weighted by metered fuel; take the price of INVOICES"
                raise Refused("contracts.gas_index", text)
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the metered fuel, its prices, and the events that decide."""
        events, facts = parameters.start_events(), tuple(parameters.of_month)
        if parameters.gas_price == "INVOICES":
            series = () if "metered_mmbtu" in facts else (parameters.fuel,)
            return Needs(series=series, facts=facts, events=(*events, INVOICE))
        prices = (parameters.gas_index,)
        return Needs(series=(parameters.fuel,), prices=prices, facts=facts, events=events)

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        cost = (
            "the average cost of the month's gas invoices"
            if parameters.gas_price == "INVOICES"
            else f"the price of {context.title(parameters.gas_index)}, weighted by use"
        )
        return (
            f"Fuel{words.since(context)}: the buyer pays {cost} for the fuel that was burned, at "
            f"most for what the heat rate allows. {heat_rate_words(parameters)}"
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row for the fuel that is paid, and one for the seller's share of what was saved."""
        found = burned(inputs, parameters)
        places = parameters.price_places
        if parameters.gas_price == "INVOICES":
            rate, findings = invoiced_price(inputs, places)
        else:
            rate, findings = weighted_price(inputs, parameters.gas_index, parameters.fuel, places)
        paid = Figure.computed(
            "paid_mmbtu", "MMBtu", "min(fuel_mmbtu, most_mmbtu)", found.fuel, found.most,
            round_to=(parameters.fuel_places, Mode.HALF_UP),
        )  # fmt: skip
        rows = [Row(inputs.term.label, paid, rate)]
        rows += saved_rows(inputs, parameters, found, rate)
        sheet = inputs.worksheet(
            rows, findings=(*fuel_gaps(inputs, parameters), *found.findings, *findings)
        )
        return sheet, {}
