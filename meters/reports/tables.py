"""A report as titled tables of plain cells: page, paper, CSV and JSON are made from these alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from poweroptix.kernel import rounding
from poweroptix.kernel.rounding import display
from poweroptix.pages.templatetags.po import moment_text

Cell = str | int | Decimal | Fraction | datetime | None
ABSENT, MINUS = "–", "−"


@dataclass(frozen=True)
class Column:
    """A column: its heading and how its cells are written.

    `kind` is text, count, share (a ratio written as %), energy (three decimals), number (one
    decimal) or moment. `is_key` marks what names the row.
    """

    label: str
    kind: str = "text"
    unit: str = ""
    is_key: bool = False

    @property
    def is_number(self) -> bool:
        """Whether the cells are set to the right."""
        return self.kind in {"count", "share", "energy", "number"}

    def text(self, cell: Cell, zone: str) -> str:
        """Return a cell as people read it; what is unknown is a dash, never zero."""
        if cell is None or cell == "":
            return ABSENT
        if isinstance(cell, datetime):
            return moment_text(cell, zone)
        if self.kind == "share":
            return share(Fraction(cell))
        if self.is_number:
            places = {"count": 0, "energy": 3, "number": 1}[self.kind]
            return f"{display(_number(cell), places):,}".replace("-", MINUS)
        return str(cell)

    def exact(self, cell: Cell) -> str:
        """Return a cell as programs read it: no grouping, instants with offset, ratios to 1e-6."""
        if cell is None:
            return ""
        if isinstance(cell, datetime):
            return cell.isoformat()
        if isinstance(cell, Fraction):
            return f"{rounding.to_places(cell, 6):f}"
        return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


@dataclass(frozen=True)
class Table:
    """One titled table; `note` says what its figures are, `empty` what it means without rows."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    empty: str = "None in this month."
    foot: tuple[Cell, ...] | None = None

    def written(self, zone: str) -> list[list[tuple[Column, str]]]:
        """Return the rows as people read them."""
        return [self._written(row, zone) for row in self.rows]

    def written_foot(self, zone: str) -> list[tuple[Column, str]]:
        """Return the total as people read it."""
        return [] if self.foot is None else self._written(self.foot, zone)

    def _written(self, row: Sequence[Cell], zone: str) -> list[tuple[Column, str]]:
        return [
            (column, column.text(cell, zone))
            for column, cell in zip(self.columns, row, strict=True)
        ]


def share(ratio: Fraction, places: int = 2) -> str:
    """Return a ratio as per cent; a part never prints as nothing, nor as all.

    >>> share(Fraction(1, 3)), share(Fraction(1, 100_000)), share(Fraction(99_999, 100_000))
    ('33.33 %', 'under 0.01 %', 'over 99.99 %')
    """
    shown = display(ratio * 100, places)
    step = Decimal(1).scaleb(-places)
    if not shown and ratio > 0:
        return f"under {step} %"
    if shown == 100 and ratio < 1:
        return f"over {100 - step} %"
    return f"{shown} %".replace("-", MINUS) if shown else "0 %"


def long_rows(tables: Sequence[Table]) -> list[list[str]]:
    """Return every cell as a row: table, item, measure, value, unit.

    The item is what names the row; the unit of a column may stand in a column called Unit.
    """
    made = []
    for table in tables:
        for row in (*table.rows, *([table.foot] if table.foot else [])):
            pairs = list(zip(table.columns, row, strict=True))
            item = " / ".join(column.exact(cell) for column, cell in pairs if column.is_key)
            own = next((str(cell) for column, cell in pairs if column.label == "Unit"), "")
            made += [
                [
                    table.key,
                    item,
                    column.label,
                    column.exact(cell),
                    own if column.unit == "own" else column.unit,
                ]
                for column, cell in pairs
                if not column.is_key and column.label != "Unit"
            ]
    return made


def _number(cell: Cell) -> Decimal | Fraction:
    return cell if isinstance(cell, Decimal | Fraction) else Decimal(str(cell))
