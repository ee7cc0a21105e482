"""Fixtures that examine the data after every test that touched the database."""

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations
from psycopg.pq import TransactionStatus

from poweroptix.doctor import examine

_TOUCHED = (
    "SELECT relname FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
)
_WRITTEN = (
    "SELECT relname, has_table_privilege(current_user, oid, 'DELETE') FROM pg_class "
    "WHERE relkind = 'r' AND relname = ANY(%s) AND pg_relation_size(oid) > 0 ORDER BY relname"
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
    """Let the flush of transactional tests empty tables that refuse TRUNCATE and DELETE.

    Found once: to truncate a hundred tables takes seconds, each new file of table and index being
    synced to disk; to delete the rows of the few that were written takes a tenth of that.
    """
    DatabaseOperations.sql_flush = _flush
    yield
    DatabaseOperations.sql_flush = _PLAIN_FLUSH


def _flush(self, style, tables, **options):
    with self.connection.cursor() as cursor:
        cursor.execute(_WRITTEN, [list(tables)])
        written = cursor.fetchall()
    before = [f'GRANT DELETE ON "{table}" TO CURRENT_USER' for table, may in written if not may]
    before += [f'ALTER TABLE "{table}" DISABLE TRIGGER USER' for table, _ in written]
    rows = [f'DELETE FROM "{table}"' for table, _ in written]  # noqa: S608 - names of the catalogue
    after = [f'ALTER TABLE "{table}" ENABLE TRIGGER USER' for table, _ in written]
    after += [f'REVOKE DELETE ON "{table}" FROM CURRENT_USER' for table, may in written if not may]
    # Foreign keys are looked at together, when all rows are gone; no table changes before that.
    return [*before, *rows, "SET CONSTRAINTS ALL IMMEDIATE", *after]
