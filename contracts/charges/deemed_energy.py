"""Energy that the buyer's orders kept back, paid as if it had been delivered (DEEMED)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from contracts.calc import words
from contracts.calc.deemed import ORDER, Deemed, deemed, deemed_mwh, gap
from contracts.calc.of_month import OfMonthParameters, number_of, said, unknown
from contracts.calc.totals import stated
from contracts.calc.years import kept, sums_of, whole, year_parts
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import MICRO, price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.worksheet import Row, Worksheet

Span = tuple[datetime, datetime]


@charge_types.register("deemed_energy@1")
class DeemedEnergy(ChargeType):
    """Potential less metered energy of ordered intervals, beyond a free allowance, at a price."""

    title = "Deemed energy"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(OfMonthParameters):
        """Whose orders are paid, what is free, and what a MWh that was kept back is worth."""

        MAY_STATE = {"deemed_mwh": True}

        ordered_by: str = param(
            choices=("BUYER", "BUYER_AND_GRID"), help="Whose curtailment orders are paid for."
        )
        price: Decimal = param(
            unit="USD/MWh",
            minimum=Decimal(-100_000),
            maximum=Decimal(100_000),
            help="Price of the energy.",
        )
        tax_credit: Decimal = param(
            unit="USD/MWh",
            minimum=Decimal(0),
            maximum=Decimal(100_000),
            help="Tax credit that is lost with a MWh; 0 for none.",
        )
        gross_up: str = param(
            choices=("NONE", "BY_TAX_RATIO"),
            help="BY_TAX_RATIO: the payment for the credit is divided by 1 less tax_ratio, because "
            "it is taxed and the credit was not.",
        )
        tax_ratio: Decimal = param(
            default=Decimal(0), unit="ratio", minimum=Decimal(0), maximum=Decimal("0.99")
        )
        allowance_unit: str = param(
            choices=("NONE", "MWH", "HOURS"), help="In what the free allowance is counted."
        )
        allowance: Decimal = param(
            default=Decimal(0),
            minimum=Decimal(0),
            maximum=Decimal(1_000_000_000),
            help="MWh or hours that are free, the first ones first.",
        )
        allowance_per: str = param(
            choices=("MONTH", "CONTRACT_YEAR"), help="When the allowance begins anew."
        )
        potential: str = param(
            default="potential", help="Quantity that says what could have been produced."
        )
        quantity_places: int = param(
            default=3, minimum=0, maximum=6, help="Decimals of the MWh that are paid."
        )
        price_places: int = param(
            default=4, minimum=0, maximum=8, help="Decimals of the price with the credit."
        )

        def __post_init__(self) -> None:
            """Refuse an allowance without a unit, and a tax ratio that has no use."""
            price(self.price)
            if (self.allowance_unit == "NONE") != (self.allowance == 0):
                text = "allowance: give it exactly when it has a unit"
                raise Refused("contracts.allowance", text)
            if (self.gross_up == "NONE") != (self.tax_ratio == 0):
                text = "tax_ratio: give it exactly when the credit is grossed up"
                raise Refused("contracts.gross_up", text)
            if self.of_month and self.allowance_unit == "HOURS":
                text = "allowance_unit: deemed_mwh of a month has no hours; count in MWH"
                raise Refused("contracts.allowance", text)
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the potential energy and the orders, or the energy that the month states."""
        if parameters.of_month:
            return Needs(facts=tuple(parameters.of_month))
        return Needs(series=(parameters.potential,), events=(ORDER,))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        who = "the buyer" if parameters.ordered_by == "BUYER" else "the buyer or the grid"
        text = (
            f"Deemed energy: {words.dollars(parameters.price, 'USD/MWh')}"
            f"{words.since(context or TermContext())}"
        )
        if parameters.tax_credit:
            text += f" and {words.dollars(parameters.tax_credit)} for the lost tax credit"
            if parameters.gross_up == "BY_TAX_RATIO":
                text += f", grossed up for {words.percent(parameters.tax_ratio)} tax,"
        text += f" for what could have been produced and was not because {who} ordered it"
        if parameters.allowance_unit != "NONE":
            unit = {"MWH": "MWh", "HOURS": "hours"}[parameters.allowance_unit]
            per = {"MONTH": "month", "CONTRACT_YEAR": "contract year"}[parameters.allowance_per]
            text += f"; the first {words.number(parameters.allowance)} {unit} of a {per} are free"
        places = words.rounding(parameters.quantity_places, "MWh", "CHARGE")
        return f"{text}.{said(parameters)} {places}"

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per contract year in the period; empty while an ordered interval is."""
        yearly = parameters.allowance_per == "CONTRACT_YEAR" and parameters.allowance_unit != "NONE"
        carry, rows, findings = dict(carry_in), [], []
        figures: list[Figure] = []
        for part in year_parts(inputs) if yearly else [whole(inputs)]:
            span = (part.start_utc, part.end_utc)
            found, whole_mwh = self._kept_back(inputs, parameters, span, findings)
            used = sums_of(carry if yearly else {}, part.year, ("used",))["used"]
            paid, used = self._paid(parameters, found, whole_mwh, used)
            if whole_mwh.value is not None:
                findings += self._unknown(inputs, used)
            rows.append(Row(inputs.term.label, paid, self._rate(inputs, parameters)))
            figures.append(self._left(inputs, parameters, used))
            carry = kept(part.year, {"used": used}) if yearly and not part.ends else {}
        sheet = inputs.worksheet(
            rows, figures=figures if parameters.allowance_unit != "NONE" else (), findings=findings
        )
        return sheet, carry

    @staticmethod
    def _kept_back(
        inputs: ChargeInputs, parameters: Any, span: Span, findings: list[Finding]
    ) -> tuple[Deemed | None, Figure]:
        """Return the deemed energy, by interval where it is not stated; adds what is missing."""
        if parameters.of_month:
            wanted = Figure("deemed_mwh", None, "MWh")
            whole_mwh = number_of(inputs, parameters, wanted, span)
            findings += unknown(inputs, parameters, whole_mwh)
            return None, whole_mwh
        found = deemed(inputs, parameters.potential, parameters.ordered_by, span)
        findings += gap(inputs, found, parameters.potential)
        return found, deemed_mwh(inputs, parameters.potential, found)

    def _paid(
        self, parameters: Any, found: Deemed | None, whole_mwh: Figure, used: Decimal | None
    ) -> tuple[Figure, Decimal | None]:
        """Return the MWh that are paid, and how much of the allowance is used afterwards."""
        free, used = self._free(parameters, found, whole_mwh, used)
        source = Source("carry", "", "what is left of the free allowance")
        unknown = "" if free is not None else "the allowance that is left is not known"
        free_mwh = Figure("free_mwh", free, "MWh", source, note=unknown)
        paid = Figure.computed(
            "paid_mwh",
            "MWh",
            "max(0, deemed_mwh - free_mwh)",
            whole_mwh,
            free_mwh,
            round_to=(parameters.quantity_places, Mode.HALF_UP),
        )
        return paid, used

    @staticmethod
    def _free(
        parameters: Any, found: Deemed | None, total_mwh: Figure, used: Decimal | None
    ) -> tuple[Decimal | None, Decimal | None]:
        """Return the free MWh and the allowance used after them, in its own unit."""
        if parameters.allowance_unit == "NONE":
            return Decimal(0), Decimal(0)
        if used is None or total_mwh.value is None:
            return None, None
        left = max(parameters.allowance - used, Decimal(0))
        if found is None or parameters.allowance_unit == "MWH":
            free = min(left, total_mwh.value)
            return free, used + free
        ordered = np.flatnonzero(found.ordered)
        each = Decimal(found.grid.minutes) / 60
        hours = min(left, ordered.size * each)
        count = int(hours // each)
        free_micro = Decimal(exact.total(found.values[ordered[:count]]))
        rest = hours - count * each
        if rest:  # the allowance ends inside an interval
            free_micro += int(found.values[ordered[count]]) * rest / each
        return free_micro / MICRO / 1000, used + hours

    @staticmethod
    def _rate(inputs: ChargeInputs, parameters: Any) -> Figure:
        energy = stated(inputs, "price", parameters.price, "USD/MWh")
        if not parameters.tax_credit:
            return energy
        credit = stated(inputs, "tax_credit", parameters.tax_credit, "USD/MWh")
        parts, formula = [energy, credit], "price + tax_credit"
        if parameters.gross_up == "BY_TAX_RATIO":
            parts.append(stated(inputs, "tax_ratio", parameters.tax_ratio, "ratio"))
            formula = "price + tax_credit / (1 - tax_ratio)"
        return Figure.computed(
            "rate", "USD/MWh", formula, *parts, round_to=(parameters.price_places, Mode.HALF_UP)
        )

    @staticmethod
    def _left(inputs: ChargeInputs, parameters: Any, used: Decimal | None) -> Figure:
        left = None if used is None else max(parameters.allowance - used, Decimal(0))
        unit = {"MWH": "MWh", "HOURS": "h", "NONE": ""}[parameters.allowance_unit]
        return Figure("allowance_left", left, unit, inputs.term.source("free allowance left"))

    @staticmethod
    def _unknown(inputs: ChargeInputs, used: Decimal | None) -> list[Finding]:
        if used is not None:
            return []
        return [
            Finding(
                "contracts.sum_unknown",
                "the free allowance that is left is not known: an earlier month lacks readings",
                where=f"{inputs.term.contract} line {inputs.term.line_code}",
                fix="Bring in the readings of that month and calculate it and this one again.",
            )
        ]
