"""A contract formula: one line of arithmetic over named determinants, for what no type covers."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.determinants import Determinant, Reading, common_grid, read
from contracts.calc.formula_units import check_unit
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel import formula as formulas
from poweroptix.kernel.canonical import digest_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.formula_columns import Column, evaluate_columns
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import display
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet

MOST_NAMES = 40
#: Ten million million dollars: nothing that is billed, and well inside the columns of a line.
MOST_USD = Decimal(10) ** 13
TAKEN = {
    "SUM": "the sum",
    "MAX": "the highest interval",
    "MIN": "the lowest interval",
    "AVERAGE": "the average",
    "EACH": "each interval",
}
SPOKEN = {"delivered": "the energy", "metered": "the metered energy"}


@charge_types.register("formula@1")
class Formula(ChargeType):
    """The formula in dollars: once over the days billed, or in every interval and summed."""

    title = "Contract formula"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """The formula and what its names stand for."""

        formula: str = param(
            help="One line of + - * / ( ) and min, max, abs, round, clip; its result is in USD. "
            "With a name taken EACH it is computed in every interval, and the sum is billed."
        )
        names: list[Determinant] = param(help="What the names of the formula stand for.")

        def __post_init__(self) -> None:
            """Refuse a formula that is not safe, not in money, or has names of its own."""
            try:
                _check(self.formula, self.names)
            except Refused as error:
                where = "names" if error.code == "contracts.determinant" else "formula"
                finding = Finding(error.code, error.message, where=where)
                raise Refused(error.code, error.message, findings=[finding]) from error

    def needs(self, parameters: Any) -> Needs:
        """Return the series, prices and facts that the names stand for."""

        def of(kind: str) -> tuple[str, ...]:
            return tuple(one.of for one in parameters.names if one.kind == kind)

        return Needs(series=of("SERIES"), prices=of("INDEX"), facts=of("FACT"))

    def reads_lines(self, parameters: Any) -> tuple[int, ...]:
        """Return the lines that the names stand for."""
        return tuple(int(one.of) for one in parameters.names if one.kind == "LINE")

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        context = context or TermContext()
        by_interval = any(one.is_each for one in parameters.names)
        said = "; ".join(_said(one, context) for one in parameters.names)
        how = "computed in every interval and summed" if by_interval else "computed once"
        return (
            f"Formula: {formulas.display(parameters.formula)}, in dollars{words.since(context)}, "
            f"{how}, where {said}. The sum is rounded to cents once."
        )

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row: the formula over the days in force, or the exact sum of all intervals."""
        inputs.window()
        grid = common_grid(inputs, parameters.names)
        readings = {one.name: read(inputs, one, grid) for one in parameters.names}
        row = (
            _once(inputs, parameters, readings)
            if grid is None
            else _by_interval(inputs, parameters, readings, grid)
        )
        if row.exact_usd is not None and abs(row.exact_usd) > MOST_USD:
            text = f"the formula comes to {row.exact_usd:.3E} USD; a bill holds {MOST_USD:.0E}"
            raise Refused("contracts.formula_range", text)
        sheet = inputs.worksheet(
            (row,),
            figures=(one.figure for one in readings.values()),
            findings=(found for one in readings.values() for found in one.findings),
        )
        return sheet, {}


def _check(formula: str, names: list[Determinant]) -> None:
    """Refuse a formula or names that cannot be computed."""
    given = [one.name for one in names]
    if not given or len(given) > MOST_NAMES:
        text = f"give 1 to {MOST_NAMES} names, not {len(given)}"
        raise Refused("contracts.determinant", text)
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise Refused("contracts.determinant", f"{twice[0]} is named twice")
    formulas.check(formula, given)
    used = formulas.names_in(formula)
    idle = [name for name in given if name not in used]
    if idle:
        text = f"{idle[0]} does not stand in the formula; take it out or use it"
        raise Refused("contracts.determinant", text)
    check_unit(formula, {one.name: one.unit for one in names})
    _check_divisors(formula, {one.name: one.value for one in names if one.kind == "CONSTANT"})


def _check_divisors(formula: str, constants: Mapping[str, Decimal | None]) -> None:
    """Refuse a division by what agreed numbers alone make zero: no month could be priced."""
    for node in ast.walk(formulas.tree_of(formula)):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
            continue
        divisor = ast.unparse(node.right)
        is_agreed = set(formulas.names_in(divisor)) <= constants.keys()
        if is_agreed and formulas.evaluate(divisor, constants) == 0:
            text = f"it divides by {divisor}, which is always 0; give another value"
            raise Refused("formula.division_by_zero", text)


def _said(one: Determinant, context: TermContext) -> str:
    """Return what a name stands for, in words."""
    if one.kind == "CONSTANT":
        value = (
            words.dollars(one.value, one.unit)
            if one.unit.startswith("USD")
            else f"{words.number(one.value)} {one.unit}"
        )
        return f"{one.name} is {value}"
    if one.kind == "LINE":
        return f"{one.name} is line {one.of}"
    unit = one.unit.replace("USD/", "dollars per ")
    if one.kind == "FACT":
        return f"{one.name} is the {one.of.replace('_', ' ')} of the month in {unit}"
    what = SPOKEN.get(one.of, f"“{one.of}”") if one.kind == "SERIES" else context.title(one.of)
    return f"{one.name} is {TAKEN[one.take]} of {what} in {unit}"


def _once(inputs: ChargeInputs, parameters: Any, readings: Mapping[str, Reading]) -> Row:
    """Return the formula over numbers as the quantity, in dollars, billed once."""
    figures = [one.figure for one in readings.values()]
    amount = Figure.computed("formula_usd", "USD", parameters.formula, *figures)
    once = Figure("times", Decimal(1), "ratio", inputs.term.source("formula"))
    return Row(inputs.term.label, amount, once)


def _by_interval(
    inputs: ChargeInputs, parameters: Any, readings: Mapping[str, Reading], grid: Grid
) -> IntervalRow | Row:
    """Return the exact sum of the formula over all intervals."""
    label, formula = inputs.term.label, parameters.formula
    single = [one.figure for one in readings.values() if one.column is None]
    evidence = next(
        (one.figure.source for one in readings.values() if _is_read(one)),
        Source("input", inputs.period.label, "intervals of the prices"),
    )
    count = Figure("intervals", Decimal(grid.count), "count", evidence)
    if any(one.figure.value is None and one.column is None for one in readings.values()):
        rate = Figure("average_usd", None, "USD", inputs.term.source("formula"), note="not known")
        return Row(label, count, rate)
    values: dict[str, Column | Decimal] = {
        name: one.figure.value if one.column is None else one.column
        for name, one in readings.items()
    }

    def where(at: int) -> str:
        return f"the interval that begins {grid.start_of(at):%Y-%m-%d %H:%M} UTC"

    total = evaluate_columns(formula, values, where).total()
    average = display(total / grid.count, 6)
    note = "the formula in every interval; the average is for display"
    rate = Figure("average_usd", average, "USD", None, formula, tuple(single), note)
    digests = {f"of {name}": one.digest for name, one in readings.items() if one.column is not None}
    digests["prices"] = _basis(formula, readings)
    return IntervalRow(
        label, count, rate, total.numerator, total.denominator, grid.to_json(), digests
    )


def _is_read(one: Reading) -> bool:
    return one.column is not None and one.figure.source.kind == "readings"


def _basis(formula: str, readings: Mapping[str, Reading]) -> str:
    """Return what tells two runs with the same prices apart from two with others."""
    priced = {
        name: one.digest if one.column is not None else str(one.figure.value)
        for name, one in readings.items()
        if one.figure.source.kind != "readings"
    }
    return digest_of({"formula": formula, "names": priced})
