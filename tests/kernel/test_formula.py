"""Formulas: nothing but arithmetic runs, and every refusal says what and where."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.formula import check, display, evaluate, evaluation_order, names_in

NAMES = {"price": Decimal("9.85"), "qty": Decimal("60000"), "index": None}
ONLY_CALLS = "only min, max, abs, round, clip can be called"


class TestWhatIsNotArithmetic:
    """reliability.md 4.3, rows 78 to 83."""

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("__import__('os').system('id')", ONLY_CALLS),
            ("price.real()", ONLY_CALLS),
            ("pow(price, 2)", ONLY_CALLS),
            ("price.__class__", r"Attribute is not allowed in a formula \(column 1\)"),
            ("1 + (lambda: price)", r"Lambda is not allowed in a formula \(column 6\)"),
            ("f'{price}'", "JoinedStr is not allowed in a formula"),
            ("[price for price in qty]", "ListComp is not allowed in a formula"),
            ("max(price for price in qty)", "max takes 2 to 20 values"),
            ("price[0]", "Subscript is not allowed in a formula"),
            ("(price := 3)", "NamedExpr is not allowed in a formula"),
            ("price := 3", ":= is not allowed in a formula"),
            ("price = 3", "= is not allowed in a formula"),
            ("price; qty", "; is not allowed in a formula"),
            ("price if qty else 0", "IfExp is not allowed in a formula"),
            ("price < qty", "Compare is not allowed in a formula"),
            ("price and qty", "BoolOp is not allowed in a formula"),
            ("not price", "Not is not allowed in a formula"),
            ("~price", "Invert is not allowed in a formula"),
            ("'text'", "Text is not allowed in a formula"),
            ("...", "Text is not allowed in a formula"),
            ("price, qty", "Tuple is not allowed in a formula"),
            ("max(*price)", "max takes 2 to 20 values|starred argument is not allowed"),
            ("max(price, key=qty)", "named or starred argument is not allowed"),
            ("price % 2", "Mod is not allowed in a formula"),
            ("price // 2", "FloorDiv is not allowed in a formula"),
        ],
    )
    def test_row_78_is_refused(self, text, message):
        with pytest.raises(Refused, match=message):
            check(text, NAMES)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("9**9**9", r"Pow is not allowed in a formula \(column 1\)"),
            ("1<<99999", "LShift is not allowed in a formula"),
            ("+".join(["price"] * 400), "too many parts"),
            ("1+" * 5000 + "1", "too many parts"),
            ("-" * 400 + "1", "too many parts"),
            ("(" * 5000 + "1" + ")" * 5000, "nested too deeply"),
            ("(" * 30 + "1" + ")" * 30, "nested too deeply"),
        ],
    )
    def test_row_79_is_refused(self, text, message):
        with pytest.raises(Refused, match=message):
            check(text, NAMES)

    @pytest.mark.parametrize(
        "text",
        ["1e400", "0x10", "1_000", "1j", "True", "None", "1e5", "012", "5.", ".5", "0b1", "9" * 60],
    )
    def test_row_80_is_refused(self, text):
        with pytest.raises(Refused, match="is not a plain decimal number"):
            check(f"price + {text}", NAMES)

    def test_row_81_names_the_term_and_the_moment(self):
        with pytest.raises(Refused, match="division by zero in term 12 at 2025-03-02") as refused:
            evaluate("price/(qty-qty)", NAMES, where="term 12 at 2025-03-02")

        assert refused.value.code == "formula.division_by_zero"

    def test_zero_by_zero_is_a_division_by_zero_too(self):
        with pytest.raises(Refused, match="division by zero in the formula '0/0'"):
            evaluate("0/0", {})

    def test_row_82_names_what_is_unknown_and_what_has_no_value(self):
        with pytest.raises(Refused, match="unknown name 'prcie'; known: index, price, qty"):
            check("prcie * qty", NAMES)
        with pytest.raises(Refused, match="index has no value for 2025-03-02T10:00Z"):
            evaluate("index + price", NAMES, where="2025-03-02T10:00Z")

    @pytest.mark.parametrize(
        "text", ["ｐｒｉｃｅ", "pri\u200bce", "price\n+1", "price − qty", "été"]
    )
    def test_row_83_is_refused(self, text):
        with pytest.raises(Refused, match="only plain ASCII"):
            check(text, NAMES)

    def test_row_84_names_the_circle(self):
        with pytest.raises(Refused, match="A → B → A"):
            evaluation_order({"A": "B + 1", "B": "A * 2"})

    def test_a_term_that_uses_itself_is_a_circle(self):
        with pytest.raises(Refused, match="A → A"):
            evaluation_order({"A": "A + 1"})

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is empty"),
            ("   ", "is empty"),
            ("price +", "cannot be read at column"),
            ("(price", "cannot be read at column"),
            ("abs(1, 2)", "abs takes 1 values, not 2"),
            ("clip(1, 2)", "clip takes 3 values, not 2"),
            ("round(price, 11)", "round takes 0 to 10 places"),
            ("round(price, qty)", "round takes 0 to 10 places"),
            ("1" + " " * 2500 + "+ 1", "too many parts"),
        ],
    )
    def test_other_mistakes_have_a_sentence(self, text, message):
        with pytest.raises(Refused, match=message):
            check(text, NAMES)

    def test_a_float_cannot_come_in_as_a_name(self):
        with pytest.raises(Refused, match="not an exact number"):
            evaluate("a", {"a": 0.1})

    def test_clip_with_crossed_limits_is_refused(self):
        with pytest.raises(Refused, match="lower limit 3 above its upper limit 2"):
            evaluate("clip(1, 3, 2)", {})

    @given(st.text(max_size=40))
    def test_any_text_is_refused_or_computed(self, text):
        try:
            value = evaluate(text, NAMES)
        except Refused:
            return
        assert isinstance(value, Decimal)


class TestWhatRuns:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("qty x price", "591000.00"),
            ("qty × price", "591000.00"),
            ("qty*price", "591000.00"),
            ("(qty - 1) x (price + 0.15) / 2", "299995"),
            ("max(qty - 70000, 0)", "0"),
            ("min(price, qty, 3)", "3"),
            ("clip(price, 0, 5)", "5"),
            ("abs(-price)", "9.85"),
            ("round(price, 1) + round(2.5) + round(-2.5)", "9.9"),
            ("1 - 2 - 3", "-4"),
            ("2 / 4 / 5", "0.1"),
            ("- price + + 1", "-8.85"),
        ],
    )
    def test_gives_the_value(self, text, value):
        assert evaluate(text, NAMES) == Decimal(value)

    def test_a_number_with_28_digits_is_taken_as_written(self):
        assert evaluate("0.1234567890123456789012345678", {}) == Decimal(
            "0.1234567890123456789012345678"
        )

    def test_x_can_be_a_name_as_well(self):
        assert evaluate("x * 2 x x", {"x": Decimal(3)}) == 18

    @given(st.integers(-999, 999), st.integers(-999, 999), st.integers(1, 999))
    def test_equals_fraction_arithmetic(self, a, b, c):
        value = evaluate("(a + b) x c - a / c", {"a": Decimal(a), "b": Decimal(b), "c": Decimal(c)})

        assert abs(Fraction(value) - (Fraction((a + b) * c) - Fraction(a, c))) < Fraction(1, 10**50)

    def test_names_and_order_and_print(self):
        assert names_in("max(b, a) + b / c") == ["b", "a", "c"]
        assert evaluation_order({"c": "a + b", "a": "b", "b": "1"}) == ["b", "a", "c"]
        assert display("qty*price / 2") == "qty x price / 2"
