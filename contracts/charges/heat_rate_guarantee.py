"""Damages for fuel that a tolled plant burned beyond its guaranteed heat rate (tolling)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.fuel import (
    HeatRateParameters,
    burned,
    fuel_gaps,
    saved_rows,
    weighted_price,
)
from contracts.calc.heat_rate_words import heat_rate_words
from contracts.calc.totals import once, stated
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.worksheet import Row, Worksheet


@charge_types.register("heat_rate_guarantee@1")
class HeatRateGuarantee(ChargeType):
    """The buyer's gas is burned: too much of it is a credit, a share of what is saved a charge."""

    title = "Heat-rate guarantee"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(HeatRateParameters):
        """The heat rate, the price of the buyer's gas, and where damages end."""

        gas_index: str = param(help="Prices of the buyer's gas.")
        cap: str = param(
            choices=("NONE", "MONTH"), help="Whether the damages of a month end somewhere."
        )
        cap_usd: Decimal | None = param(
            default=None, unit="USD", minimum=Decimal(0), maximum=Decimal(1_000_000_000)
        )
        price_places: int = param(
            default=4, minimum=0, maximum=8, help="Decimals of the weighted price."
        )

        def __post_init__(self) -> None:
            """Refuse a heat rate that cannot be applied, and a cap without an amount."""
            self.check_fuel()
            if (self.cap == "NONE") != (self.cap_usd is None):
                text = "cap_usd: give it exactly when there is a cap"
                raise Refused("contracts.cap", text)
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the metered fuel, its prices, and the starts where their fuel is out."""
        return Needs(
            series=(parameters.fuel,),
            prices=(parameters.gas_index,),
            facts=tuple(parameters.of_month),
            events=parameters.start_events(),
        )

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        text = (
            f"Heat-rate guarantee{words.since(context)}: for fuel beyond what the heat rate allows "
            f"the seller pays the price of {context.title(parameters.gas_index)}, weighted by use"
        )
        if parameters.cap == "MONTH":
            text += f", at most {words.dollars(parameters.cap_usd)} a month"
        return f"{text}. {heat_rate_words(parameters)}"

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """Rows for the fuel beyond the band, what a cap takes back, and the share of savings."""
        found = burned(inputs, parameters)
        rate, findings = weighted_price(
            inputs, parameters.gas_index, parameters.fuel, parameters.price_places
        )
        excess = Figure.computed(
            "excess_mmbtu", "MMBtu", "-max(0, fuel_mmbtu - most_mmbtu)", found.fuel, found.most,
            round_to=(parameters.fuel_places, Mode.HALF_UP),
        )  # fmt: skip
        rows = [Row(inputs.term.label, excess, rate)]
        if parameters.cap == "MONTH":
            cap = stated(inputs, "cap", parameters.cap_usd, "USD")
            formula = "max(0, -excess_mmbtu * gas_price - cap)"
            over = Figure.computed("over_cap", "USD", formula, excess, rate, cap)
            rows.append(Row("above the cap", once(inputs, "cap"), over))
        rows += saved_rows(inputs, parameters, found, rate)
        sheet = inputs.worksheet(
            rows, findings=(*fuel_gaps(inputs, parameters), *found.findings, *findings)
        )
        return sheet, {}
