"""What a chart is sent, and how figures look."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np

from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series
from poweroptix.pages.charts import MOST_POINTS, payload, runs
from poweroptix.pages.templatetags import po

START = datetime(2026, 3, 1, tzinfo=UTC)


def series(count, minutes=15, unit="kWh"):
    values = [Decimal(index) for index in range(count)]
    return Series.of(Grid(START, minutes, count), values, unit)


def test_energy_is_drawn_as_average_power():
    sent = payload({"final": series(4)}, "America/Chicago")
    assert sent["t0"] == int(START.timestamp())
    assert (sent["step"], sent["unit"], sent["tz"]) == (900, "kW", "America/Chicago")
    assert sent["series"] == [{"name": "final", "v": [0, 4, 8, 12]}]
    assert sent["q"] == [["A", 4]]


def test_a_missing_value_is_a_gap_and_never_zero():
    one = series(3)
    one.values[1], one.status[1] = MISSING, Status.MISSING
    sent = payload({"final": one}, "UTC")
    assert sent["series"][0]["v"] == [0, None, 8]
    assert sent["q"] == [["A", 1], ["X", 1], ["A", 1]]


def test_other_units_are_drawn_as_they_are():
    sent = payload({"price": series(2, unit="USD/MWh")}, "UTC")
    assert (sent["unit"], sent["series"][0]["v"]) == ("USD/MWh", [0, 1])


def test_long_ranges_are_summed_until_they_fit_the_screen():
    sent = payload({"final": series(31 * 288, minutes=5)}, "UTC")
    assert sent["step"] == 900
    assert len(sent["series"][0]["v"]) <= MOST_POINTS
    assert sent["series"][0]["v"][0] == (0 + 1 + 2) * 4


def test_letters_are_joined_across_states_of_one_letter():
    status = np.array([10, 20, 60, 60, 100], dtype=np.uint8)
    assert runs(status) == [["A", 2], ["E", 2], ["X", 1]]
    assert runs(status[:0]) == []


def test_figures_on_screen():
    assert po.money("1234.5") == "$1,234.50"
    assert po.money(Decimal("-0.5")) == "−$0.50"
    assert po.money(None) == "—"
    assert po.money("1", "EUR") == "1.00 EUR"
    assert po.energy(Decimal("9999.5")) == "9,999.500 kWh"
    assert po.energy(Decimal("12345.678")) == "12.3 MWh"
    assert po.exact("13374.966000") == "13,374.966000"
    assert po.exact("-1200") == "−1,200"
    assert po.exact("several") == "several"
    assert po.short("4.000") == "4"
    assert po.short("1.8") == "1.8"
    assert po.short("100") == "100"
    assert po.percent("0.0123") == "1.2 %"
    assert po.day(date(2026, 1, 5)) == "2026-01-05"
    assert po.day("2026-01-05") == "2026-01-05"
    assert po.day(None) == "—"
    assert po.weekday(date(2026, 3, 12)) == "Thu 2026-03-12"
    assert po.quantity("-1234.5", 1) == "−1,234.5"
    assert (po.counted(1, "record"), po.counted(2_000, "entry,entries")) == (
        "1 record",
        "2,000 entries",
    )
    assert po.amount("1.000", "count") == "1"
    assert po.amount("60000.000", "kW") == "60,000 kW"
    assert po.amount(None, "kW") == "—"
    assert po.price("12500.00 USD/month") == "12,500.00 USD/month"
    assert po.price("") == ""
    assert po.person("user:ann") == "ann"
    assert po.person("job:settle_month/CAP/2026-03") == "job settle month"
    assert (po.change("120"), po.change(Decimal("-3.5")), po.change(0)) == (
        "+120.000",
        "−3.500",
        "0.000",
    )
    assert po.cents("HALF_EVEN") == "rounded half to even to the cent"
    assert po.rounded("HALF_UP", "ROW") == "each rounded half up to the cent"
    assert po.deed("settlement.approve") == "approved run"
    assert po.deed("thing.was_done") == "was done"


def test_moments_are_local_and_name_their_zone():
    instant = datetime(2026, 3, 8, 8, 0, tzinfo=UTC)
    assert ">2026-03-08 08:00 UTC<" in po.moment(instant)
    assert ">2026-03-08 03:00 CDT<" in po.moment(instant, "America/Chicago")
    assert ">2026-03-08 18:00 UTC+10<" in po.moment(instant, "Etc/GMT-10")
    assert po.moment(None) == "—"


def test_states_escape_what_they_show():
    assert "<script>" not in po.state("<script>")
    assert 'class="badge good"' in po.state("APPROVED")
