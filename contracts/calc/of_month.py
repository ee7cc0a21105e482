"""Numbers that a term takes from a document of each month instead of working them out itself.

A guaranteed heat rate that is corrected for the weather of the month, hours of outage as the
operator's report counts them, deemed energy as it was agreed: the term names such numbers in
`of_month`, and each month states them as events of kind month_number@1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from contracts.calc import words
from contracts.calc.checked import Checked, refuse
from contracts.calc.facts import fact_figure, finding_of
from contracts.charges._base import ChargeInputs
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import param

TURNS = "the contract year turns inside the month, and it cannot be given to one of the two years"


@dataclass(frozen=True, kw_only=True)
class OfMonthParameters(Checked):
    """The part of a clause that says which of its numbers a document states for each month.

    `MAY_STATE` are their names, and whether a number adds up over days as a volume does.
    """

    MAY_STATE: ClassVar[Mapping[str, bool]] = {}

    of_month: list[str] = param(
        default=(),
        help="Names of numbers that a document states for each month (events of kind "
        "month_number@1) instead of this term, its meters or other events; none: all as said here.",
    )

    def __post_init__(self) -> None:
        """Refuse a name that the term does not read, and one that stands there twice."""
        for name in self.of_month:
            if name not in self.MAY_STATE:
                known = ", ".join(sorted(self.MAY_STATE))
                refuse("of_month", f"'{name}' is not one of {known}")
            if list(self.of_month).count(name) > 1:
                refuse("of_month", f"{name} is named twice")
        super().__post_init__()


def number_of(
    inputs: ChargeInputs,
    terms: OfMonthParameters,
    figure: Figure,
    span: tuple[datetime, datetime] | None = None,
) -> Figure:
    """Return the number of the month where the term names it, else the figure as it is.

    `span` is the time that the figure is for; a number of the month cannot be cut into parts.
    """
    if figure.name not in terms.of_month:
        return figure
    if span is not None and span != inputs.window():
        return Figure(figure.name, None, figure.unit, note=TURNS)
    adds_up = terms.MAY_STATE[figure.name]
    return fact_figure(inputs, figure.name, figure.unit, adds_up=adds_up)


def unknown(inputs: ChargeInputs, terms: OfMonthParameters, *figures: Figure) -> list[Finding]:
    """Return a blocking finding per number of the month that nobody stated."""
    named = (figure for figure in figures if figure.name in terms.of_month)
    found = (finding_of(inputs, figure) for figure in named)
    return [finding for finding in found if finding is not None]


def said(terms: OfMonthParameters) -> str:
    """Return in words what is stated each month, as a sentence to follow others; may be empty.

    >>> said(OfMonthParameters())
    ''
    """
    if not terms.of_month:
        return ""
    return f" Stated by a document each month: {words.listed(list(terms.of_month))}."
