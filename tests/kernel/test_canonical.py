"""Canonical JSON and cells of tables that leave the house."""

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum, StrEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poweroptix.kernel.canonical import canonical_json, digest_of, sha256
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.tables import safe_cell

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


class Size(Enum):
    LARGE = Decimal("1.50")


class TestCanonicalJson:
    @given(PLAIN)
    def test_reads_back_as_the_same_document(self, document):
        assert json.loads(canonical_json(document)) == document

    @given(st.dictionaries(st.text(max_size=5), st.integers(), min_size=2), st.randoms())
    def test_does_not_depend_on_the_order_of_keys(self, document, random):
        items = list(document.items())
        random.shuffle(items)

        assert canonical_json(dict(items)) == canonical_json(document)

    def test_writes_exact_numbers_instants_dates_and_members(self):
        document = {
            "price": Decimal("1E+3"),
            "zero": Decimal("-0.0"),
            "at": datetime.fromisoformat("2026-03-01T00:00:00.5-06:00"),
            "day": date(2026, 3, 1),
            "colour": Colour.RED,
            "size": Size.LARGE,
            "count": np.int64(5),
            "word": "é",
            Colour.RED: (1, 2),
            date(2026, 3, 2): None,
        }

        assert canonical_json(document) == (
            b'{"2026-03-02":null,"at":"2026-03-01T06:00:00.500000Z","colour":"red","count":5,'
            b'"day":"2026-03-01","price":"1000","red":[1,2],"size":"1.50","word":"\\u00e9",'
            b'"zero":"0.0"}'
        )

    @pytest.mark.parametrize(
        ("document", "message"),
        [
            ({"a": [{"b": 0.1}]}, r"a\.0\.b: 0.1 is a float"),
            (np.float64(1), "is a float"),
            ({"a": Decimal("NaN")}, "NaN is not a number"),
            ({"a": Decimal("1E+999999")}, "too large or too small"),
            ({"a": datetime(2026, 3, 1)}, "has no time zone"),
            ({"a": {1: 2}}, "a has the key 1; keys are text"),
            ({"a": b"x"}, "a: bytes has no canonical form"),
            ({"a": {1, 2}}, "a: set has no canonical form"),
        ],
    )
    def test_refuses_what_is_not_exact_and_says_where(self, document, message):
        with pytest.raises(Refused, match=message):
            canonical_json(document)

    def test_digest_is_the_hash_of_the_bytes(self):
        assert digest_of({"a": 1}) == sha256(b'{"a":1}') == hashlib.sha256(b'{"a":1}').hexdigest()

    def test_c08_chained_hash_of_two_lines(self):
        """settlement.md, example C08."""
        energy = {
            "run": "2026-08/TEN-ALFA/v1",
            "line": 1,
            "code": "ENERGY_ON",
            "quantity": "4200.000",
            "unit": "MWh",
            "price": "98.4000",
            "amount": "413280.00",
            "inputs": ["meter:ALFA-M1@v7", "price:C-1001@v2"],
        }
        capacity = {
            **energy,
            "line": 2,
            "code": "CAPACITY",
            "quantity": "100000",
            "unit": "kW",
            "price": "14.2500",
            "amount": "1425000.00",
            "inputs": ["contract:C-1001@v2"],
        }

        first = sha256(b"0" * 64 + canonical_json(energy))
        second = sha256(first.encode() + canonical_json(capacity))

        assert first == "f2432a9a8445de501be80d938de156c9452f8568b50268f8c7ad30ad81828e19"
        assert second == "1df5c0524fdc73178b47044be03ac8de348d9f803a1feed3242d4954b995da57"


class TestSafeCell:
    @pytest.mark.parametrize(
        "text",
        ["=1+1", "+cmd", "-cmd", "@sum", "\t=1", "\r=1", " =1", "\u00a0=1", "＝1", "-5,20", "-"],
    )
    def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(self, text):
        assert safe_cell(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["-5.20", "+5", "12500.00", "ALFA", "2026-03-01", ""])
    def test_numbers_and_plain_text_stay(self, text):
        assert safe_cell(text) == text

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, ""),
            (True, "true"),
            (-3, "-3"),
            (Decimal("-5.20"), "-5.20"),
            (Colour.RED, "red"),
            (date(2026, 3, 1), "2026-03-01"),
            (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00Z"),
            (["=1"], "['=1']"),
        ],
    )
    def test_other_values_have_one_way_to_be_written(self, value, text):
        assert safe_cell(value) == text

    def test_floats_are_refused(self):
        with pytest.raises(Refused, match="tables hold exact numbers"):
            safe_cell(0.1)

    @given(st.text(max_size=12))
    def test_no_cell_begins_like_a_formula_unless_it_is_a_number(self, text):
        cell = safe_cell(text)

        assert not cell.lstrip().startswith(("=", "@")) or cell.startswith("'")
