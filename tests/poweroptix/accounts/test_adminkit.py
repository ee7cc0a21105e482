"""The admin's base classes: rights by role, audit events, safe and bounded tables."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from poweroptix import adminkit
from poweroptix.accounts.models import Tenant
from poweroptix.accounts.services import create_tenant, create_user
from poweroptix.audit.actor import Actor
from poweroptix.audit.models import AuditEvent
from poweroptix.clock import now

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
LIST = "/admin/accounts/tenant/"


@pytest.fixture
def log_in(client):
    def as_role(role):
        client.force_login(create_user(f"u-{role}", None, role=role, actor=SYSTEM))
        return client

    return as_role


def upload(client, text):
    file = SimpleUploadedFile("tenants.csv", text.encode(), content_type="text/csv")
    return client.post(f"{LIST}import/", {"import_file": file, "format": "0", "resource": "0"})


def confirm(client, answer):
    form = answer.context["confirm_form"]
    return client.post(f"{LIST}process_import/", form.initial)


def test_rights_follow_the_role(log_in):
    tenant = create_tenant("alfa", "Alfa", actor=SYSTEM, now=now())
    page = f"{LIST}{tenant.pk}/change/"
    auditor = log_in("auditor")
    assert auditor.get(LIST).status_code == 200
    assert auditor.post(page, {"code": "x", "name": "x"}).status_code == 403
    assert auditor.get(f"{LIST}import/").status_code == 403
    assert log_in("viewer").get(LIST).status_code == 403
    administrator = log_in("administrator")
    assert administrator.post(page, {"code": "alfa", "name": "Alfa Inc"}).status_code == 302
    assert administrator.post(f"{LIST}{tenant.pk}/delete/", {"post": "yes"}).status_code == 403
    event = AuditEvent.objects.get(action="admin.change")
    assert (event.actor_name, event.object_label) == ("u-administrator", "Alfa Inc")
    assert event.after == {"changes": [{"changed": {"fields": ["Name"]}}]}


def test_a_person_of_a_tenant_does_not_enter(client):
    tenant = create_tenant("alfa", "Alfa", actor=SYSTEM, now=now())
    client.force_login(create_user("t", None, role="owner", tenant=tenant, actor=SYSTEM))
    assert client.get(LIST).status_code in (302, 403, 404)


def test_people_are_made_in_the_admin_with_roles(log_in):
    administrator = log_in("administrator")
    page = "/admin/accounts/user/add/"
    assert administrator.get(page).status_code == 200
    answer = administrator.post(
        page,
        {
            "username": "grace",
            "usable_password": "false",
            "role": "approver",
            "email": "",
            "is_staff": "on",
        },
    )
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert AuditEvent.objects.filter(action="admin.add", object_label="grace").exists()


def test_what_leaves_cannot_start_a_formula_and_comes_back_the_same(log_in):
    names = {"alfa": "=HYPERLINK(1)", "bravo": "+1 LLC", "carl": "Plain", "dora": "'quoted"}
    for code, name in names.items():
        create_tenant(code, name, actor=SYSTEM, now=now())
    client = log_in("administrator")
    form = {
        "format": "0",
        "resource": "0",
        "tenantresource_code": "on",
        "tenantresource_name": "on",
    }
    text = client.post(f"{LIST}export/", form).content.decode()
    assert "'=HYPERLINK(1)" in text
    assert "'+1 LLC" in text
    Tenant.objects.all().delete()
    answer = upload(client, text)
    assert answer.status_code == 200
    assert Tenant.objects.count() == 0
    assert confirm(client, answer).status_code == 302
    assert dict(Tenant.objects.values_list("code", "name")) == names
    event = AuditEvent.objects.get(action="admin.import")
    assert event.after == {"totals": {"new": 4}}


def test_a_long_file_is_refused_with_the_way_out(log_in):
    rows = "".join(f"t{n},T\n" for n in range(adminkit.IMPORT_ROWS_MAX + 1))
    answer = upload(log_in("administrator"), "code,name\n" + rows)
    assert "has 5001 rows; this page takes 5000" in answer.content.decode()
    assert Tenant.objects.count() == 0


def test_badge_escapes_and_knows_its_tones():
    assert "&lt;b&gt;" in adminkit.badge("<b>", "bad")
    with pytest.raises(KeyError):
        adminkit.badge("x", "loud")


def test_the_plain_theme_needs_nothing_of_unfold():
    program = (
        "import django; django.setup(); from django.contrib import admin; "
        "from django.conf import settings; import sys; "
        "assert 'unfold' not in settings.INSTALLED_APPS; admin.autodiscover(); "
        "assert 'unfold' not in sys.modules; from poweroptix.adminkit import ModelAdmin; "
        "assert admin.ModelAdmin in ModelAdmin.__mro__"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "POWEROPTIX_ADMIN_THEME": "plain",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
