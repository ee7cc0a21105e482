"""The doctor finds what is wrong, and only that."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from poweroptix.doctor import collect, examine
from poweroptix.kernel.errors import NotFoundError

pytestmark = pytest.mark.django_db


def violations(code):
    (verdict,) = [v for v in examine(connection, only=[code]) if v.code == code]
    return " | ".join(verdict.violations)


def run(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_a_fresh_database_is_well():
    assert [v.violations for v in examine(connection) if not v.holds] == []


def test_every_invariant_has_a_sentence_and_a_dotted_code():
    for one in collect():
        assert "." in one.code, one
        assert one.sentence.endswith("."), one


@pytest.mark.parametrize(
    ("code", "harm", "expected"),
    [
        (
            "db.row_security",
            "ALTER TABLE accounts_user DISABLE ROW LEVEL SECURITY",
            "accounts_user has tenant_id but no row policy",
        ),
        (
            "db.portal_sees_policies_only",
            "CREATE TABLE t (tenant_id bigint); GRANT SELECT ON t TO poweroptix_portal",
            "t is open to the portal without row policies",
        ),
        (
            "db.portal_owns_nothing",
            "GRANT UPDATE ON accounts_tenant TO poweroptix_portal",
            "the portal may write accounts_tenant",
        ),
        (
            "db.portal_views",
            "CREATE VIEW v AS SELECT 1 AS x; GRANT SELECT ON v TO poweroptix_portal",
            "v runs with the rights of its owner",
        ),
        (
            "db.portal_views",
            "CREATE FUNCTION f() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'",
            "f is SECURITY DEFINER",
        ),
        (
            "db.append_only",
            "GRANT UPDATE ON audit_auditevent TO poweroptix_app",
            "poweroptix_app may change audit_auditevent",
        ),
        (
            "db.rules",
            "DROP TRIGGER pox_append_only ON audit_auditevent",
            "trigger pox_append_only of audit_auditevent is missing",
        ),
        (
            "db.rules",
            "ALTER TABLE audit_auditevent DISABLE TRIGGER pox_append_only",
            "trigger pox_append_only of audit_auditevent is missing or off",
        ),
        (
            "db.finite",
            "ALTER TABLE jobs_tick ADD COLUMN amount_usd numeric",
            "jobs_tick.amount_usd takes NaN",
        ),
    ],
)
def test_harm_to_the_structure_is_found(code, harm, expected):
    assert violations(code) == ""
    run(harm)
    assert expected in violations(code)


@pytest.mark.no_doctor("leaves a job that names nobody")
def test_a_job_of_nobody_is_found():
    run(
        "INSERT INTO jobs_job (kind, key, payload, state, stage, attempts, max_attempts, fence, "
        "owner, progress_done, progress_total, progress_label, error_code, error, trace, "
        "created_by_id) VALUES ('k', '1', '{}', 'queued', 0, 0, 3, 0, '', 0, 0, '', '', '', '', 77)"
    )
    assert "names a person who does not exist" in violations("jobs.references")


@pytest.mark.no_doctor("alters an event behind the trigger's back")
def test_an_altered_event_is_found():
    from poweroptix.audit.actor import Actor
    from poweroptix.audit.services import record

    event = record("x.y", ("thing", 1), actor=Actor.system("t"), reason="true")
    run(
        "GRANT ALL ON audit_auditevent TO CURRENT_USER",
        "ALTER TABLE audit_auditevent DISABLE TRIGGER pox_append_only",
        "UPDATE audit_auditevent SET reason = 'nicer'",
    )
    assert f"audit event {event.pk} was altered" in violations("audit.digest")


def test_only_what_a_change_could_break_is_asked():
    asked = {v.code for v in examine(connection, touched={"accounts_tenant"})}
    assert "jobs.references" in asked
    assert "jobs.ends" not in asked
    assert "db.finite" not in asked


def test_command_prints_json_and_exits_by_verdict(capsys):
    call_command("doctor", "--json", "--only", "db.")
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert all(one["code"].startswith("db.") for one in document["invariants"])
    run("ALTER TABLE jobs_tick ADD COLUMN amount_usd numeric")
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--only", "db.finite")
    assert ended.value.code == 1
    assert "jobs_tick.amount_usd takes NaN" in capsys.readouterr().out


def test_an_unknown_code_is_wrong_usage():
    with pytest.raises(CommandError, match="No invariant is called 'nope'"):
        call_command("doctor", "--only", "nope")
    with pytest.raises(NotFoundError):
        examine(connection, only=["nope"])
