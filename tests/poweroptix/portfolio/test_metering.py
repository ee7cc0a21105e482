"""Sections of metering: applied twice, exported and applied again, refused with their path."""

from pathlib import Path

import pytest
from django.conf import settings

from meters.models import (
    CapacityStep,
    Interruption,
    MeterTest,
    RuleSetting,
    Source,
    TransformerCertificate,
)
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from poweroptix.portfolio.changes import SAME
from poweroptix.portfolio.document import parse_document, read_document
from poweroptix.portfolio.export import MODELS, as_yaml, metering_document
from poweroptix.portfolio.services import SECTIONS, apply_document
from tests.conformance.chain import manage

pytestmark = pytest.mark.django_db
ME = Actor.system("test")
DEMO = Path(settings.BASE_DIR) / "poweroptix" / "demo"


def apply(document):
    return apply_document(document, actor=ME, now=now())


def written(name):
    return read_document(DEMO / f"{name}.yaml")


@pytest.fixture
def campus():
    """The demonstration's master data with all its proofs."""
    apply(written("caprock"))
    return apply(written("evidence"))


def test_every_record_of_the_document_stands(campus):
    assert Source.objects.filter(code="gas-laboratory", kind="push@1").exists()
    assert CapacityStep.objects.filter(generating_unit__code="SOL-1").count() == 1
    assert TransformerCertificate.objects.get(certificate_number="CT-7140").recorded_by
    test = MeterTest.objects.get(certificate_number="NML-24-1180")
    assert [str(p.as_found_pct) for p in test.points.order_by("id")] == ["-0.6200", "-0.7100"]
    assert Interruption.objects.filter(delivery_point__code="SOL-1").count() == 2
    assert RuleSetting.objects.filter(campus__code="CAPROCK", channel=None).count() == 3
    assert RuleSetting.objects.filter(rule_set__code="exchange").count() == 2


def test_the_same_document_again_changes_nothing(campus):
    assert {change.action for change in apply(written("evidence"))} == {SAME}


def test_what_is_exported_applies_without_a_change(campus):
    document = parse_document(as_yaml(metering_document()).encode())
    assert set(document) <= set(SECTIONS)
    assert set(document) >= {
        "sources", "import_profiles", "rule_settings", "capacity_steps", "meter_tests",
        "transformer_certificates", "interruptions", "virtual_channels", "unit_limits",
    }  # fmt: skip
    changes = apply(document)
    assert [change.sentence() for change in changes if change.action != SAME] == []
    assert len(changes) > 100
    assert metering_document() == parse_document(as_yaml(metering_document()).encode())


def test_every_exported_section_can_be_applied():
    assert set(MODELS) <= set(SECTIONS)


def test_the_command_writes_a_file_that_apply_takes(campus, tmp_path):
    place = tmp_path / "campus.yaml"
    assert manage("export_portfolio", "--out", str(place)).code == 0
    told = manage("apply", str(place))
    assert told.code == 0, told.err
    assert told.out.strip().startswith("0 changed")


def changed(section, index, **fields):
    document = written("evidence")
    document[section][index] |= fields
    return {section: document[section]}


REFUSED = [
    (changed("sources", 0, kind="pigeon@1"), r"sources\[0\]\.kind: .*pigeon@1"),
    (changed("sources", 0, last_error="x"), r"sources\[0\]\.last_error: unknown field"),
    (changed("sources", 0, parameters={"a": 1}), r"sources\[0\]\.parameters: "),
    (changed("import_profiles", 0, sign=2), r"import_profiles\[0\].*sign"),
    (changed("capacity_steps", 0, nameplate_kw="many"), r"capacity_steps\[0\]\.nameplate_kw: "),
    (changed("capacity_steps", 0, generating_unit="NO"), r"capacity_steps\[0\].*'NO'"),
    (changed("rule_settings", 0, parameters={"x": "1"}), r"rule_settings\[0\]\.parameters: "),
    (changed("rule_settings", 0, campus=""), r"rule_settings\[0\]: name exactly one of channel"),
    (
        changed("transformer_certificates", 0, laboratory="Other"),
        r"transformer_certificates\[0\]\.laboratory: what was recorded is never changed .*'Ritz'",
    ),
    (changed("meter_tests", 0, points=[]), r"meter_tests\[0\]\.points: the test has 3 points"),
    (changed("meter_tests", 0, points="x"), r"meter_tests\[0\]\.points: write a list"),
    (changed("meter_tests", 0, points=["x"] * 3), r"meter_tests\[0\]\.points\[0\]: an item is"),
    (changed("interruptions", 0, during=["2026-09-10", ""]), r"ns\[0\]\.during: .*offset"),
    (changed("interruptions", 0, cause="GHOST"), r"interruptions\[0\]\.cause: "),
]  # fmt: skip


@pytest.mark.parametrize(("document", "told"), REFUSED, ids=[told for _d, told in REFUSED])
def test_a_fault_is_named_by_section_item_and_field(campus, document, told):
    before = metering_document()
    with pytest.raises(Refused, match=told):
        apply(document)
    assert metering_document() == before


def test_a_fault_of_the_text_names_its_line(tmp_path):
    place = tmp_path / "p.yaml"
    place.write_text("sources:\n  - {code: a, code: b}\n")
    told = manage("apply", str(place))
    assert (told.code, "line 2: 'code' stands twice" in told.err) == (1, True)


def test_yaml_keeps_text_that_looks_like_something_else(campus):
    apply(
        {"sources": [{"code": "no", "name": "2026-01-01", "kind": "push@1", "cadence_minutes": 60}]}
    )
    again = parse_document(as_yaml(metering_document()).encode())
    [source] = [one for one in again["sources"] if one["code"] == "no"]
    assert source["name"] == "2026-01-01"
