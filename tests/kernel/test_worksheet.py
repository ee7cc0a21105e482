"""Figures and worksheets: an amount is the sum of its rows, and JSON loses nothing."""

import json
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.rounding import Mode, money
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet, rate_span

NUMBER = st.decimals(-(10**9), 10**9, places=6, allow_nan=False)
CLAUSE = Source("term", "CHI-1/3/20", "clause 4.2", {"version": 3})


def figure(name, value, unit="kWh", **more):
    return Figure(name, None if value is None else Decimal(value), unit, **more)


def row(quantity, rate, divisor="1", label="Energy"):
    return Row(label, figure("q", quantity), figure("r", rate, "USD/kWh"), Decimal(divisor))


def interval_row(scaled, scale=10**17):
    return IntervalRow(
        "Index energy",
        figure("q", "5"),
        figure("average", "31.27", "USD/MWh"),
        scaled,
        scale,
        {"start_utc": "2026-03-01T06:00:00Z", "minutes": 15, "count": 2972},
        {"price": "ab", "quantity": "cd"},
    )


def through_json(document):
    return json.loads(json.dumps(document))


class TestFigure:
    def test_prints_the_formula_that_ran(self):
        committed = figure("committed_kwh", "45000000", source=CLAUSE)
        taken = figure("taken_kwh", "44395682.948")

        short = Figure.computed(
            "shortfall_kwh", "kWh", "max(committed_kwh - taken_kwh, 0)", committed, taken
        )

        assert short.value == Decimal("604317.052")
        assert short.sentence() == "max(45000000 kWh - 44395682.948 kWh, 0)"
        assert short.explain()["children"][0]["source"]["label"] == "clause 4.2"

    def test_a_rounded_figure_says_so(self):
        third = Figure.computed(
            "price",
            "USD/MWh",
            "a / 3",
            figure("a", "200"),
            round_to=(4, Mode.HALF_UP),
            note="step 2",
        )

        assert third.value == Decimal("66.6667")
        assert third.note == "step 2; rounded half up to 4 decimals"

    def test_names_with_spaces_are_written_with_underscores(self):
        double = Figure.computed("d", "kWh", "shared_quantity x 2", figure("shared quantity", "4"))

        assert double.value == 8
        assert double.sentence() == "4 kWh x 2"

    def test_what_is_computed_from_an_unknown_is_unknown(self):
        result = Figure.computed("b", "kWh", "a x 2", figure("a", None))

        assert result.value is None
        assert result.sentence() == "— kWh x 2"

    def test_an_unknown_input_does_not_hide_a_wrong_formula(self):
        with pytest.raises(Refused, match="unknown name 'c'"):
            Figure.computed("b", "kWh", "c x 2", figure("a", None))

    def test_two_inputs_of_the_same_name_are_refused(self):
        with pytest.raises(Refused, match="have the same name"):
            Figure.computed("b", "kWh", "a", figure("a", "1"), figure("a", "2"))

    @pytest.mark.parametrize("wrong", [0.1, 1, "1", Decimal("NaN")])
    def test_a_value_that_is_not_a_decimal_is_refused(self, wrong):
        with pytest.raises(Refused, match="a figure holds a finite Decimal or None"):
            Figure("a", wrong, "kWh")

    def test_an_unknown_kind_of_source_is_refused(self):
        with pytest.raises(Refused, match="'rumour' is no kind of source"):
            Source("rumour", "", "")

    @given(NUMBER, NUMBER)
    def test_survives_json(self, a, b):
        made = Figure.computed(
            "sum", "kWh", "a + b", figure("a", a, source=CLAUSE), figure("b", b, note="read")
        )

        assert Figure.from_json(through_json(made.to_json())) == made


class TestRow:
    def test_divides_into_the_unit_of_the_rate(self):
        assert row("20878687.5", "72.5", "1000").exact_usd == Decimal("1513704.84375")
        assert row("5", "2", "1000").sentence() == "5 kWh x 2 USD/kWh / 1000"

    def test_keeps_sixty_digits_of_a_quotient_without_end(self):
        assert str(row("1", "1", "3").exact_usd) == "0." + "3" * 60

    def test_is_unknown_while_its_rate_is(self):
        assert row("5", None).exact_usd is None

    def test_an_interval_row_is_what_the_exact_sum_gave(self):
        price, energy = np.array([3127000000, -510000000]), np.array([24812000000, 24997000000])

        made = interval_row(exact.dot(price, energy))

        assert made.exact_usd == (
            Decimal("31.27") * Decimal("24.812") + Decimal("-5.1") * Decimal("24.997")
        )
        assert made.sentence() == "2972 intervals, 5 kWh at 31.27 USD/MWh on average"

    def test_a_scale_below_one_is_refused(self):
        with pytest.raises(Refused, match="is no scale"):
            interval_row(1, 0)


class TestWorksheet:
    @given(st.lists(st.tuples(NUMBER, NUMBER), max_size=12))
    def test_is_the_sum_of_its_rows_rounded_once(self, pairs):
        sheet = Worksheet("Energy", tuple(row(q, r) for q, r in pairs))

        exact_usd = sum((Fraction(q) * Fraction(r) for q, r in pairs), Fraction(0))
        assert Fraction(sheet.exact_usd) == exact_usd
        assert sheet.amount_usd == money(sheet.exact_usd)

    def test_can_round_each_row_when_each_row_is_a_line(self):
        rows = (row("1", "0.005"), row("1", "0.005"))

        assert Worksheet("E", rows).amount_usd == Decimal("0.01")
        assert Worksheet("E", rows, line_per="ROW").amount_usd == Decimal("0.02")
        even = Worksheet("E", rows, line_per="ROW", rounding=Mode.HALF_EVEN)
        assert str(even.amount_usd) == "0.00"

    def test_an_empty_worksheet_is_zero_and_an_unknown_row_makes_it_unknown(self):
        assert Worksheet("E").amount_usd == 0
        unknown = Worksheet("E", (row("1", "1"), row("1", None)))
        assert unknown.exact_usd is None
        assert unknown.amount_usd is None

    def test_prints_quantity_and_rate_only_when_the_rows_share_them(self):
        sheet = Worksheet("E", (row("1.5", "2"), row("2", "2")))
        mixed = Worksheet(
            "E", (row("1", "2"), Row("F", figure("n", "1", "month"), figure("f", "3")))
        )

        assert (sheet.quantity, sheet.unit, sheet.rate_text) == (Decimal("3.5"), "kWh", "2 USD/kWh")
        assert (mixed.quantity, mixed.unit, mixed.rate_text) == (None, "", "")

    @pytest.mark.parametrize("line_per", ["CHARGE", "ROW"])
    def test_survives_json(self, line_per):
        finding = Finding(
            "peak.carried", "The peak is carried.", Severity.INFO, metric=Decimal("26000"), fix="-"
        )
        sheet = Worksheet(
            "Energy",
            (row("1.5", "2.25", "1000"), interval_row(10**40 + 7)),
            (figure("peak_kw", "26000", "kW", source=CLAUSE),),
            (finding,),
            Mode.HALF_EVEN,
            line_per,
        )

        read = Worksheet.from_json(through_json(sheet.to_json()))

        assert read == sheet
        assert read.to_json() == sheet.to_json()

    def test_an_amount_that_is_not_the_sum_of_its_rows_is_refused(self):
        document = Worksheet("Energy", (row("1", "2"),)).to_json()

        with pytest.raises(Refused, match=r"says 3\.00, but its rows add up to 2\.00"):
            Worksheet.from_json({**document, "amount_usd": "3.00"})

    def test_an_unknown_kind_of_row_is_refused(self):
        document = row("1", "2").to_json()

        with pytest.raises(Refused, match="'magic' is no kind of row"):
            Worksheet.from_json(
                {**Worksheet("E").to_json(), "rows": [{**document, "kind": "magic"}]}
            )

    def test_an_unknown_line_rule_is_refused(self):
        with pytest.raises(Refused, match="'DAY' is not CHARGE or ROW"):
            Worksheet("E", line_per="DAY")

    def test_explains_itself_down_to_the_sources(self):
        sheet = Worksheet("E", (row("1", "2"),), (figure("peak_kw", "9", "kW", source=CLAUSE),))

        explained = sheet.explain()

        assert [entry["label"] for entry in explained] == ["Energy", "peak_kw"]
        assert [child["label"] for child in explained[0]["children"]] == ["q", "r"]
        assert explained[1]["source"]["ref"] == "CHI-1/3/20"
        assert explained[0]["formula"] == "quantity x rate"

    def test_an_average_is_not_said_to_be_what_was_multiplied(self):
        priced = IntervalRow("E", figure("q", "35.245", "MWh"), figure("r", "21.632", "u"), 1, 1)

        (explained,) = Worksheet("E", (priced,)).explain()

        assert explained["formula"] == "sum of the energy x price of every interval"


@pytest.mark.parametrize(
    ("rates", "span"),
    [
        ([("10", "USD/MWh"), ("9.5", "USD/MWh"), ("-3", "USD/MWh"), ("9.5", "USD/MWh")],
         (3, "-3 USD/MWh", "10 USD/MWh")),
        ([("1", "USD/kW-month"), ("2", "USD/month")], (2, "", "")),
        ([("1", "USD/MWh"), (None, "USD/MWh")], (2, "", "")),
        ([], (0, "", "")),
    ],
)  # fmt: skip
def test_the_rates_of_a_stored_worksheet_are_counted_and_bounded(rates, span):
    rows = [{"rate": {"value": value, "unit": unit}} for value, unit in rates]
    assert rate_span({"rows": rows}) == span
