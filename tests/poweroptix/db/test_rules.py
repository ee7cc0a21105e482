"""Every kind of rule does what it says, for every role, and goes when it is taken away."""

import pytest
from django.db import DatabaseError, connection

from poweroptix.db import installer
from poweroptix.db.rules import (
    PORTAL,
    WEB,
    AppendOnly,
    ChannelPolicy,
    FrozenChild,
    Grant,
    Immutable,
    Policy,
    PortalGrant,
    Sql,
    StateMachine,
)
from poweroptix.kernel.errors import Refused

pytestmark = pytest.mark.django_db
APP = "poweroptix_app"


def test_append_only_takes_rows_and_keeps_them(execute, rules):
    execute("CREATE TABLE t (id bigint PRIMARY KEY, x int)")
    rules(AppendOnly("t"))
    execute("INSERT INTO t VALUES (1, 1)", role=APP)
    execute("INSERT INTO t VALUES (2, 1)", role="poweroptix_worker")
    for statement in ("UPDATE t SET x = 1", "DELETE FROM t", "TRUNCATE t"):
        with pytest.raises(DatabaseError, match="refused: rows of t are kept as they are"):
            execute(statement)
        with pytest.raises(DatabaseError, match="permission denied for table t"):
            execute(statement, role=APP)
    assert execute("SELECT count(*) FROM t") == [(2,)]


def test_immutable_lets_only_the_named_columns_change(execute, rules):
    execute("CREATE TABLE t (id bigint PRIMARY KEY, state text, total numeric, note text)")
    rules(Immutable("t", "OLD.state IN ('ISSUED', 'VOID')", allow_columns=("state", "note")))
    execute("INSERT INTO t VALUES (1, 'DRAFT', 5, ''), (2, 'ISSUED', 5, '')")
    execute("UPDATE t SET total = 6 WHERE id = 1", "UPDATE t SET state = 'VOID' WHERE id = 2")
    with pytest.raises(DatabaseError, match=r"this row of t can no longer change \(total\)"):
        execute("UPDATE t SET total = 6, note = 'x' WHERE id = 2")
    with pytest.raises(DatabaseError, match="DELETE refused"):
        execute("DELETE FROM t WHERE id = 2")
    execute("DELETE FROM t WHERE id = 1")


def test_immutable_without_exceptions_accepts_an_unchanged_save(execute, rules):
    execute("CREATE TABLE t (id bigint PRIMARY KEY, x int)", "INSERT INTO t VALUES (1, 1)")
    rules(Immutable("t"))
    execute("UPDATE t SET x = 1")
    with pytest.raises(DatabaseError, match=r"can no longer change \(x\)"):
        execute("UPDATE t SET x = NULL")


def test_child_rows_are_frozen_with_their_parent(execute, rules):
    execute(
        "CREATE TABLE p (id bigint PRIMARY KEY, state text)",
        "CREATE TABLE c (id bigint PRIMARY KEY, p_id bigint, x int)",
        "INSERT INTO p VALUES (1, 'DRAFT'), (2, 'DRAFT')",
    )
    rules(FrozenChild("c", parent="p", column="p_id", when_sql="p.state <> 'DRAFT'"))
    execute("INSERT INTO c VALUES (1, 1, 0), (2, 2, 0)", role=APP)
    execute("UPDATE p SET state = 'ISSUED' WHERE id = 1")
    for statement in (
        "INSERT INTO c VALUES (3, 1, 0)",
        "UPDATE c SET x = 1 WHERE id = 1",
        "DELETE FROM c WHERE id = 1",
        "UPDATE c SET p_id = 1 WHERE id = 2",
        "UPDATE c SET p_id = 2 WHERE id = 1",
    ):
        with pytest.raises(DatabaseError, match="refused: the p of this row of c is closed"):
            execute(statement, role=APP)
    execute("UPDATE c SET x = 1 WHERE id = 2", role=APP)


def test_states_move_only_along_the_given_ways(execute, rules):
    execute("CREATE TABLE t (id bigint PRIMARY KEY, state text)")
    rules(StateMachine("t", "state", {"DRAFT": ("ISSUED",)}, initial=("DRAFT",)))
    with pytest.raises(DatabaseError, match="state of t cannot begin as ISSUED"):
        execute("INSERT INTO t VALUES (1, 'ISSUED')")
    execute("INSERT INTO t VALUES (1, 'DRAFT')", "UPDATE t SET state = 'DRAFT'")
    with pytest.raises(DatabaseError, match="state of t cannot go from DRAFT to VOID"):
        execute("UPDATE t SET state = 'VOID'")
    execute("UPDATE t SET state = 'ISSUED'")
    with pytest.raises(DatabaseError, match="state of t cannot go from ISSUED to DRAFT"):
        execute("UPDATE t SET state = 'DRAFT'")


def test_a_tenant_sees_its_rows_and_without_scope_none(execute, rules):
    execute(
        "CREATE TABLE t (id bigint PRIMARY KEY, tenant_id bigint)",
        "INSERT INTO t VALUES (1, 10), (2, 20), (3, NULL)",
    )
    rules(Policy("t"), PortalGrant("t"))
    seen = "SELECT array_agg(id ORDER BY id) FROM t"
    assert execute("SET LOCAL app.tenant_id = '10'", seen, role=PORTAL) == [([1],)]
    assert execute("SET LOCAL app.tenant_id = ''", seen, role=PORTAL) == [(None,)]
    assert execute(seen, role=APP) == [([1, 2, 3],)]
    with pytest.raises(DatabaseError, match="permission denied for table t"):
        execute("INSERT INTO t VALUES (4, 10)", role=PORTAL)
    with pytest.raises(DatabaseError, match="permission denied for table t"):
        execute(seen, role=WEB)


def test_a_tenant_writes_only_its_own_rows_where_it_may_write(execute, rules):
    execute("CREATE TABLE t (id bigint PRIMARY KEY, tenant_id bigint)")
    rules(Policy("t"), PortalGrant("t", privileges=("SELECT", "INSERT")))
    execute("SET LOCAL app.tenant_id = '10'", "INSERT INTO t VALUES (1, 10)", role=PORTAL)
    with pytest.raises(DatabaseError, match="new row violates row-level security"):
        execute("SET LOCAL app.tenant_id = '10'", "INSERT INTO t VALUES (2, 20)", role=PORTAL)


def test_blocks_are_seen_by_the_list_of_channels(execute, rules):
    execute(
        "CREATE TABLE t (channel_id bigint, day date)",
        "INSERT INTO t VALUES (1, '2026-03-01'), (2, '2026-03-01'), (3, '2026-03-01')",
    )
    rules(ChannelPolicy("t"), PortalGrant("t", columns=("channel_id",)))
    seen = "SELECT array_agg(channel_id ORDER BY channel_id) FROM t"
    assert execute("SET LOCAL app.channels = '1,3'", seen, role=PORTAL) == [([1, 3],)]
    assert execute("SET LOCAL app.channels = ''", seen, role=PORTAL) == [(None,)]
    with pytest.raises(DatabaseError, match="permission denied"):
        execute("SELECT day FROM t", role=PORTAL)


def test_the_web_login_reads_what_it_was_granted_in_spite_of_policies(execute, rules):
    execute("CREATE TABLE t (id bigint, tenant_id bigint)", "INSERT INTO t VALUES (1, 10), (2, 20)")
    rules(Policy("t"), Grant("t", WEB, ("SELECT",)))
    assert execute("SELECT count(*) FROM t", role=WEB) == [(2,)]


def test_numbers_refuse_nan_and_infinity(execute, rules, own):
    execute("CREATE TABLE t (id bigint, a_usd numeric(18, 2), b_kwh numeric)")
    own.add("t")
    report = rules()
    assert {"t.a_usd", "t.b_kwh"} <= set(report.guarded)
    execute("INSERT INTO t VALUES (1, NULL, 5)")
    for values in ("'NaN', 1", "1, 'Infinity'", "NULL, 'NaN'"):
        with pytest.raises(DatabaseError, match="pox_finite_"):
            execute(f"INSERT INTO t VALUES (1, {values})")  # noqa: S608 - constants above
    assert not rules().changed


def test_a_rule_that_is_gone_takes_its_objects_along(execute, rules):
    execute("CREATE TABLE t (id bigint PRIMARY KEY, tenant_id bigint, state text)")
    rules(
        AppendOnly("t"),
        Policy("t"),
        Sql("view", "CREATE VIEW pox_t WITH (security_invoker = true) AS SELECT * FROM t"),
        Sql("function", "CREATE FUNCTION pox_one() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    )
    assert execute("SELECT count(*), pox_one() FROM pox_t", role=APP) == [(0, 1)]
    rules()
    execute("INSERT INTO t VALUES (1, 1, '')", "UPDATE t SET state = 'x'", "DELETE FROM t")
    assert execute("SELECT to_regclass('pox_t'), to_regproc('pox_one')") == [(None, None)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_policies WHERE tablename = 't'")
        assert cursor.fetchone() == (0,)


def test_installing_twice_changes_nothing_and_by_force_mends(execute, rules):
    execute("CREATE TABLE t (id bigint PRIMARY KEY)")
    assert rules(AppendOnly("t")).changed
    assert not rules(AppendOnly("t")).changed
    execute("DROP TRIGGER pox_append_only ON t")
    installer.install(connection, force=True)
    execute("INSERT INTO t VALUES (1)")
    with pytest.raises(DatabaseError, match="DELETE refused"):
        execute("DELETE FROM t")


def test_a_rule_of_a_missing_table_waits(rules):
    report = rules(AppendOnly("not_yet"), Grant("third_party", WEB, ("SELECT",), optional=True))
    assert report.skipped == ["test: AppendOnly(not_yet)"]


def test_missing_roles_are_named_with_the_remedy(rules, monkeypatch):
    monkeypatch.setattr(installer, "ROLES", ("poweroptix_nobody",))
    with pytest.raises(Refused, match=r"no role poweroptix_nobody.*manage.py roles_sql"):
        rules()


def test_a_grant_to_an_unknown_role_is_a_mistake():
    with pytest.raises(ValueError, match="unknown database role someone"):
        Grant("t", "someone", ("SELECT",)).statements()


def test_roles_sql_runs_and_makes_the_web_login_bare(execute):
    from poweroptix.db.roles import roles_sql

    text = roles_sql(owner_login="poweroptix_dev")
    assert "CREATE ROLE poweroptix_web LOGIN NOINHERIT" in text
    existing = execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'poweroptix%'")
    assert all(f"'{role}'" in text for (role,) in existing if role != "poweroptix_dev")
