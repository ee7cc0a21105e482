"""A number of one month that neither meters nor prices give."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.events._base import MONTH_NUMBER, EventKind, event_kinds
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param


@event_kinds.register(MONTH_NUMBER)
class MonthNumber(EventKind):
    """What a report or statement says of a settlement month, or of whole days of it.

    A term reads it by its name. It takes the place of the number of that name that the contract
    version states for all months; one for a line, that of the month for that line alone.
    """

    title = "Number of a month"
    is_alone = True
    by_days = True

    @dataclass(frozen=True, kw_only=True)
    class Values:
        """The number, by the name that terms read, and the document that states it."""

        name: str = param(help="As the terms name it, for example availability_ratio.")
        number: Decimal = param(
            minimum=Decimal(-10_000_000_000),
            maximum=Decimal(10_000_000_000),
            help="In the unit that the name ends with: 0.97 is a ratio of 97 %.",
        )
        document: str = param(help="Report, statement or certificate that says so, with its date.")
        line_code: int | None = param(
            default=None,
            minimum=10,
            maximum=99,
            help="The line that it is for; empty: every line that reads the name.",
        )

        def __post_init__(self) -> None:
            """Refuse a number that nobody can find or prove."""
            for field in ("name", "document"):
                if not getattr(self, field).strip():
                    raise Refused("contracts.month_number", f"{field}: is required")

    def sentence(self, values: Any) -> str:
        """Return what was recorded in plain words."""
        line = f", line {values.line_code}" if values.line_code is not None else ""
        return f"{values.name} {words.number(values.number)}{line}: {values.document}"

    def about(self, values: Mapping[str, str]) -> str:
        """Return the name and the line: only equal ones exclude each other."""
        return f"{values.get('name')} {values.get('line_code', '')}"
