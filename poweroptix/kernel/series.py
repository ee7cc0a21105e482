"""A series: what was measured on a grid, in exact micro-units, with one status per interval."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from poweroptix.kernel import exact
from poweroptix.kernel.caching import once
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import EXACT, MICRO, MISSING, from_micro, micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status, worst


@dataclass(frozen=True, eq=False)
class Series:
    """Values in 10^-6 of `unit` on a grid; MISSING where there is none.

    A missing value always has status MISSING and the other way round.

    >>> from datetime import UTC
    >>> grid = Grid(datetime(2026, 3, 2, 13, tzinfo=UTC), 15, 3)
    >>> series = Series.of(grid, [Decimal("25000"), Decimal("0.5"), Decimal("-1")], "kWh")
    >>> series.total()
    Decimal('24999.5')
    """

    grid: Grid
    values: NDArray[np.int64]
    status: NDArray[np.uint8]
    unit: str

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.int64)
        status = np.asarray(self.status, dtype=np.uint8)
        if values.shape != (self.grid.count,) or status.shape != (self.grid.count,):
            text = (
                f"A grid of {self.grid.count} intervals needs as many values and statuses, "
                f"not {values.size} and {status.size}."
            )
            raise Refused("series.length", text)
        absent = values == MISSING
        if (absent != (status == Status.MISSING)).any():
            if (~absent & (status == Status.MISSING)).any():
                text = "An interval with a value has the status MISSING."
                raise Refused("series.status", text)
            status = np.where(absent, np.uint8(Status.MISSING), status)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "status", status)

    @classmethod
    def of(
        cls,
        grid: Grid,
        numbers: Sequence[Decimal | int | None],
        unit: str,
        status: int = Status.VALIDATED,
    ) -> Series:
        """Return a series of exact numbers in `unit`; None is missing."""
        values = np.array([MISSING if n is None else micro(n) for n in numbers], dtype=np.int64)
        return cls(grid, values, np.full(values.size, int(status), dtype=np.uint8), unit)

    @classmethod
    def absent(cls, grid: Grid, unit: str) -> Series:
        """Return a series in which everything is missing."""
        values = np.full(grid.count, MISSING, dtype=np.int64)
        return cls(grid, values, np.full(grid.count, Status.MISSING, dtype=np.uint8), unit)

    @classmethod
    def zero(cls, grid: Grid, unit: str, status: int = Status.CALCULATED) -> Series:
        """Return a series of zeros."""
        values = np.zeros(grid.count, dtype=np.int64)
        return cls(grid, values, np.full(grid.count, int(status), dtype=np.uint8), unit)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which intervals have no value."""
        return self.values == MISSING

    @property
    def missing_count(self) -> int:
        """How many intervals have no value."""
        return int(self.missing.sum())

    @property
    def worst_status(self) -> Status:
        """The worst status of the series."""
        return worst(self.status)

    def total(self) -> Decimal:
        """Return the exact sum in `unit`; Refused when an interval is missing."""
        if self.missing_count:
            first = self.grid.start_of(int(self.missing.argmax()))
            text = (
                f"{self.missing_count} of {self.grid.count} intervals have no value, "
                f"the first at {first.isoformat()}; there is no total."
            )
            raise Refused("series.missing", text, count=self.missing_count)
        return _as_decimal(exact.total(self.values))

    def total_present(self) -> Decimal:
        """Return the exact sum of the intervals that have a value."""
        return _as_decimal(exact.total(self.values[~self.missing]))

    def slice(self, start: datetime, end: datetime) -> Series:
        """Return the part from `start` to `end`; both must be interval boundaries inside."""
        part = self.grid.sub(start, end)
        if part == self.grid:
            return self
        first = (part.start_minute - self.grid.start_minute) // self.grid.minutes
        window = slice(first, first + part.count)
        return Series(part, self.values[window], self.status[window], self.unit)

    def to_minutes(self, minutes: int) -> Series:
        """Return sums over longer intervals; a missing part makes the sum missing.

        The status is the worst of the parts. Raises Refused when the new length is not a whole
        multiple of the old one or does not divide the span.
        """
        if minutes == self.grid.minutes:
            return self
        parts, rest = divmod(minutes, self.grid.minutes)
        if rest or parts < 1 or self.grid.count % parts:
            text = (
                f"{self.grid.count} intervals of {self.grid.minutes} minutes cannot be summed "
                f"into intervals of {minutes} minutes."
            )
            raise Refused("series.not_a_multiple", text)
        grid = Grid(self.grid.start_utc, minutes, self.grid.count // parts)
        absent = self.missing.reshape(grid.count, parts).any(axis=1)
        present = np.where(self.missing, 0, self.values).reshape(grid.count, parts)
        _check_room(present, parts)
        values = np.where(absent, MISSING, present.sum(axis=1))
        status = self.status.reshape(grid.count, parts).max(axis=1, initial=0)
        return Series(grid, values, status, self.unit)

    def add(self, other: Series) -> Series:
        """Return the sum interval by interval; missing in one is missing in the sum."""
        return self._combined(other, 1)

    def subtract(self, other: Series) -> Series:
        """Return this series less another; missing in one is missing in the result."""
        return self._combined(other, -1)

    def negated(self) -> Series:
        """Return the series with its sign turned."""
        values = np.where(self.missing, MISSING, -self.values)
        return Series(self.grid, values, self.status, self.unit)

    def decimals(self) -> list[Decimal | None]:
        """Return the values as exact numbers in `unit`; None where missing."""
        return [None if value == MISSING else from_micro(value) for value in self.values.tolist()]

    @once
    def digest(self) -> str:
        """Return the SHA-256 of grid, unit, values (little endian) and statuses."""
        result = hashlib.sha256(_head(self.grid, self.unit))
        result.update(np.ascontiguousarray(self.values, dtype="<i8").data)
        result.update(np.ascontiguousarray(self.status).data)
        return result.hexdigest()

    def equals(self, other: Series) -> bool:
        """Say whether grid, unit, values and statuses are the same."""
        return (
            self.grid == other.grid
            and self.unit == other.unit
            and bool(np.array_equal(self.values, other.values))
            and bool(np.array_equal(self.status, other.status))
        )

    def _combined(self, other: Series, sign: int) -> Series:
        if self.grid != other.grid:
            raise Refused("series.grids_differ", "The two series do not lie on the same grid.")
        if self.unit != other.unit:
            text = f"{self.unit} and {other.unit} cannot be added."
            raise Refused("series.units_differ", text)
        absent = self.missing | other.missing
        left = np.where(absent, 0, self.values)
        right = np.where(absent, 0, other.values)
        _check_room(left, 2)
        _check_room(right, 2)
        values = np.where(absent, MISSING, left + sign * right)
        return Series(self.grid, values, np.maximum(self.status, other.status), self.unit)


@lru_cache(maxsize=256)
def _head(grid: Grid, unit: str) -> bytes:
    """Return what a digest begins with; many series lie on one grid."""
    return canonical_json({"grid": grid.to_json(), "unit": unit})


def sum_of(series: Sequence[Series]) -> Series:
    """Return the sum of one or more series on the same grid."""
    if not series:
        raise Refused("series.nothing", "There is no series to add up.")
    result = series[0]
    for each in series[1:]:
        result = result.add(each)
    return result


def _as_decimal(sum_micro: int) -> Decimal:
    return EXACT.divide(Decimal(sum_micro), Decimal(MICRO))


def _check_room(values: NDArray[np.int64], terms: int) -> None:
    """Refuse a sum that could leave 64 bits (about nine million million kWh)."""
    if not values.size:
        return
    largest = max(-int(values.min()), int(values.max()))
    if largest * terms >= 2**63:
        raise Refused("series.out_of_range", "The sum does not fit a 64-bit fixed point number.")
