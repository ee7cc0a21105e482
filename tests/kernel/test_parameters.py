"""Parameters: one dataclass gives parsing, forms and schema, and every mistake has its field."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import pytest

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import describe, json_schema, param, parse, to_json


class Basis(StrEnum):
    BLOCK = "BLOCK"
    ROLLING = "ROLLING"


@dataclass(frozen=True)
class Tier:
    """One block."""

    up_to_kwh: Decimal | None = param(unit="kWh", help="Empty for the last.")
    price: Decimal = param(unit="USD/kWh")


@dataclass(frozen=True)
class Terms:
    """All kinds of fields."""

    price: Decimal = param(
        unit="USD/MWh", help="Quoted price.", minimum=Decimal("-500"), maximum=5000
    )
    basis: Basis = param(default=Basis.BLOCK)
    places: int = param(default=4, minimum=0, maximum=10)
    mode: str = param(default="HALF_UP", choices=["HALF_UP", "HALF_EVEN"])
    prorate: bool = param(default=True)
    start: date | None = param(default=None)
    tiers: tuple[Tier, ...] = param(default=())
    rates: dict[str, Decimal] = param(default={})
    pair: tuple[int, str] = param(default=(1, "a"))
    codes: list[str] = param(default=[])
    shares: dict = param(default={})

    def __post_init__(self):
        if self.places == 9:
            raise Refused("terms.nine", "Nine places are never used.")


FULL = {
    "price": "-3.18",
    "basis": "ROLLING",
    "places": 2,
    "mode": "HALF_EVEN",
    "prorate": False,
    "start": "2026-03-01",
    "tiers": [{"up_to_kwh": "5000", "price": "0.07"}, {"up_to_kwh": None, "price": "0.05"}],
    "rates": {"peak": "0.0725"},
    "pair": [2, "b"],
    "codes": ["ALFA"],
    "shares": {"ALFA": "1/3"},
}


class TestParse:
    def test_reads_every_kind_and_gives_it_back(self):
        terms = parse(Terms, FULL)

        assert terms.tiers[1] == Tier(None, Decimal("0.05"))
        assert terms.basis is Basis.ROLLING
        assert terms.start == date(2026, 3, 1)
        assert to_json(terms) == FULL
        assert parse(Terms, json.loads(json.dumps(to_json(terms)))) == terms

    def test_takes_defaults_and_does_not_share_them(self):
        terms = parse(Terms, {"price": "1"})

        assert (terms.places, terms.mode, terms.rates) == (4, "HALF_UP", {})
        assert terms.rates is not parse(Terms, {"price": "1"}).rates

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            (
                "price",
                9.85,
                r'price: must be a number written as text, for example "9.85", not 9.85',
            ),
            ("price", 9, "written as text"),
            ("price", True, "written as text"),
            ("price", "1e5", "'1e5' is not a plain decimal number"),
            ("price", "NaN", "'NaN' is not a plain decimal number"),
            ("price", "1,5", "is not a plain decimal number"),
            ("price", "-500.01", "below the smallest allowed value -500"),
            ("price", "5001", "above the largest allowed value 5000"),
            ("price", None, "written as text"),
            ("basis", "WEEK", "'WEEK' is not one of BLOCK, ROLLING"),
            ("places", "two", "must be a whole number"),
            ("places", 2.0, "must be a whole number"),
            ("places", True, "must be a whole number"),
            ("mode", "UP", "'UP' is not one of HALF_UP, HALF_EVEN"),
            ("prorate", "yes", "must be true or false"),
            ("start", "1.3.2026", "must be a date such as 2026-03-01"),
            ("tiers", {}, "must be a list"),
            ("tiers", ["x"], "entry 1 must be an object"),
            ("tiers", [{"up_to_kwh": "1"}], r"tiers\[0\].price: is required"),
            ("tiers", [{"prise": "1", "price": "1"}], r"tiers\[0\].prise: unknown field"),
            ("rates", [], "must be an object"),
            ("rates", {"peak": 0.1}, "entry 'peak' must be a number written as text"),
            ("pair", [1], "must have 2 entries"),
            ("codes", [1], "entry 1 must be text"),
            ("shares", "x", "must be an object"),
            ("prcie", "1", "prcie: unknown field; known: price, basis"),
        ],
    )
    def test_names_the_field_and_the_mistake(self, field, value, message):
        with pytest.raises(Refused, match=message) as refused:
            parse(Terms, {"price": "1", field: value})

        assert refused.value.findings[0].where.split("[")[0].split(".")[0] == field

    def test_reports_all_mistakes_at_once(self):
        with pytest.raises(Refused) as refused:
            parse(Terms, {"places": 99, "mode": "x", "strange": 1})

        assert [finding.where for finding in refused.value.findings] == [
            "strange",
            "price",
            "places",
            "mode",
        ]

    def test_a_check_across_fields_becomes_a_finding(self):
        with pytest.raises(Refused, match="Nine places") as refused:
            parse(Terms, {"price": "1", "places": 9})

        assert refused.value.findings[0].code == "terms.nine"

    def test_what_is_no_object_is_refused(self):
        with pytest.raises(Refused, match="not an object of fields"):
            parse(Terms, ["price"])

    def test_a_float_cannot_be_written_out(self):
        with pytest.raises(Refused, match=r"0\.5 is a float"):
            to_json({"a": 0.5})

    def test_a_required_field_with_a_default_is_a_mistake_of_the_author(self):
        with pytest.raises(TypeError, match="no default"):
            param(default=1, required=True)


class TestDescribe:
    def test_lists_what_a_form_needs(self):
        described = {entry["name"]: entry for entry in describe(Terms)}

        assert described["price"] == {
            "name": "price",
            "label": "Price",
            "unit": "USD/MWh",
            "help": "Quoted price.",
            "type": "decimal",
            "choices": None,
            "required": True,
            "default": None,
        }
        assert described["basis"]["choices"] == ["BLOCK", "ROLLING"]
        assert described["tiers"]["type"] == "list"
        assert described["rates"]["type"] == "object"
        assert described["start"]["type"] == "date"

    def test_gives_a_schema_that_asks_for_text_numbers(self):
        schema = json_schema(Terms)

        assert schema["required"] == ["price"]
        assert schema["additionalProperties"] is False
        assert schema["properties"]["price"]["type"] == "string"
        assert schema["properties"]["price"]["x-unit"] == "USD/MWh"
        assert schema["properties"]["tiers"]["items"]["required"] == ["up_to_kwh", "price"]
        assert schema["properties"]["mode"]["enum"] == ["HALF_UP", "HALF_EVEN"]
        assert schema["properties"]["places"] == {
            "type": "integer",
            "title": "Places",
            "default": 4,
        }
        json.dumps(schema)
