"""A series of published prices: what an index said, and when it said so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel.caching import once
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, from_price, price
from poweroptix.kernel.grid import Grid


@dataclass(frozen=True, eq=False)
class PriceSeries:
    """Prices in 10^-8 of `unit` (for example USD/MWh) on a grid; MISSING where none is published.

    `vintage` names the publication; `final` says that the publisher will not change it.
    """

    grid: Grid
    values: NDArray[np.int64]
    unit: str
    vintage: str = ""
    final: bool = True

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.int64)
        if values.shape != (self.grid.count,):
            text = f"A grid of {self.grid.count} intervals has {values.size} prices."
            raise Refused("prices.length", text)
        object.__setattr__(self, "values", values)

    @classmethod
    def of(
        cls,
        grid: Grid,
        numbers: list[Decimal | None],
        unit: str,
        vintage: str = "",
        final: bool = True,
    ) -> PriceSeries:
        """Return a series of exact prices; None is not published.

        >>> from datetime import UTC
        >>> hours = Grid(datetime(2026, 3, 1, tzinfo=UTC), 60, 2)
        >>> quarters = Grid(datetime(2026, 3, 1, 0, 30, tzinfo=UTC), 15, 4)
        >>> index = PriceSeries.of(hours, [Decimal("31.27"), Decimal("-5.1")], "USD/MWh")
        >>> index.onto(quarters).tolist()
        [3127000000, 3127000000, -510000000, -510000000]
        """
        values = [MISSING if number is None else price(number) for number in numbers]
        return cls(grid, np.array(values, dtype=np.int64), unit, vintage, final)

    @property
    def missing_count(self) -> int:
        """How many intervals have no price."""
        return int((self.values == MISSING).sum())

    def decimals(self) -> list[Decimal | None]:
        """Return the prices as exact numbers; None where none is published."""
        return [None if value == MISSING else from_price(value) for value in self.values.tolist()]

    def onto(self, grid: Grid) -> NDArray[np.int64]:
        """Return the price of each interval of an equal or finer grid; MISSING outside.

        Raises Refused when an interval of `grid` would lie in two price intervals.
        """
        offset = grid.epoch_minutes() - self.grid.start_minute
        index = offset // self.grid.minutes
        if ((offset + grid.minutes - 1) // self.grid.minutes != index).any():
            text = (
                f"An interval of {grid.minutes} minutes lies in two prices of "
                f"{self.grid.minutes} minutes; sum the quantities to the length of the prices."
            )
            raise Refused("prices.grid", text)
        known = (index >= 0) & (index < self.grid.count)
        result = np.full(grid.count, MISSING, dtype=np.int64)
        result[known] = self.values[index[known]]
        return result

    def slice(self, start: datetime, end: datetime) -> PriceSeries:
        """Return the part from `start` to `end`; both must be interval boundaries inside."""
        part = self.grid.sub(start, end)
        first = (part.start_minute - self.grid.start_minute) // self.grid.minutes
        values = self.values[first : first + part.count]
        return PriceSeries(part, values, self.unit, self.vintage, self.final)

    @once
    def digest(self) -> str:
        """Return the SHA-256 of grid, unit, vintage, finality and values (little endian)."""
        head = {
            "grid": self.grid.to_json(),
            "unit": self.unit,
            "vintage": self.vintage,
            "final": self.final,
        }
        result = hashlib.sha256(canonical_json(head))
        result.update(self.values.astype("<i8").tobytes())
        return result.hexdigest()
