"""The audit trail: what is written, and that it stays."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from poweroptix.audit.actor import Actor
from poweroptix.audit.models import AuditEvent
from poweroptix.audit.services import digest, record, request_scope
from poweroptix.kernel.errors import Refused

ADA = Actor("user", 7, "ada")
pytestmark = pytest.mark.django_db


def run_as(role, statement):
    with transaction.atomic(), connection.cursor() as cursor:
        if role:
            cursor.execute(f"SET LOCAL ROLE {role}")
        cursor.execute(statement)


def test_an_event_says_who_what_and_why():
    with request_scope("req-1"):
        event = record(
            "readings.edit",
            ("meters.channel_day", "17/2026-03-01"),
            actor=ADA,
            reason="meter read by hand",
            before={"total_kwh": Decimal("10.5")},
            after={"total_kwh": Decimal("12")},
            tenant_id=3,
        )
    event.refresh_from_db()
    assert (event.actor_kind, event.actor_id, event.actor_name) == ("user", 7, "ada")
    assert event.before == {"total_kwh": "10.5"}
    assert event.after == {"total_kwh": "12"}
    assert (event.tenant_id, event.request_id) == (3, "req-1")
    assert event.at is not None
    assert event.transaction > 0
    assert digest(event) == event.digest


def test_floats_are_refused():
    with pytest.raises(Refused, match="float"):
        record("x.y", ("thing", 1), actor=ADA, after={"amount_usd": 1.5})


def test_an_event_without_actor_is_refused():
    with pytest.raises(ValueError, match="an actor needs a name"):
        Actor.system("")
    with pytest.raises(DatabaseError, match="audit_has_actor"), transaction.atomic():
        AuditEvent.objects.create(actor_kind="", action="a", object_type="t", object_id="1")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET reason = 'nicer'",
        "DELETE FROM audit_auditevent",
        "TRUNCATE audit_auditevent",
    ],
)
@pytest.mark.parametrize("role", ["", "poweroptix_app", "poweroptix_worker", "poweroptix_web"])
def test_nobody_changes_an_event(statement, role):
    record("x.y", ("thing", 1), actor=ADA)
    with pytest.raises(DatabaseError, match=r"refused: rows of|permission denied"):
        run_as(role, statement)


def test_the_trigger_holds_even_the_owner_who_took_the_right_back():
    record("x.y", ("thing", 1), actor=ADA)
    with pytest.raises(DatabaseError, match="UPDATE refused: rows of audit_auditevent are kept"):
        run_as(
            "",
            "GRANT ALL ON audit_auditevent TO CURRENT_USER; "
            "UPDATE audit_auditevent SET reason = 'nicer'",
        )


def test_staff_may_add_and_read_events():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE poweroptix_app")
        record("x.y", ("thing", 1), actor=ADA)
        assert AuditEvent.objects.count() == 1
        cursor.execute("RESET ROLE")


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_admin_list_is_for_auditors_and_exports_safe_cells(client, role):
    from poweroptix.accounts.services import create_user

    user = create_user("u", None, role=role, actor=Actor.system("t"))
    record("x.y", ("thing", 1), actor=ADA, reason="=HYPERLINK(1)")
    client.force_login(user)
    page = client.get("/admin/audit/auditevent/")
    if role == "viewer":
        assert page.status_code == 403
        return
    assert page.status_code == 200
    assert client.get("/admin/audit/auditevent/add/").status_code == 403
    event = AuditEvent.objects.get(action="x.y")
    detail = client.get(f"/admin/audit/auditevent/{event.pk}/change/")
    assert detail.status_code == 200
    assert b'name="_save"' not in detail.content
    form = client.get("/admin/audit/auditevent/export/")
    assert form.status_code == 200
    fields = {f"auditeventresource_{name.name}": "on" for name in AuditEvent._meta.get_fields()}
    answer = client.post(
        "/admin/audit/auditevent/export/", {"format": "0", "resource": "0", **fields}
    )
    assert answer.status_code == 200
    assert "'=HYPERLINK(1)" in answer.content.decode()
    assert AuditEvent.objects.filter(action="admin.export", actor_name="u").count() == 1
