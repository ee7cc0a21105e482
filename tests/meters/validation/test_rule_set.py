"""The table of the default rule set in docs/vee/rules.md says what the registry says."""

import inspect
import re
import sys
from pathlib import Path

import pytest

from meters.validation import rules
from meters.validation._base import BaseRule
from poweroptix.kernel.parameters import describe

PAGE = Path(__file__).resolve().parents[3] / "docs" / "vee" / "rules.md"
HEAD = "| code | key | stage | on | severity | defaults | needs | origin |"


def table():
    """Return the rows of the table by key."""
    lines = PAGE.read_text(encoding="utf-8").split(HEAD)[1].splitlines()[2:]
    rows = {}
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows[cells[1].strip("`")] = dict(
            zip(("code", "key", "stage", "on", "severity", "defaults", "needs", "origin"), cells,
                strict=True)
        )  # fmt: skip
    return rows


def defaults(rule):
    """Return the parameters of a rule as the table writes them."""
    shown = [
        f"`{each['name']}` {'none' if each['default'] == {} else each['default']}"
        for each in describe(rule.Parameters)
    ]
    return "; ".join(shown) or "—"


def severities(rule):
    """Return what the file of a rule may raise."""
    return set(re.findall(r"Severity\.([A-Z]+)", inspect.getsource(sys.modules[rule.__module__])))


def test_every_rule_has_its_row_and_every_row_its_rule():
    missing = set(rules.keys()) - set(table())
    assert not missing, f"add a row to the default rule set of {PAGE.name}: {sorted(missing)}"
    assert set(table()) == set(rules.keys())


@pytest.mark.parametrize(("key", "rule"), rules.items())
def test_a_row_says_what_the_rule_says(key, rule):
    row = table()[key]
    assert row["code"] == rule.code
    assert row["stage"] == rule.stage.name
    assert row["on"] == ("yes" if rule.default_on else "no")
    assert row["defaults"] == defaults(rule)
    assert (row["needs"] == "—") is (rule.lacks is BaseRule.lacks)
    assert set(row["severity"].split(", ")) <= severities(rule)
    assert row["origin"]


def test_every_severity_of_a_file_belongs_to_one_of_its_rules():
    claimed, raised = {}, {}
    for key, rule in rules.items():
        claimed.setdefault(rule.__module__, set()).update(table()[key]["severity"].split(", "))
        raised[rule.__module__] = severities(rule)
    assert claimed == raised
