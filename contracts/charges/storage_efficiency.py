"""Damages for a battery that lost more energy than was guaranteed."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.storage import CHARGE, DISCHARGE, STATE, round_trip
from contracts.calc.totals import stated
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.fixed import price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.worksheet import Row, Worksheet


@charge_types.register("storage_efficiency@1")
class StorageEfficiency(ChargeType):
    """The energy that is missing to the guaranteed round-trip efficiency, as a credit."""

    title = "Storage efficiency"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """The guarantee and the price of the energy that was lost beyond it."""

        guaranteed_rte: Decimal = param(
            unit="ratio", minimum=Decimal(0), maximum=Decimal(1), help="For example 0.86."
        )
        price: Decimal = param(
            unit="USD/MWh",
            minimum=Decimal(0),
            maximum=Decimal(100_000),
            help="Price of the charging energy.",
        )
        quantity_places: int = param(
            default=3, minimum=0, maximum=6, help="Decimals of the missing MWh."
        )
        charge: str = param(default=CHARGE, help="Quantity that was charged.")
        discharge: str = param(default=DISCHARGE, help="Quantity that was discharged.")

        def __post_init__(self) -> None:
            """Refuse a price that fixed point cannot hold."""
            price(self.price)

    def needs(self, parameters: Any) -> Needs:
        """Return charge, discharge and the states of charge."""
        return Needs(series=(parameters.charge, parameters.discharge), events=(STATE,))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        places = words.rounding(parameters.quantity_places, "MWh", "CHARGE")
        return (
            f"Storage efficiency: {words.percent(parameters.guaranteed_rte)} of the charged energy "
            f"comes back{words.since(context or TermContext())}; a missing MWh costs the seller "
            f"{words.dollars(parameters.price)}. {places}"
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row: what is missing to the guarantee, as a credit."""
        found = round_trip(inputs, parameters.charge, parameters.discharge)
        missing = Figure.computed(
            "missing_mwh",
            "MWh",
            "max(0, guaranteed_rte * charged_mwh - (discharged_mwh + end_mwh - start_mwh))",
            stated(inputs, "guaranteed_rte", parameters.guaranteed_rte, "ratio"),
            found.charged,
            found.discharged,
            found.end,
            found.start,
            round_to=(parameters.quantity_places, Mode.HALF_UP),
        )
        rate = stated(inputs, "price", -parameters.price, "USD/MWh", "price of the lost energy")
        sheet = inputs.worksheet((Row(inputs.term.label, missing, rate),), findings=found.findings)
        return sheet, {}
