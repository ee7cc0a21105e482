"""Capacity by what was taken in the published peaks of a power system (4CP, 5CP)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from contracts.calc import demand_words, losses, words
from contracts.calc.billing_kw import ROUNDING
from contracts.calc.checked import refuse
from contracts.calc.days import in_month
from contracts.calc.losses import LossParameters, loss_figure, loss_formula
from contracts.calc.system_peaks import (
    Peak,
    carried,
    findings_of,
    kept_on,
    known_before,
    peaks_of_period,
    season_before,
)
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import price
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import Row, Worksheet


@charge_types.register("coincident_peak@1")
class CoincidentPeak(ChargeType):
    """The average kW of the system's peaks x rate: of the month itself, or of the season before."""

    title = "Coincident peak"

    @dataclass(frozen=True, kw_only=True)
    class Parameters(LossParameters):
        """Which system, whose peaks count in which months, and what a kW costs."""

        system: str = param(help="As the events of kind system_peak@1 name it: ERCOT 4CP.")
        rate: Decimal = param(
            unit="USD/kW-month",
            minimum=Decimal(0),
            maximum=Decimal(100_000),
            help="Price of one kW for one whole month.",
        )
        counts: str = param(
            choices=("SAME_MONTH", "SEASON_BEFORE"),
            help="SAME_MONTH: the peaks of the month that is billed; SEASON_BEFORE: those of the "
            "last season that ended before the billing year.",
        )
        peaks: int = param(
            minimum=1, maximum=100, help="Peaks of the month or season; the kW are their average."
        )
        season_months: list[int] = param(
            default=(), help="With SEASON_BEFORE: months 1 to 12 in which peaks count, 6 7 8 9."
        )
        billed_from_month: int | None = param(
            default=None,
            minimum=1,
            maximum=12,
            help="With SEASON_BEFORE: first month of the billing year, 1 for January.",
        )
        kw_rounding: str = param(
            choices=tuple(demand_words.KW_ROUNDING), help="Whole kW, once, after losses."
        )
        proration: str = param(
            choices=tuple(demand_words.PART_MONTH), help="What a part month pays."
        )

        def __post_init__(self) -> None:
            """Refuse a season without its months, and months that are none."""
            price(self.rate)
            if not self.system.strip():
                refuse("system", "name the system")
            if (self.counts == "SEASON_BEFORE") != bool(self.season_months):
                refuse("season_months", "give them exactly with SEASON_BEFORE")
            if (self.counts == "SEASON_BEFORE") != (self.billed_from_month is not None):
                refuse("billed_from_month", "give it exactly with SEASON_BEFORE")
            months = list(self.season_months)
            if any(not 1 <= one <= 12 or months.count(one) > 1 for one in months):
                refuse("season_months", "each is a month 1 to 12, named once")
            super().__post_init__()

    def needs(self, parameters: Any) -> Needs:
        """Return the published peaks."""
        return Needs(systems=(parameters.system,))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        count = words.counted(parameters.peaks, "peak")
        if parameters.counts == "SAME_MONTH":
            when = f"{count} of the month"
        else:
            named = words.listed([words.MONTHS[one - 1] for one in parameters.season_months])
            begins = words.MONTHS[parameters.billed_from_month - 1]
            when = f"{count} of the last {named} before the billing year, which begins in {begins}"
        return (
            f"Coincident peak: {words.dollars(parameters.rate, 'USD/kW-month')}"
            f"{words.since(context or TermContext())} for the average kW in the peaks of "
            f"{parameters.system} as published, {when}{losses.said(parameters)}. "
            f"{demand_words.KW_ROUNDING[parameters.kw_rounding]}; "
            f"{demand_words.PART_MONTH[parameters.proration]}; the sum is rounded to cents once."
        )

    def charge(
        self, inputs: ChargeInputs, parameters: Any, carry_in: Mapping[str, Any]
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row; carries the kW of each peak, for the billing years that follow."""
        now, before = peaks_of_period(inputs, parameters.system), known_before(carry_in)
        months, counted = [inputs.period.label[:7]], now
        if parameters.counts == "SEASON_BEFORE":
            months = season_before(
                inputs.period.label, parameters.season_months, parameters.billed_from_month
            )
            counted = carried(inputs, before, months)
        findings = findings_of(inputs, parameters.system, counted, parameters.peaks, months)
        complete = len(counted) == parameters.peaks
        kw = self._billed(inputs, parameters, counted if complete else [])
        sheet = Worksheet(
            inputs.term.label,
            (self._row(inputs, parameters, kw),),
            figures=(kw,),
            findings=tuple(findings),
            rounding=inputs.rounding,
            line_per="CHARGE",
        )
        kept = kept_on(before, now, inputs)
        return sheet, {"kw": kept} if kept else {}

    @staticmethod
    def _billed(inputs: ChargeInputs, parameters: Any, peaks: list[Peak]) -> Figure:
        """Return the average of the peaks, with losses, rounded; empty while one is not known."""
        mode = ROUNDING.get(parameters.kw_rounding)
        rounding = None if mode is None else (0, mode)
        if not peaks:
            return Figure("billing_kw", None, "kW", note="a peak is not known")
        each = [replace(one.kw, name=f"kw_{one.start_utc:%Y%m%d%H%M}") for one in peaks]
        text = f"({' + '.join(one.name for one in each)}) / {len(each)}"
        average = Figure.computed("average_kw", "kW", text, *each)
        if not parameters.loss_ratio:
            return Figure.computed("billing_kw", "kW", average.name, average, round_to=rounding)
        formula = loss_formula(parameters, average.name)
        loss = loss_figure(inputs, parameters)
        return Figure.computed("billing_kw", "kW", formula, average, loss, round_to=rounding)

    @staticmethod
    def _row(inputs: ChargeInputs, parameters: Any, kw: Figure) -> Row:
        rate = Figure("rate", parameters.rate, "USD/kW-month", inputs.term.source("rate"))
        days, month_days = in_month(inputs)
        if days == month_days or parameters.proration == "FULL_MONTH":
            return Row(inputs.term.label, kw, rate)
        source = Source("input", inputs.period.label, f"days in force of {month_days}")
        held = Figure("days", Decimal(days), "count", source)
        kw_days = Figure.computed("kw_days", "kW-day", "billing_kw * days", kw, held)
        return Row(inputs.term.label, kw_days, rate, unit_divisor=Decimal(month_days))
