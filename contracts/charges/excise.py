"""A tax per kWh delivered, in steps of the month's energy (TAX)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from contracts.calc import words
from contracts.calc.days import in_month
from contracts.calc.energy import QuantityParameters, missing_finding, quantity_figures
from contracts.charges._base import ChargeInputs, ChargeType, TermContext, charge_types
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import Row, Worksheet

MOST_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class ExciseStep:
    """A step of the month's kWh: from the end of the step before up to its own end."""

    up_to_kwh: Decimal | None = param(
        default=None, unit="kWh", minimum=Decimal(0), help="Empty in the last step."
    )
    rate: Decimal = param(unit="USD/kWh", minimum=Decimal(0), maximum=Decimal(1_000))

    def __post_init__(self) -> None:
        """Refuse a rate that fixed point cannot hold."""
        price(self.rate)


@charge_types.register("excise@1")
class Excise(ChargeType):
    """Each kWh at the rate of the step it falls into; what was not delivered is not taxed."""

    title = "Excise per kWh"

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """The steps, what a part month does to them, and the decimals of the taxed kWh."""

        steps: list[ExciseStep] = param(help="In order, the last one without an end.")
        part_month: str = param(
            choices=("DAYS", "WHOLE"),
            help="DAYS: in a part month the steps end at their days over the days of the month; "
            "WHOLE: at their whole kWh.",
        )
        quantity_places: int = param(
            default=0, minimum=0, maximum=6, help="Decimals of the kWh that are taxed."
        )

        def __post_init__(self) -> None:
            """Refuse steps that do not rise or do not end open."""
            _check_steps([step.up_to_kwh for step in self.steps])

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        said, below = [], Decimal(0)
        for step in parameters.steps:
            rate = words.dollars(step.rate, "USD/kWh")
            if step.up_to_kwh is None:
                said.append(f"{rate} above that" if below else f"{rate} delivered")
            else:
                which = "next" if below else "first"
                said.append(f"{rate} for the {which} {words.number(step.up_to_kwh - below)} kWh")
                below = step.up_to_kwh
        part = (
            "In a part month the steps are shortened to its days"
            if parameters.part_month == "DAYS"
            else "In a part month the steps stay whole"
        )
        places = words.counted(parameters.quantity_places, "place")
        return (
            f"Excise: {words.listed(said)}{words.since(context or TermContext())}, by the energy "
            f"of the month. {part}; the energy is rounded to {places} of a kWh, the sum to cents "
            "once."
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per step that the month's energy reaches."""
        series = inputs.quantity()
        terms = QuantityParameters(price_unit="USD/kWh", quantity_places=parameters.quantity_places)
        energy = quantity_figures(inputs, series, None, terms)
        missing = missing_finding(inputs, series)
        rows, below = [], Decimal(0)
        for at, step in enumerate(parameters.steps):
            floor = self._bound(inputs, parameters, "from_kwh", below)
            if at and energy.value is not None and energy.value <= floor.value:
                break
            top = None
            if step.up_to_kwh is not None:
                top = self._bound(inputs, parameters, "up_to_kwh", step.up_to_kwh)
            rate = Figure("rate", step.rate, "USD/kWh", inputs.term.source(f"step {at + 1}"))
            label = f"{inputs.term.label}, step {at + 1}"
            rows.append(Row(label, _inside(energy, floor, top), rate))
            below = step.up_to_kwh if step.up_to_kwh is not None else below
        sheet = inputs.worksheet(rows, findings=(missing,) if missing else ())
        return sheet, {}

    @staticmethod
    def _bound(inputs: ChargeInputs, parameters: Any, name: str, kwh: Decimal) -> Figure:
        """Return the end of a step, shortened to the days of a part month where agreed."""
        agreed = Figure(name, kwh, "kWh", inputs.term.source("end of the step"))
        if parameters.part_month == "WHOLE" or inputs.is_whole_period() or not kwh:
            return agreed
        days, month_days = in_month(inputs)
        source = Source("input", inputs.period.label, f"days in force, of {month_days}")
        whole = Figure(f"{name}_month", kwh, "kWh", inputs.term.source("end of the step"))
        counted = Figure("days", Decimal(days), "count", source)
        return Figure.computed(name, "kWh", f"{whole.name} * days / {month_days}", whole, counted)


def _inside(energy: Figure, floor: Figure, top: Figure | None) -> Figure:
    """Return the kWh that fall into one step; a month below zero stays in the first one."""
    whole, first = energy.name, not floor.value
    if top is None:
        formula = whole if first else f"max({whole} - from_kwh, 0)"
        parts = (energy,) if first else (energy, floor)
    else:
        formula = f"min({whole}, up_to_kwh)" + ("" if first else " - from_kwh")
        formula = formula if first else f"max({formula}, 0)"
        parts = (energy, top) if first else (energy, top, floor)
    return Figure.computed("step_kwh", "kWh", formula, *parts)


def _check_steps(ends: list[Decimal | None]) -> None:
    if not ends or len(ends) > MOST_STEPS:
        text = f"steps: give 1 to {MOST_STEPS} steps, not {len(ends)}"
        raise Refused("contracts.steps", text)
    if ends[-1] is not None:
        text = f"steps: the last one ends at {ends[-1]} kWh; leave its end empty"
        raise Refused("contracts.steps", text)
    for number, (low, high) in enumerate(pairwise(ends), start=1):
        if low is None:
            text = f"steps: step {number} has no end, so step {number + 1} is never reached"
            raise Refused("contracts.steps", text)
        if high is not None and high <= low:
            text = f"steps: step {number} ends at {low} kWh, step {number + 1} at {high} kWh"
            raise Refused("contracts.steps", text)
