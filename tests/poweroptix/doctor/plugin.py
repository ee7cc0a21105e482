"""Fixtures that examine the data after every test that touched the database."""

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from psycopg.pq import TransactionStatus

from poweroptix.doctor import examine

_TOUCHED = (
    "SELECT relname FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
)
_PLAIN_FLUSH = DatabaseOperations.sql_flush


def register(config):
    """Declare the marker; call it from pytest_configure."""
    config.addinivalue_line(
        "markers", "no_doctor(reason): the test leaves data that no invariant would accept"
    )


@pytest.fixture(autouse=True)
def _doctor(request):
    """End every database test with the invariants about the tables that it touched."""
    marker = request.node.get_closest_marker("django_db")
    asked = {"db", "transactional_db", "admin_client", "admin_user"} & set(request.fixturenames)
    if (marker is None and not asked) or request.node.get_closest_marker("no_doctor"):
        yield
        return
    request.getfixturevalue("db")
    yield
    if connection.connection is None or connection.needs_rollback:
        return
    if connection.connection.info.transaction_status == TransactionStatus.INERROR:
        return
    touched = None
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(_TOUCHED)
            touched = {row[0] for row in cursor.fetchall()}
    if touched == set():
        return
    broken = [v for v in examine(connection, touched=touched) if not v.holds]
    assert not broken, "\n".join(f"{v.code}: {v.sentence} {v.violations}" for v in broken)


@pytest.fixture(autouse=True, scope="session")
def _flush_of_protected_tables():
    """Let the flush of transactional tests empty tables that refuse TRUNCATE."""
    DatabaseOperations.sql_flush = _flush
    yield
    DatabaseOperations.sql_flush = _PLAIN_FLUSH


def _flush(self, style, tables, **options):
    with self.connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, has_table_privilege(current_user, c.oid, 'TRUNCATE') "
            "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE t.tgname = 'pox_no_truncate'"
        )
        guarded = cursor.fetchall()
    before = [f'ALTER TABLE "{t}" DISABLE TRIGGER pox_no_truncate' for t, _ in guarded]
    before += [f'GRANT TRUNCATE ON "{t}" TO CURRENT_USER' for t, may in guarded if not may]
    after = [f'REVOKE TRUNCATE ON "{t}" FROM CURRENT_USER' for t, may in guarded if not may]
    after += [f'ALTER TABLE "{t}" ENABLE TRIGGER pox_no_truncate' for t, _ in guarded]
    return [*before, *_PLAIN_FLUSH(self, style, tables, **options), *after]
