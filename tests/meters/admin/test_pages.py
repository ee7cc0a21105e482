"""Admin pages of metering: lists, searches, exports, imports with preview, actions."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from meters.models import (
    Campus,
    Channel,
    DeliveryPoint,
    Finding,
    Installation,
    LossFactor,
    QuarantinedRecord,
)
from meters.services import propose_edit, validate_days
from meters.services.editing.order import EditOrder
from poweroptix.jobs.models import Job
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel, person
from tests.meters.services.test_vee import DAY, FLAT, START

pytestmark = pytest.mark.django_db
MODELS = [m for m in admin.site._registry if m._meta.app_label == "meters"]


@pytest.fixture
def staff(client):
    user = get_user_model().objects.create_superuser("root", role="administrator")
    client.force_login(user)
    return client


@pytest.fixture
def data():
    channel = make_channel()
    builders.ingest(
        long_csv(channel.code, START, [*FLAT[:50], "900", *FLAT[51:]])
        + long_csv("GHOST/KWH", START, FLAT).split("\n", 1)[1]
    )
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    builders.make_profile("AMI")
    return channel


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m._meta.model_name)
def test_list_search_and_row(staff, data, model, django_assert_max_num_queries):
    base = f"admin:meters_{model._meta.model_name}"
    with django_assert_max_num_queries(20):
        page = staff.get(reverse(f"{base}_changelist"), {"q": "a"})
    assert page.status_code == 200
    row = model.objects.first()
    if row is not None:
        assert staff.get(reverse(f"{base}_change", args=[row.pk])).status_code == 200
    if admin.site._registry[model].has_add_permission(page.wsgi_request):
        assert staff.get(reverse(f"{base}_add")).status_code == 200


def test_every_master_table_imports_and_exports():
    names = {
        m._meta.model_name for m in MODELS if hasattr(admin.site._registry[m], "import_action")
    }
    assert names == {
        "campus", "generatingunit", "deliverypoint", "meter", "channel", "installation",
        "lossfactor", "rulesetting", "importprofile", "channelalias", "source", "siteholiday",
        "unitlimits", "powercurvepoint", "heatratepoint", "ruleset", "rulesetuse",
        "virtualdefinition",
    }  # fmt: skip


def import_csv(staff, model, text):
    """Send a CSV through preview and confirmation; return the preview."""
    page = reverse(f"admin:meters_{model}_import")
    preview = staff.post(
        page,
        {"format": "0", "import_file": SimpleUploadedFile("rows.csv", text.encode())},
    )
    confirm = preview.context.get("confirm_form")
    if confirm is not None:
        done = staff.post(reverse(f"admin:meters_{model}_process_import"), confirm.initial)
        assert done.status_code == 302, done.content
    return preview


def test_master_data_by_files_with_natural_keys(staff):
    import_csv(staff, "campus", "code,name,zone\nCAP,Caprock,America/Chicago\n")
    import_csv(
        staff, "deliverypoint",
        "campus,code,name,kind,capacity_kw\nCAP,P1,Tenant one,TENANT_LOAD,5000\n",
    )  # fmt: skip
    import_csv(staff, "meter", "campus,serial,manufacturer,model\nCAP,M-1,Acme,X\n")
    import_csv(
        staff, "channel",
        "code,delivery_point,quantity,direction,unit,minutes,role\n"
        "P1/KWH,CAP/P1,KWH,DELIVERED,kWh,15,MAIN\n",
    )  # fmt: skip
    import_csv(
        staff, "installation",
        "channel,meter,valid,ct_ratio,pt_ratio,multiplier_applied_by_source\n"
        "P1/KWH,CAP/M-1,2026-01-01T00:00:00+0000..,400,1,0\n",
    )  # fmt: skip
    import_csv(
        staff, "lossfactor", "delivery_point,effective_from,loss_ratio\nCAP/P1,2026-01-01,1.01\n"
    )
    assert Campus.objects.get().zone == "America/Chicago"
    assert Channel.objects.get().delivery_point == DeliveryPoint.objects.get()
    assert Installation.objects.get().multiplier_ratio == 400
    assert LossFactor.objects.get().effective_from.isoformat() == "2026-01-01"


def test_wrong_rows_are_told_in_the_preview(staff):
    preview = import_csv(staff, "channel", "code,delivery_point,minutes\nX/KWH,CAP/NOPE,15\n")
    assert "There is no delivery point CAP/NOPE; write CAMPUS/CODE." in preview.content.decode()
    preview = import_csv(staff, "campus", "code,name,zone\nX,X,Mars/Olympus\n")
    assert "is not a time zone we can use" in preview.content.decode()
    assert not Campus.objects.exists()


def test_export_holds_the_rows(staff, data):
    page = reverse("admin:meters_channel_export")
    form = staff.get(page).context["form"]
    chosen = {name: "on" for name in form.fields if name.startswith("channelresource_")}
    answer = staff.post(page, {"format": "0", "resource": "0", **chosen})
    assert answer["Content-Type"] == "text/csv"
    assert "CAP/TEN-ALFA/DEL_KWH" in answer.content.decode()


def act(staff, model, action, rows, **more):
    return staff.post(
        reverse(f"admin:meters_{model}_changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows], **more},
        follow=True,
    )


def test_finding_is_accepted_only_with_a_comment(staff, data):
    finding = Finding.objects.get(rule_code="V13")
    page = act(staff, "finding", "accept", [finding], comment="")
    assert "Say why in at least 10 characters" in page.content.decode()
    act(staff, "finding", "accept", [finding], comment="Chiller test by the tenant")
    finding.refresh_from_db()
    assert (finding.state, finding.decided_by) == ("ACCEPTED", "user:root")
    page = act(staff, "finding", "judge_again", [finding], comment="")
    assert "judged again" in page.content.decode()


def test_records_are_dismissed_and_files_enqueued(staff, data):
    record = QuarantinedRecord.objects.get()
    page = act(staff, "importfile", "read_now", [record.import_file])
    assert "0 files will be read." in page.content.decode()
    act(staff, "importfile", "replay_mapped", [record.import_file])
    assert not Job.objects.exists()
    record.state = "MAPPED"
    record.save()
    act(staff, "importfile", "replay_mapped", [record.import_file])
    assert Job.objects.get().kind == "replay_file"
    act(staff, "quarantinedrecord", "dismiss", [record])
    record.refresh_from_db()
    assert record.state == "DISMISSED"


def test_proposed_edits_are_to_look_at_only(staff, data):
    at = START + timedelta(hours=12)
    order = EditOrder(data, at, at + timedelta(minutes=15), "SET", Decimal(300))
    proposal = propose_edit(
        order, reason_code="OTHER", comment="Read from the display", actor=person("ann"), now=NOW
    )
    row = reverse("admin:meters_editproposal_change", args=[proposal.pk])
    assert "Read from the display" in staff.get(row).content.decode()
    assert staff.post(row, {"comment": "Something else"}).status_code == 403
    assert staff.get(reverse("admin:meters_editproposal_add")).status_code == 403


def test_unit_and_length_are_fixed_once_there_are_readings(staff, data):
    page = staff.get(reverse("admin:meters_channel_change", args=[data.pk]))
    assert {"unit", "minutes"}.isdisjoint(page.context["adminform"].form.fields)
    assert Campus.objects.exists()
