"""What is missing to a minimum bill, over the lines that count towards it (MIN_BILL)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.days import in_month
from contracts.calc.lower_lines import check_codes, empty_lines, line_figure, lower_line
from contracts.charges._base import ChargeInputs, ChargeType, TermContext, charge_types
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import Row, Worksheet


@charge_types.register("minimum_bill@1")
class MinimumBill(ChargeType):
    """The larger of zero and the minimum less the lines that it names."""

    title = "Minimum bill"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """The minimum, which lines count, and what a part month owes."""

        minimum: Decimal = param(
            unit="USD", minimum=Decimal(0), maximum=Decimal(1_000_000_000), help="For a month."
        )
        lines: list[int] = param(
            help="Codes of the lines that count, for example 10, 20, 40. Taxes, credits and "
            "damages count only where they are named."
        )
        part_month: str = param(
            choices=("DAYS", "WHOLE"),
            help="DAYS: a part month owes its days over the days of the month; WHOLE: the whole "
            "minimum.",
        )

        def __post_init__(self) -> None:
            """Refuse no line, and a line that is named twice."""
            check_codes(self.lines)

    def reads_lines(self, parameters: Any) -> tuple[int, ...]:
        """Return the lines that count."""
        return tuple(parameters.lines)

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        codes = words.listed(str(code) for code in sorted(parameters.lines))
        part = (
            "A part month owes its days over the days of the month"
            if parameters.part_month == "DAYS"
            else "A part month owes the whole minimum"
        )
        return (
            f"Minimum bill: {words.dollars(parameters.minimum)} a month"
            f"{words.since(context or TermContext())}. When the printed amounts of lines {codes} "
            f"come to less, the difference is billed. {part}."
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row: minimum less what counts, never below zero; empty while a line is."""
        inputs.window()
        counted = [lower_line(inputs, code) for code in sorted(parameters.lines)]
        figures = tuple(line_figure(line) for line in counted)
        minimum = self._minimum(inputs, parameters)
        counts = " - ".join(["minimum", *(figure.name for figure in figures)])
        top_up = Figure.computed("top_up", "USD", f"max(0, {counts})", minimum, *figures)
        once = Figure("bills", Decimal(1), "count", inputs.term.source("minimum bill"))
        sheet = inputs.worksheet(
            (Row(inputs.term.label, once, top_up),), findings=empty_lines(inputs, counted)
        )
        return sheet, {}

    @staticmethod
    def _minimum(inputs: ChargeInputs, parameters: Any) -> Figure:
        agreed = Figure("minimum", parameters.minimum, "USD", inputs.term.source("minimum"))
        if parameters.part_month == "WHOLE" or inputs.is_whole_period():
            return agreed
        days, month_days = (Decimal(number) for number in in_month(inputs))
        source = Source("input", inputs.period.label, f"days in force, of {month_days}")
        whole = Figure("minimum_month", parameters.minimum, "USD", inputs.term.source("minimum"))
        return Figure.computed(
            "minimum",
            "USD",
            f"minimum_month * days / {month_days}",
            whole,
            Figure("days", days, "count", source),
        )
