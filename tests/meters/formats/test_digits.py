"""The vector number parser agrees with the careful one on every text it accepts."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meters.formats._digits import FRONT_PAD, Buffer, micro_fields, uint_fields
from meters.formats._numbers import Scale, micro_of
from meters.formats._text import RowFault
from poweroptix.kernel.fixed import MISSING

PLAIN = st.from_regex(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", fullmatch=True)
NOISE = st.text(alphabet="0123456789.-+eE ", max_size=18)


def parse(fields):
    buffer = Buffer((",".join(fields) + ",").encode())
    ends = np.flatnonzero(buffer.bytes == ord(","))
    starts = np.concatenate(([FRONT_PAD], ends[:-1] + 1))
    return micro_fields(buffer, starts, ends)


def careful(text):
    try:
        return micro_of(text, "value")
    except RowFault:
        return None


@given(st.lists(st.one_of(PLAIN, NOISE), min_size=1, max_size=40))
@example([".5", "5.", ".", "-", "-.5", "0.000001", "123456789012.123456", "1234567890123"])
@example(["1.2.3", "--1", "1-", "00000000.1", "12345678", "123456789", "1.1234567", "0.0000001"])
def test_vector_and_careful_path_agree_on_every_text(fields):
    values, good = parse(fields)
    for text, value, plain in zip(fields, values.tolist(), good.tolist(), strict=True):
        assert (value if plain else None) == careful(text), text


@given(st.lists(st.integers(0, 10**16 - 1), min_size=1, max_size=30))
def test_unsigned_integers_up_to_16_digits(numbers):
    buffer = Buffer(("".join(f"{n}," for n in numbers)).encode())
    ends = np.flatnonzero(buffer.bytes == ord(","))
    starts = np.concatenate(([FRONT_PAD], ends[:-1] + 1))
    values, good = uint_fields(buffer, starts, ends)
    assert good.all()
    assert values.tolist() == numbers


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "R100"), (" ", "R100"), ("1_000", "R101"), ("１２", "R101"), ("0x1f", "R101"),
        ("1.5 kWh", "R101"), ("=1+1", "R101"), ("NaN", "R102"), ("-Infinity", "R102"),
        ("#REF!", "R102"), ("#N/A", "R102"), ("1" * 150, "R103"), ("1.1234567", "R103"),
        ("1,234.5", "R104"), ("1,5", "R104"), ("1e1000000", "R106"), ("1.23E+05", "R106"),
        ("1" * 300, "R009"), ("+5", "R101"), ("5.", "R101"),
    ],
)  # fmt: skip
def test_each_fault_has_its_code_and_names_what_was_found(text, code):
    with pytest.raises(RowFault) as caught:
        micro_of(text, "value")
    assert caught.value.code == code
    assert caught.value.message.startswith("value ")
    assert len(caught.value.message) <= 300
    assert caught.value.message.isprintable()


def test_thousands_separators_only_where_the_profile_has_them():
    assert micro_of("2,505.000", "value", thousands=",") == 2_505_000_000
    with pytest.raises(RowFault, match="not grouped by three"):
        micro_of("25,05", "value", thousands=",")


def test_scale_is_exact_or_says_so():
    from fractions import Fraction

    values = np.array([1_000, 1, MISSING, 0], dtype=np.int64)
    scaled, exact = Scale(Fraction(1, 1000)).apply(values)
    assert scaled[[0, 2, 3]].tolist() == [1, MISSING, 0]
    assert exact.tolist() == [True, False, True, True]
    _, fits = Scale(Fraction(1000)).apply(np.array([2**62], dtype=np.int64))
    assert not fits[0]
