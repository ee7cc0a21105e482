"""What is missing to a minimum bill, over the lines that count towards it (MIN_BILL)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.days import in_month
from contracts.charges._base import (
    ChargeInputs,
    ChargeType,
    PricedLine,
    TermContext,
    charge_types,
)
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
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
            if not self.lines:
                raise Refused("contracts.no_lines", "lines: name at least one line that counts")
            twice = sorted({code for code in self.lines if self.lines.count(code) > 1})
            if twice:
                raise Refused("contracts.line_twice", f"lines: {twice[0]} is named twice")

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
        counted = [self._line(inputs, code) for code in sorted(parameters.lines)]
        figures = tuple(
            Figure(
                f"line_{line.line_code}",
                line.amount_usd,
                "USD",
                Source("line", str(line.line_code), f"line {line.line_code}, {line.label}"),
            )
            for line in counted
        )
        minimum = self._minimum(inputs, parameters)
        counts = " - ".join(["minimum", *(figure.name for figure in figures)])
        top_up = Figure.computed("top_up", "USD", f"max(0, {counts})", minimum, *figures)
        once = Figure("bills", Decimal(1), "count", inputs.term.source("minimum bill"))
        sheet = Worksheet(
            inputs.term.label,
            (Row(inputs.term.label, once, top_up),),
            findings=tuple(
                self._empty(inputs, line) for line in counted if line.amount_usd is None
            ),
            rounding=inputs.rounding,
            line_per="CHARGE",
        )
        return sheet, {}

    @staticmethod
    def _line(inputs: ChargeInputs, code: int) -> PricedLine:
        """Return the line of a code. Refused when the version has none before this one."""
        for line in inputs.lines:
            if line.line_code == code:
                return line
        known = ", ".join(str(line.line_code) for line in inputs.lines) or "none"
        raise Refused(
            "contracts.line_unknown",
            f"no line {code} comes before line {inputs.term.line_code}; known: {known}",
            line=code,
        )

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

    @staticmethod
    def _empty(inputs: ChargeInputs, line: PricedLine) -> Finding:
        return Finding(
            "contracts.line_empty",
            f"line {line.line_code} '{line.label}' has no amount yet, and it counts",
            where=f"{inputs.term.contract} line {inputs.term.line_code}",
            fix=f"Bring in what line {line.line_code} misses.",
        )
