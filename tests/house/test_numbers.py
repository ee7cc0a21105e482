"""Numbers that count are exact: one place rounds, no float comes near, names carry units."""

import ast
import re

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from tests.house import tree

ALLOWED_SUFFIX = re.compile(
    r"(^|_)(kwh|mwh|kw|mw|kvarh|kva|va|kw_month|mmbtu|usd|usd_per_kwh|usd_per_mwh|usd_per_kw_month"
    r"|usd_per_mmbtu|kgco2e|kgco2e_per_kwh|kgco2e_per_mwh|kgco2e_per_mmbtu|mmbtu_per_kwh|kg|g"
    r"|btu_per_kwh|kw_per_minute|mmbtu_per_hour|m_per_s|deg|s|ratio|pct|minutes|hours|days|count|index|places)(_(max|min|low|high|before|after))?$"
)
#: Decimal fields without a unit in the name, and why.
EXCEPTIONS = {
    "metric": "a finding's number has the unit of its rule",
    "threshold": "a finding's limit has the unit of its rule",
    "quantity": "the unit stands in the column beside it",
    "value": "the unit stands in the column beside it",
    "unit_factor": "the factor from a source's unit, which the profile names",
    "before_total": "an edit's total has the unit of its channel",
    "operand": "an edit's number has the unit of its channel, or is a factor",
    "rate": "the rate's text beside it names the unit",
    "after_total": "an edit's total has the unit of its channel",
    "primary_rating": "ampere of a CT, volt of a PT: the kind stands beside it",
    "pulse_weight": "what one pulse is worth has the unit of its channel",
    "secondary_rating": "ampere of a CT, volt of a PT: the kind stands beside it",
}
#: Pure files that turn angles, which are no quantities.
ANGLES = ("meters/calc/sun.py",)


def calls(file, name):
    return [
        f"{tree.place(file)}:{node.lineno}"
        for node in ast.walk(tree.parsed(file))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == name)
            or (isinstance(node.func, ast.Attribute) and node.func.attr == name)
        )
    ]


def counting_files():
    judges = {*tree.pure_files(tree.JUDGES), *(tree.ROOT / file for file in ANGLES)}
    return [file for file in tree.pure_files() if file not in judges]


def test_only_one_module_rounds():
    wrong = [
        place
        for file in tree.product_files()
        if tree.place(file) != "poweroptix/kernel/rounding.py"
        for place in calls(file, "quantize")
    ]

    assert wrong == []


def test_no_float_is_made_where_numbers_count():
    assert [place for file in counting_files() for place in calls(file, "float")] == []


def test_no_float_is_written_where_numbers_count():
    wrong = [
        f"{tree.place(file)}:{node.lineno}"
        for file in counting_files()
        for node in ast.walk(tree.parsed(file))
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex)
    ]

    assert wrong == []


def own_fields():
    labels = {*tree.APPS, "accounts", "audit", "jobs", "office"}
    for model in apps.get_models():
        if model._meta.app_label in labels:
            for field in model._meta.local_fields:
                yield model, field


def test_no_model_stores_a_float():
    wrong = [str(field) for _, field in own_fields() if isinstance(field, models.FloatField)]  # noqa: TID251

    assert wrong == []


def decimal_fields():
    return [
        (f"{model._meta.label}.{field.name}", field.name)
        for model, field in own_fields()
        if isinstance(
            field.base_field if isinstance(field, ArrayField) else field, models.DecimalField
        )
    ]


def test_every_decimal_field_names_its_unit():
    wrong = [
        label
        for label, name in decimal_fields()
        if not ALLOWED_SUFFIX.search(name) and name not in EXCEPTIONS
    ]

    assert wrong == []


def test_every_exception_is_still_needed():
    used = {name for _, name in decimal_fields()}

    assert sorted(set(EXCEPTIONS) - used) == []


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("demand_kw_max", True),
        ("rate_usd_per_kwh_min", True),
        ("amount_usd", True),
        ("share_ratio", True),
        ("amount", False),
        ("kwh_price", False),
        ("usage", False),
    ],
)
def test_the_suffix_rule_means_what_it_says(name, allowed):
    assert bool(ALLOWED_SUFFIX.search(name)) is allowed
