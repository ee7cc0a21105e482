"""The commands: exit codes, JSON, decisions, verification, conformance."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from settlement.models import SettlementRun
from tests.settlement.world import World, readings

pytestmark = pytest.mark.django_db


def run(*words):
    """Return (exit code, standard output, error output) of a command."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except SystemExit as stop:
        return stop.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def world():
    return World()


def test_a_month_is_settled_decided_and_verified(world):
    code, out, _ = run("settle", "--campus", "CAP", "--period", "2026-03", "--as", "ana", "--json")
    assert code == 0
    document = json.loads(out)
    assert [(one["contract"], one["total"]) for one in document["runs"]] == [
        ("PPA-ALFA", "9005.15"),
        ("PPA-BRAVO", "6003.45"),
    ]
    code, out, _ = run("settle", "submit", "PPA-ALFA/2026-03", "--as", "ana")
    assert (code, "in review, 9,005.15 USD" in out) == (0, True)
    code, out, _ = run("settle", "approve", "PPA-ALFA/2026-03/v1", "--as", "bob")
    assert (code, "approved" in out) == (0, True)
    code, out, _ = run("verify", "PPA-ALFA/2026-03")
    assert code == 0
    assert "proved (7 parts, 1 lines)" in out


def test_settling_again_gives_the_same_run(world):
    for _ in range(2):
        assert run("settle", "--contract", "PPA-ALFA", "--period", "2026-03")[0] == 0
    assert SettlementRun.objects.count() == 1


def test_a_refused_decision_exits_1_with_its_sentence(world):
    run("settle", "--contract", "PPA-ALFA", "--period", "2026-03", "--as", "ana")
    code, _, err = run("settle", "approve", "PPA-ALFA/2026-03", "--as", "ana")
    assert code == 1
    assert "may not approve in settlement; it takes the role approver." in err
    code, _, err = run("settle", "reject", "PPA-ALFA/2026-03", "--as", "bob", "--json")
    assert (code, json.loads(err)["code"]) == (1, "settlement.reason")


def test_a_run_without_total_exits_1_with_findings(world):
    readings(world.alfa_meter, [None, *[60] * 2971])
    code, out, _ = run("settle", "--contract", "PPA-ALFA", "--period", "2026-03")
    assert code == 1
    assert "no total" in out
    assert "block: delivered: 1 of 2972 intervals have no reading" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["settle", "--period", "2026-03"], "Name a --period and a --campus or --contract"),
        (["settle", "--campus", "X", "--period", "2026-03"], "There is no campus X"),
        (["settle", "--contract", "X", "--period", "2026-03"], "There is no contract X"),
        (["settle", "--contract", "PPA-ALFA", "--period", "March"], "'March' is not a month"),
        (["settle", "approve"], "Which run"),
        (["settle", "approve", "9", "--as", "nobody"], "There is no active user nobody"),
        (["verify", "PPA-X/2026-03"], "no run and no invoice 'PPA-X/2026-03'"),
        (["verify", "CAP-999999"], "There is no run and no invoice 'CAP-999999'"),
        (["conformance", "/nowhere"], "/nowhere is no folder"),
    ],
)
def test_what_is_not_there_is_named(world, words, message):
    code, _, err = run(*words)
    assert code == 1
    assert message in err


def test_conformance_prints_a_verdict_per_case(tmp_path):
    inputs = {
        "contract": "C", "zone": "UTC", "period": "2026-03",
        "versions": [{"terms": [{"line_code": 40, "charge_type": "recurring_fee@1",
                                 "label": "Fee", "parameters": {"fee": "100"}}]}],
    }  # fmt: skip
    good = {"id": "good", "kind": "settle", "inputs": inputs, "expected": {"total": "100.00"}}
    bad = {**good, "id": "bad", "expected": {"total": "100.01"}}
    other = {"id": "other", "kind": "export"}
    (tmp_path / "a.json").write_text(json.dumps([good, other]))
    code, out, _ = run("conformance", str(tmp_path))
    assert code == 0
    assert [one["verdict"] for one in json.loads(out)] == ["pass", "unsupported"]
    (tmp_path / "b.json").write_text(json.dumps(bad))
    code, out, _ = run("conformance", str(tmp_path), "--json")
    assert code == 1
    assert json.loads(out)[2] == {
        "id": "bad", "verdict": "fail", "expected": {"total": "100.01"}, "got": {"total": "100.00"},
    }  # fmt: skip
    (tmp_path / "c.json").write_text("{")
    (tmp_path / "d.json").write_text(json.dumps({"id": "d", "kind": "settle", "inputs": []}))
    (tmp_path / "e.json").write_text(json.dumps({**good, "id": "e"}))
    text = json.dumps({**good, "id": "f"}).replace('"100"', "100.50")
    (tmp_path / "f.json").write_text(text)
    code, out, _ = run("conformance", str(tmp_path))
    said = {one["id"]: one for one in json.loads(out)}
    assert code == 1
    assert {name: one["verdict"] for name, one in said.items()} == {
        "good": "pass", "other": "unsupported", "bad": "fail", "c": "unsupported",
        "d": "unsupported", "e": "pass", "f": "unsupported",
    }  # fmt: skip
    assert (
        'parameters.fee: 100.50 is a fraction without quotes; write "100.50".'
        in (said["f"]["got"]["message"])
    )
    assert said["c"]["got"].startswith(f"{tmp_path}/c.json: Expecting property name")


@pytest.mark.parametrize("content", [None, "[]"])
def test_conformance_without_a_case_is_wrong_usage(tmp_path, content):
    if content is not None:
        (tmp_path / "a.json").write_text(content)
    with pytest.raises(CommandError, match=f"There is no case in {tmp_path}") as stopped:
        run("conformance", str(tmp_path))
    assert stopped.value.returncode == 2


def test_a_corrected_month_is_recalculated_and_approved_together(world):
    month = ("--campus", "CAP", "--period", "2026-03", "--as", "ana")
    run("settle", *month)
    for code in ("PPA-ALFA", "PPA-BRAVO"):
        run("settle", "approve", f"{code}/2026-03", "--as", "bob")
    code, out, _ = run("settle", *month, "--recalculate", "--reason", "Read again.", "--json")
    assert (code, json.loads(out)) == (0, {"runs": [], "kept": ["PPA-ALFA", "PPA-BRAVO"]})
    readings(world.alfa_meter, 61)
    code, out, _ = run("settle", *month, "--recalculate", "--reason", "Read again.")
    assert code == 0
    assert "PPA-ALFA 2026-03 v2: calculated" in out
    code, _, err = run("settle", "approve", "PPA-ALFA/2026-03", "--as", "bob")
    assert (code, "Approve these runs together." in err) == (1, True)
    code, out, _ = run("settle", "approve", "PPA-ALFA/2026-03", "--together", "--as", "bob")
    assert code == 0
    assert "PPA-BRAVO 2026-03 v2: approved" in out
