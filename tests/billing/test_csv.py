"""Cells of the interval file: numbers stay exact numbers, nothing starts a formula."""

import csv
import io
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.documents.intervals_csv import _scaled, interval_csv
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.series import Series
from settlement.calc.intervals import IntervalTable, PriceColumn


def table(label: str = "Energy, PEAK") -> IntervalTable:
    grid = Grid(datetime(2026, 3, 8, 7, tzinfo=UTC), 15, 8)
    values = np.array([1, -2_500_000, MISSING, 3_000_000, 4, 5, 6, 7], dtype=np.int64)
    status = np.array([10, 50, 100, 60, 10, 10, 45, 10], dtype=np.uint8)
    series = Series(grid, values, status, "kWh")
    prices = np.full(8, 7_840_000_000, dtype=np.int64)
    prices[-1] = MISSING
    columns = (
        PriceColumn(
            10,
            "Energy",
            "delivered",
            "USD/MWh",
            1000,
            False,
            prices,
            np.zeros(8, np.int32),
            [label],
        ),
        PriceColumn(
            12, "Index", "delivered", "USD/MWh", 1000, True, prices, np.full(8, -1, np.int32), []
        ),
    )
    return IntervalTable(grid, {"delivered": series}, columns)


def cells(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_every_cell_of_the_spring_night():
    rows = cells(interval_csv(table(), "America/Chicago", {date(2026, 3, 8): "3"}))
    assert [row["start_local"][11:19] for row in rows] == [
        *("01:00:00", "01:15:00", "01:30:00", "01:45:00"),
        *("03:00:00", "03:15:00", "03:30:00", "03:45:00"),
    ]
    assert [row["delivered_kwh"] for row in rows[:4]] == ["0.000001", "-2.5", "", "3"]
    assert [row["delivered_status"] for row in rows] == list("AMXEAASA")
    assert rows[1]["line_12_exact_usd"] == "-0.196"
    assert rows[0]["line_12_exact_usd"] == "0.0000000784"
    assert rows[2]["line_12_exact_usd"] == rows[7]["line_12_exact_usd"] == ""
    assert rows[0]["line_10_price_usd_per_mwh"] == "78.4"
    assert rows[0]["reading_version"] == "3"


@pytest.mark.parametrize("label", ["=HYPERLINK(1)", "+A1", "@x", "\tx", " =x", "＝1"])
def test_a_label_that_looks_like_a_formula_is_made_harmless(label):
    rows = cells(interval_csv(table(label), "America/Chicago", {date(2026, 3, 8): label}))
    assert rows[0]["line_10_part"] == "'" + label
    assert rows[0]["reading_version"] == "'" + label
    assert rows[1]["delivered_kwh"] == "-2.5"


@given(st.integers(-(10**30), 10**30), st.integers(1, 20))
def test_scaled_numbers_are_exact(number, places):
    from fractions import Fraction

    assert Fraction(_scaled(number, places)) == Fraction(number, 10**places)
