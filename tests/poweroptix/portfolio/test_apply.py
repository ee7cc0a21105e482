"""`manage.py apply`: the same document again is nothing new, a wrong one changes nothing."""

import copy
import json
from decimal import Decimal

import pytest
import yaml
from django.apps import apps

from contracts.models import Contract, ContractVersion
from meters.models import Campus, DeliveryPoint, RuleSetting
from meters.models.judgement import parse_setting
from poweroptix.accounts.models import Tenant
from poweroptix.audit.models import AuditEvent
from tests.conformance.chain import Portfolio, fee_example, manage, term

pytestmark = pytest.mark.django_db
DEMO = "poweroptix/demo/caprock.yaml"
ZONE = "America/Chicago"


def document(**changes):
    portfolio = Portfolio(
        zone=ZONE,
        minutes=15,
        first_day="2026-01-01",
        terms=[
            term(10, "fixed_energy@1", "Energy", price="62.50", price_unit="USD/MWh"),
            term(40, "recurring_fee@1", "Fee", fee="30", per="MONTH"),
        ],
        example=fee_example("2026-01", "30.00"),
        facts={"contract_kw": "9000"},
        opening=[
            {
                "contract": "PPA",
                "period": "2026-01",
                "carry": {"20": {"peaks": {"2025-12": "8100"}}},
                "reason": "Agreed peaks",
            }
        ],
    )
    return portfolio.document() | changes


def write(folder, content, name="p.yaml"):
    path = folder / name
    text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return path


def everything():
    """Count every row of every table but the trail."""
    skipped = {"AuditEvent"}
    return {
        model.__name__: model.objects.count()
        for model in apps.get_models()
        if model._meta.managed and model.__name__ not in skipped
    }


def refused(folder, content):
    """Apply a document that must be refused; return the message."""
    before = everything()
    said = manage("apply", write(folder, content))
    assert said.code == 1, said.out
    assert everything() == before
    assert said.err.startswith("refused: ")
    return said.err.removeprefix("refused: ")


def changed(path, value):
    """Return the document with the value at a path such as ("contracts", 0, "zone")."""
    content = copy.deepcopy(document())
    place = content
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return content


def test_applied_twice_changes_nothing_more(tmp_path):
    path = write(tmp_path, document())
    first = manage("apply", path, "--json")
    assert first.code == 0, first.err
    assert first.json["unchanged"] == 0
    assert {one["action"] for one in first.json["changes"]} == {"create"}
    before, trail = everything(), AuditEvent.objects.count()
    second = manage("apply", path, "--json")
    assert second.json["changes"] == []
    assert second.json["unchanged"] == len(first.json["changes"])
    assert (everything(), AuditEvent.objects.count()) == (before, trail)


def test_dry_run_says_the_same_and_changes_nothing(tmp_path):
    path, before = write(tmp_path, document()), everything()
    tried = manage("apply", path, "--dry-run", "--json")
    assert tried.code == 0, tried.err
    assert everything() == before
    assert manage("apply", path, "--json").json["changes"] == tried.json["changes"]
    renamed = write(tmp_path, changed(("campuses", 0, "name"), "New name"))
    assert (
        "campuses SITE: update name 'Site' -> 'New name'"
        in manage("apply", renamed, "--dry-run").out
    )
    assert Campus.objects.get().name == "Site"


def test_a_changed_field_is_updated_and_stands_in_the_trail(tmp_path):
    manage("apply", write(tmp_path, document()))
    said = manage(
        "apply", write(tmp_path, changed(("delivery_points", 0, "capacity_kw"), "9000.5"))
    )
    assert said.out.startswith("delivery_points SITE/LOAD: update capacity_kw '' -> '9000.5'")
    assert DeliveryPoint.objects.get().capacity_kw == Decimal("9000.5")
    event = AuditEvent.objects.filter(action="portfolio.update").get()
    assert event.after == {"capacity_kw": "9000.5"}
    assert event.actor_name == "apply"
    manage("apply", write(tmp_path, changed(("tenants", 0, "name"), "Renamed Inc.")))
    assert Tenant.objects.get().name == "Renamed Inc."


def test_the_demonstration_document_applies_and_repeats():
    assert manage("apply", DEMO).code == 0
    again = manage("apply", DEMO)
    assert (again.code, again.out.startswith("0 changed, ")) == (0, True)


def test_rules_of_a_channel_are_set_and_a_wrong_parameter_is_refused(tmp_path):
    channel = document()["channels"][0]["code"]
    row = {"channel": channel, "rule_key": "stuck@1", "effective_from": "2026-01-01"}
    path = write(tmp_path, document(rule_settings=[row | {"parameters": {"max_repeat": "16"}}]))
    assert manage("apply", path).code == 0
    setting = RuleSetting.objects.get()
    assert (setting.channel.code, setting.rule_key) == (channel, "stuck@1")
    assert parse_setting("stuck@1", setting.parameters).max_repeat == 16
    wrong = document(rule_settings=[row | {"parameters": {"repeat": "16"}}])
    assert "repeat: unknown field; known: max_repeat" in refused(tmp_path, wrong)


VERSION = ("contracts", 0, "versions", 0)
V1 = "contracts[0].versions[0]"
NOT_READY = f"{V1}: PPA v1 cannot be activated: "
WRONG = [
    (("colour",), [], "unknown section 'colour'; known: tenants, campuses, "),
    (("campuses", 0, "colour"), "red", "campuses[0].colour: unknown field; known: "),
    (("campuses", 0, "zone"), "Mars/Base", "campuses[0].zone: "),
    (("campuses", 0, "name"), ["a"], "campuses[0].name: write one value, found ['a']"),
    (
        ("campuses", 0, "name"),
        True,
        "campuses[0].name: true or false means nothing here, found True",
    ),
    (("campuses",), {"code": "X"}, "campuses: a section is a list of items"),
    (("campuses", 0, "code"), None, "campuses[0]: 'code' is missing"),
    (("delivery_points", 0, "capacity_kw"), "lots", "delivery_points[0].capacity_kw: "),
    (("delivery_points", 0, "kind"), "TREE", "delivery_points[0].kind: "),
    (
        ("delivery_points", 0, "campus"),
        "NOWHERE",
        "delivery_points[0].campus: there is no campus 'NOWHERE'",
    ),
    (
        ("channels", 0, "delivery_point"),
        "GONE",
        "channels[0].delivery_point: delivery point 'GONE' does not exist",
    ),
    (
        ("installations", 0, "valid"),
        ["2026-01-01", ""],
        "installations[0].valid: '2026-01-01' needs an offset or Z",
    ),
    (
        ("installations", 0, "valid"),
        "always",
        "installations[0].valid: write [first, end], the end may be empty",
    ),
    (
        ("installations", 0, "multiplier_applied_by_source"),
        "yes",
        "installations[0].multiplier_applied_by_source: write true or false here, found 'yes'",
    ),
    (("contracts", 0, "seller"), "nobody", "contracts[0].seller: there is no party 'nobody'"),
    (("contracts", 0, "versions"), {"a": 1}, "contracts[0].versions: write a list, found {'a': 1}"),
    ((*VERSION, "terms", 0, "parameters", "price"), None, f"{V1}.terms[0]: "),
    ((*VERSION, "terms", 0, "parameters", "prcie"), "1", f"{V1}.terms[0]: "),
    ((*VERSION, "terms", 0, "charge_type"), "magic@1", f"{V1}.terms[0]: "),
    (
        (*VERSION, "terms", 0, "line_code"),
        "ten",
        f"{V1}.terms[0].line_code: 'ten' is not a whole number",
    ),
    ((*VERSION, "terms", 0, "label"), None, f"{V1}.terms[0]: 'label' is missing"),
    ((*VERSION, "terms", 0, "note"), "x", f"{V1}.terms[0].note: unknown field; known: "),
    ((*VERSION, "terms"), [], f"{NOT_READY}the version has no term"),
    ((*VERSION, "examples"), [], f"{NOT_READY}no worked example"),
    (
        (*VERSION, "examples", 0, "expected"),
        {"40": "31.00"},
        f"{NOT_READY}example 'The fixed fee': line 40: agreed 31.00, computed 30.00",
    ),
    ((*VERSION, "examples", 0, "name"), None, f"{V1}.examples[0]: 'name' is missing"),
    ((*VERSION, "valid"), "2026", f"{V1}.valid: write [first day, day after the last or empty]"),
    (
        (*VERSION, "valid"),
        ["2026-13-01", ""],
        f"{V1}.valid: '2026-13-01' is not a date like 2026-01-31",
    ),
    (
        ("tenant_points", 0, "contract"),
        "PPA-9",
        "tenant_points[0].contract: there is no contract 'PPA-9'",
    ),
    (("opening_balances", 0, "reason"), None, "opening_balances[0]: 'reason' is missing"),
    (
        ("opening_balances", 0, "carry"),
        {"20": {"peaks": {"2025-12": "many"}}},
        "opening_balances[0]: ",
    ),
    (("tenants", 0, "name"), None, "tenants[0]: 'name' is missing"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=[w[2][:60] for w in WRONG])
def test_a_wrong_document_says_where_and_changes_nothing(tmp_path, path, value, message):
    said = refused(tmp_path, changed(path, value))
    assert said.startswith(message), said


def test_a_term_without_price_names_the_price(tmp_path):
    content = changed((*VERSION, "terms", 0, "parameters", "price"), None)
    assert "price" in refused(tmp_path, content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("campuses: []\ncampuses: []\n", "line 2: 'campuses' stands twice in the same block"),
        ("campuses: [\n", "column"),
        ("- a\n", "the document is a list of sections by name"),
    ],
)
def test_text_that_is_no_portfolio_is_refused(tmp_path, text, message):
    assert message in refused(tmp_path, text)


def test_a_file_that_is_not_utf8_and_one_that_is_not_there(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("campuses: [{code: A, name: Gr\xf6\xdfe}]".encode("latin-1"))
    said = manage("apply", path)
    assert (said.code, "is not UTF-8" in said.err) == (1, True)
    said = manage("apply", tmp_path / "nothing.yaml")
    assert said.code == 1
    assert "nothing.yaml" in said.err


def test_the_same_item_twice_is_refused(tmp_path):
    content = document()
    content["meters"].append({"campus": "SITE", "serial": "M-1", "manufacturer": "Other"})
    assert (
        refused(tmp_path, content) == "meters[1]: meters 'SITE/M-1' stands twice; keep one of them"
    )


def test_overlapping_versions_are_refused(tmp_path):
    content = document()
    version = copy.deepcopy(content["contracts"][0]["versions"][0])
    content["contracts"][0]["versions"][0]["valid"] = ["2026-01-01", "2026-07-01"]
    version["valid"] = ["2026-04-01", ""]
    content["contracts"][0]["versions"].append(version)
    said = refused(tmp_path, content)
    assert said.startswith("contracts[0].versions[1]: PPA v2 (from 2026-04-01) overlaps version 1")


def test_two_contracts_for_one_point_are_refused(tmp_path):
    content = document()
    content["contracts"].append({**content["contracts"][0], "code": "PPA-2"})
    content["tenant_points"].append({**content["tenant_points"][0], "contract": "PPA-2"})
    said = refused(tmp_path, content)
    assert said == "tenant_points[1]: The point already serves a contract on some of the days."


CHANGED = [
    ((*VERSION, "terms", 0, "parameters", "price"), "63.00", "terms"),
    ((*VERSION, "terms", 0, "label"), "Power", "terms"),
    ((*VERSION, "facts", "contract_kw"), "9500", "facts"),
    ((*VERSION, "anchor_date"), "2025-06-01", "anchor_date"),
    ((*VERSION, "examples", 0, "inputs", "period"), "2026-02", "examples"),
    ((*VERSION, "valid"), ["2026-01-01", "2027-01-01"], "days"),
]


@pytest.mark.parametrize(("path", "value", "what"), CHANGED)
def test_an_active_version_is_never_changed(tmp_path, path, value, what):
    assert manage("apply", write(tmp_path, document())).code == 0
    assert refused(tmp_path, changed(path, value)) == (
        f"{V1}: PPA v1 exists with other {what}; write a new version with its own first day instead"
    )


def appended(content, version):
    longer = copy.deepcopy(content)
    longer["contracts"][0]["versions"].append(version)
    return longer


def test_a_successor_ends_the_open_version_and_the_document_still_repeats(tmp_path):
    assert manage("apply", write(tmp_path, document())).code == 0
    content = document()
    later = copy.deepcopy(content["contracts"][0]["versions"][0])
    later["valid"] = ["2026-07-01", ""]
    later["terms"][0]["parameters"]["price"] = "64.00"
    said = manage("apply", write(tmp_path, appended(content, later)))
    assert "no worked example agrees an amount for line 10 Energy, which this" in said.err
    flat = {"period": "2026-03", "series": {"delivered": {"flat": "1000", "minutes": 15}}}
    agreed = {"name": "Energy", "inputs": flat, "expected": {"10": "190208.00"}}
    later["examples"].append(agreed)
    content["contracts"][0]["versions"].append(later)
    said = manage("apply", write(tmp_path, content))
    assert said.code == 0, said.err
    assert "contracts.versions PPA/2026-07-01: create" in said.out
    days = [version.valid_text() for version in Contract.objects.get().versions.order_by("number")]
    assert days == ["2026-01-01 to 2026-06-30", "from 2026-07-01"]
    assert manage("apply", write(tmp_path, content), "--json").json["changes"] == []


def test_a_draft_is_activated_when_the_document_no_longer_holds_it_back(tmp_path):
    assert manage("apply", write(tmp_path, changed((*VERSION, "activate"), False))).code == 0
    assert ContractVersion.objects.get().state == "DRAFT"
    said = manage("apply", write(tmp_path, document()))
    assert "contracts.versions PPA/2026-01-01: update state 'DRAFT' -> 'ACTIVE'" in said.out
    assert ContractVersion.objects.get().state == "ACTIVE"


def test_an_opening_balance_is_never_changed(tmp_path):
    assert manage("apply", write(tmp_path, document())).code == 0
    carry = {"20": {"peaks": {"2025-12": "8200"}}}
    said = refused(tmp_path, changed(("opening_balances", 0, "carry"), carry))
    assert (
        said == "opening_balances[0]: an opening balance of PPA/2026-01 exists with another carry"
    )


def test_a_refusal_as_json_has_its_code_and_findings(tmp_path):
    content = changed((*VERSION, "terms", 0, "parameters", "price"), None)
    said = manage("apply", write(tmp_path, content), "--json")
    assert said.code == 1
    told = json.loads(said.err)
    assert set(told) == {"refused", "code", "findings"}
    assert told["findings"]
