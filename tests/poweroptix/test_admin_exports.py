"""Every list of the set-up comes out as a spreadsheet with the rows it shows."""

import csv
import io

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.urls import reverse

from tests.factories.campus import build_campus

pytestmark = pytest.mark.django_db


def pages():
    """Return (model, page) of every list that offers an export."""
    admin.autodiscover()
    return [
        (model, page)
        for model, page in admin.site._registry.items()
        if hasattr(page, "has_export_permission")
    ]


def test_every_list_is_exported_with_all_its_rows(client, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    build_campus()
    client.force_login(get_user_model().objects.create_superuser("root", role="administrator"))
    filled = set()
    for model, page in pages():
        resource = page.get_export_resource_classes(None)[0]()
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_export")
        count = model._default_manager.count()  # before: the export itself is an audit event
        answer = client.post(address, {"format": "0", "resource": "0", **_ticked(resource)})
        assert answer.status_code == 200, model._meta.label
        assert answer["Content-Type"].startswith("text/csv"), model._meta.label
        rows = list(csv.reader(io.StringIO(answer.content.decode())))
        assert len(rows) == count + 1, model._meta.label
        assert len(rows[0]) == len(resource.get_export_order()), model._meta.label
        if len(rows) > 1:
            filled.add(model._meta.label)
    assert {"contracts.Term", "contracts.ContractVersion", "settlement.AllocationRun"} <= filled


def _ticked(resource):
    """Return the boxes of a resource's columns, all ticked."""
    prefix = type(resource).__name__.lower()
    return {f"{prefix}_{name}": "on" for name in resource.fields}
