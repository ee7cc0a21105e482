"""Import of reference data: a row is judged in the preview as a form would judge it."""

import pytest
from tablib import Dataset

from contracts.models import Party
from contracts.resources import PartyResource

pytestmark = pytest.mark.django_db
HEAD = ["code", "name", "legal_name", "role", "tenant", "address", "bank", "tax_id"]


def preview(*rows):
    return PartyResource().import_data(Dataset(*rows, headers=HEAD), dry_run=True)


def test_a_good_row_is_new():
    found = preview(["NEWCO", "New Co", "New Co LLC", "SELLER", "", "{}", "{}", ""])
    assert not found.has_errors()
    assert not found.has_validation_errors()
    assert found.rows[0].import_type == "new"
    assert not Party.objects.exists()


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (["BAD", "Bad", "Bad LLC", "NOROLE", "", "{}", "{}", ""], "role"),
        (["BAD", "", "Bad LLC", "SELLER", "", "{}", "{}", ""], "name"),
    ],
)
def test_a_bad_row_is_named_in_the_preview(row, column):
    found = preview(row)
    assert found.has_validation_errors()
    assert column in found.invalid_rows[0].error_dict
