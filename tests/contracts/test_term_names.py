"""What a term may not be called: a quantity nobody has, another code for a line that goes on."""

from datetime import date

import pytest

from contracts.forms.workspace import workspace_form
from contracts.services import new_version
from tests.contracts.conftest import ACTOR, NOW

FORM = {"line_code": "10", "label": "Energy", "quantity_name": "delivered", "p_price": "52"}


@pytest.mark.django_db
def test_a_wrong_quantity_and_another_code_are_refused_at_their_fields(active):
    version = new_version(active.contract, first_day=date(2026, 7, 1), actor=ACTOR, now=NOW)
    kind = workspace_form("fixed_energy@1")
    given = {n: f.initial for n, f in kind.base_fields.items() if f.initial is not None} | FORM

    def errors(**changes):
        term = version.terms.get()
        return kind(given | changes, instance=term, version=version).errors

    assert errors(quantity_name="delivred")["quantity_name"] == [
        "There is no quantity 'delivred'. The contract has delivered, metered, and "
        "delivered.<source>. Bind further ones first."
    ]
    assert errors(line_code="11")["line_code"] == [
        "Line 10 goes on from version 1: its code is fixed for its life. Write a new term instead."
    ]
    for name in ("delivered", "metered", "delivered.solar"):
        assert "quantity_name" not in errors(quantity_name=name)
    assert "line_code" not in errors()
