"""A contract as a document: the same again changes nothing, and elsewhere it makes the same."""

from datetime import date

import pytest
import yaml
from django.core.management import CommandError, call_command

from contracts.models import Contract, Party
from contracts.services import (
    activate_version,
    add_example,
    add_term,
    assign_point,
    new_version,
    set_opening_balance,
    terminate_contract,
)
from contracts.services.document import contract_document
from meters.models import DeliveryPoint
from poweroptix.kernel.errors import Refused
from poweroptix.portfolio.changes import SAME
from poweroptix.portfolio.services import apply_document
from tests.contracts.conftest import (  # noqa: F401 - fixtures of contracts
    ACTOR,
    EXAMPLE,
    NOW,
    active,
    campus,
    contract,
    draft,
    parties,
    tenants,
)

BY = {"actor": ACTOR, "now": NOW}


def version(contract, first, price, **more):  # noqa: F811
    made = new_version(contract, first_day=first, note=f"price {price}", **BY)
    term = made.terms.get(line_code=10)
    term.parameters["price"] = price
    term.save()
    total = f"{int(price) * 2972}.00"
    add_example(made, name="March", inputs=EXAMPLE, expected={"10": total}, actor=ACTOR)
    return activate_version(made, **BY, **more)


@pytest.fixture
def written(active, parties):  # noqa: F811
    """A contract with an ended, a replaced, a future and a drafted version, point and opening."""
    held = active.contract
    version(held, date(2026, 7, 1), "52")
    version(held, date(2026, 7, 1), "53", supersede=True)
    version(held, date(2027, 1, 1), "54")
    drafted = new_version(held, first_day=date(2028, 1, 1), note="talks", **BY)
    add_term(
        drafted,
        line_code=20,
        charge_type_key="demand@1",
        label="Demand",
        clause_text="Two\nlines: with “quotes” and 0123",
        parameters={"prices": [{"period": "ALL", "blocks": [{"rate": "1.50"}]}]},
        actor=ACTOR,
    )
    point = DeliveryPoint.objects.create(
        campus=held.campus, code="HALL", name="Hall", kind="TENANT_LOAD"
    )
    assign_point(held, point, first_day=date(2026, 1, 1), share_ratio="0.5", actor=ACTOR)
    items = [{"reference": "2025-118", "due_date": "2025-12-30", "amount": "12.50"}]
    carry = {"20": {"peaks": {"2025-11": None, "2025-12": "26000"}}}
    set_opening_balance(
        held, period="2026-01", carry=carry, open_items=items, reason="Agreed.", **BY
    )
    return held


def through_yaml(document):
    return yaml.safe_load(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def test_the_same_document_changes_nothing_and_a_copy_is_the_same(written):
    document = contract_document(written)
    assert [one["number"] for one in document["contracts"][0]["versions"]] == [1, 2, 3, 4, 5]
    again = apply_document(through_yaml(document), **BY)
    assert {one.action for one in again} == {SAME}
    text = yaml.safe_dump(document, sort_keys=False).replace("PPA-ALFA", "PPA-COPY")
    moved = yaml.safe_load(text)
    moved["tenant_points"] = []
    apply_document(moved, **BY)
    copy = Contract.objects.get(code="PPA-COPY")
    states = [v.state for v in copy.versions.order_by("number")]
    assert states == [v.state for v in written.versions.order_by("number")]
    assert states == ["ACTIVE", "SUPERSEDED", "ACTIVE", "ACTIVE", "DRAFT"]
    told = yaml.safe_dump(contract_document(copy), sort_keys=False).replace("PPA-COPY", "PPA-ALFA")
    assert yaml.safe_load(told) == {k: v for k, v in document.items() if k != "tenant_points"}


def test_an_ended_contract_ends_in_the_copy_too(written):
    written = terminate_contract(written, last_day=date(2026, 8, 15), reason="Sold.", **BY)
    document = contract_document(written)
    assert document["contracts"][0]["ends"] == {"last_day": "2026-08-15", "reason": "Sold."}
    assert {one.action for one in apply_document(through_yaml(document), **BY)} == {SAME}
    text = yaml.safe_dump(document, sort_keys=False).replace("PPA-ALFA", "PPA-COPY")
    apply_document({**yaml.safe_load(text), "tenant_points": []}, **BY)
    copy = Contract.objects.get(code="PPA-COPY")
    assert copy.last_day == date(2026, 8, 15)
    told = [(v.number, v.state, v.valid) for v in copy.versions.order_by("number")]
    assert told == [(v.number, v.state, v.valid) for v in written.versions.order_by("number")]
    later = through_yaml(document)
    later["contracts"][0]["ends"]["last_day"] = "2026-08-16"
    with pytest.raises(Refused, match="PPA-ALFA ends on 2026-08-15 already"):
        apply_document(later, **BY)


def test_the_command_writes_it_and_names_an_unknown_contract(written, tmp_path):
    out = tmp_path / "alfa.yaml"
    call_command("export_portfolio", contract="PPA-ALFA", out=out)
    assert yaml.safe_load(out.read_text()) == contract_document(written)
    assert Party.objects.filter(code="ALFA").exists()
    with pytest.raises(CommandError, match="There is no contract 'NONE'"):
        call_command("export_portfolio", contract="NONE")
