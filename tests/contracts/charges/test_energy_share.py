"""A share of the energy: the two parts of a clause bill all of it, and its intervals prove it."""

import csv
import io
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from billing.documents.intervals_csv import interval_csv
from contracts.calc.price_terms import PricedTerm
from contracts.charges import TermContext, charge_type
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from settlement.calc.inputs import Inputs
from settlement.calc.intervals import interval_table
from settlement.calc.version_inputs import VersionInputs
from tests.contracts.builders import CHICAGO, charge, micro_series, term
from tests.contracts.builders import inputs as charge_inputs
from tests.contracts.charges.samples import GRID, given_load, settings_of

SHARED = ("fixed_energy@1", "tou_energy@1", "index_adder@1", "gas_indexed@1")
VALUES = [1_234_567 + 7_919 * at for at in range(GRID.count)]


def shared(key, share, **more):
    terms = {**settings_of(key, Decimal("31.27")), "quantity_places": 3, **more}
    return charge(key, given_load(VALUES, Decimal("31.27")), {**terms, "energy_share_ratio": share})


@pytest.mark.parametrize("key", SHARED)
def test_two_shares_bill_all_energy_and_the_default_changes_nothing(key):
    whole, _ = charge(key, given_load(VALUES, Decimal("31.27")), {
        **settings_of(key, Decimal("31.27")), "quantity_places": 3})  # fmt: skip
    assert shared(key, "1")[0].to_json() == whole.to_json()
    most, rest = shared(key, "0.7")[0], shared(key, "0.3")[0]
    for all_of, one, other in zip(whole.rows, most.rows, rest.rows, strict=True):
        printed = one.quantity.value + other.quantity.value
        assert abs(printed - all_of.quantity.value) <= Decimal("0.001")
        assert one.quantity.formula.startswith("energy_share_ratio * energy_kwh")
        [share] = [each for each in one.quantity.inputs if each.name == "energy_share_ratio"]
        assert share.value == Decimal("0.7")
        assert "share of energy" in share.source.label
        if hasattr(one, "exact_scaled"):
            exact = [Fraction(row.exact_scaled, row.scale) for row in (one, other, all_of)]
            assert exact[0] == Fraction(7, 10) * exact[2]
            assert exact[0] + exact[1] == exact[2]


@pytest.mark.parametrize("key", SHARED)
@pytest.mark.parametrize("point", ["INTERVAL", "DAY"])
def test_cents_of_intervals_and_days_are_made_of_the_share(key, point):
    given = replace(given_load(VALUES, Decimal("31.27")), rounding_point=point)
    terms = settings_of(key, Decimal("31.27"))
    whole, _ = charge(key, given, terms)
    part, _ = charge(key, given, {**terms, "energy_share_ratio": "0.5"})
    cents = Decimal("0.005") * GRID.count
    assert abs(part.exact_usd - whole.exact_usd / 2) <= cents
    assert part.exact_usd != whole.exact_usd


def test_the_share_comes_before_losses_in_the_formula():
    sheet, _ = shared("fixed_energy@1", "0.7", loss_ratio="0.02", loss_share_of="SENT")
    [row] = sheet.rows
    assert row.quantity.formula == "energy_share_ratio * energy_kwh / (1 - loss_ratio) / 1000"
    exact = Fraction(sum(VALUES), 10**9) * Fraction(7, 10) / Fraction(98, 100)
    assert abs(Fraction(row.quantity.value) - exact) <= Fraction(1, 2000)


def test_the_sentence_says_the_share():
    kind = charge_type("fixed_energy@1")
    terms = kind.parse({"price": "62.50", "energy_share_ratio": "0.7"})
    assert kind.sentence(terms).startswith("70 % of the energy: $62.50 per MWh")
    metered = kind.sentence(terms, TermContext(quantity_name="metered"))
    assert metered.startswith("70 % of the metered energy, without losses: ")


@pytest.mark.parametrize(
    ("share", "message"),
    [("0", "a share of 0 prices nothing"), ("1.1", "energy_share_ratio"),
     ("0.123456789", "0.123456789")],
)  # fmt: skip
@pytest.mark.parametrize("key", SHARED)
def test_a_share_of_nothing_of_more_than_all_or_too_fine_is_refused(key, share, message):
    with pytest.raises(Refused, match=message):
        charge_type(key).parse({**settings_of(key, Decimal(50)), "energy_share_ratio": share})


def test_the_interval_file_has_the_share_and_its_products_add_up_to_the_line():
    month = Period.month(CHICAGO, "2026-03")
    grid = month.grid(60)
    series = micro_series(grid, [1_234_567 + at for at in range(grid.count)])
    hub = PriceSeries(grid, np.arange(grid.count, dtype=np.int64) * 10**7, "USD/MWh")
    parameters = {"index": "HUB", "adder": "3.5"}
    terms = tuple(
        PricedTerm(pk, code, key, "Energy", "", "delivered", more)
        for pk, code, key, more in (
            (1, 10, "index_adder@1", {**parameters, "energy_share_ratio": "0.7"}),
            (2, 11, "index_adder@1", {**parameters, "energy_share_ratio": "0.3"}),
            (3, 12, "index_adder@1", parameters),
            (4, 13, "fixed_energy@1", {"price": "50", "energy_share_ratio": "0.25"}),
        )
    )
    version = VersionInputs(1, month.first_date, month.last_date, None, {}, terms)
    inputs = Inputs(
        "PPA-1", "USD", CHICAGO, month, (version,),
        series={"delivered": series}, prices={"HUB": hub},
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(
        interval_csv(interval_table(inputs), CHICAGO).decode("utf-8-sig"))))  # fmt: skip
    sums = {
        code: sum(Fraction(row[f"line_{code}_exact_usd"]) for row in rows) for code in (10, 11, 12)
    }
    given = charge_inputs("2026-03", series, prices={"HUB": hub}, term=term())
    sheet, _ = charge("index_adder@1", given, terms[0].parameters)
    assert sums[10] == Fraction(sheet.rows[0].exact_scaled, sheet.rows[0].scale)
    assert sums[10] + sums[11] == sums[12]
    assert {row["line_10_share_ratio"] for row in rows} == {"0.7"}
    assert {row["line_13_share_ratio"] for row in rows} == {"0.25"}
    assert "line_12_share_ratio" not in rows[0]
