"""The database's answers become sentences, by SQLSTATE, without quoting values."""

import pytest
from django.db import DatabaseError, connection, transaction

from poweroptix.db.errors import constraint_name, translate
from poweroptix.db.rules import AppendOnly
from poweroptix.kernel.errors import Conflict, Forbidden, Refused

pytestmark = pytest.mark.django_db


def failure(*statements):
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except DatabaseError as error:
        return error
    pytest.fail("the database accepted it")


@pytest.fixture
def table(execute):
    execute(
        "CREATE TABLE t (id bigint PRIMARY KEY, x int NOT NULL, "
        "CONSTRAINT x_small CHECK (x < 1000), CONSTRAINT x_twice UNIQUE (x))",
        "INSERT INTO t VALUES (1, 1)",
    )


@pytest.mark.parametrize(
    ("statement", "kind", "code"),
    [
        ("INSERT INTO t VALUES (2, 1)", Conflict, "db.duplicate"),
        ("INSERT INTO t VALUES (2, 5000)", Refused, "db.check"),
        ("INSERT INTO t VALUES (2, NULL)", Refused, "db.missing"),
        ("INSERT INTO t VALUES (2, 'secret'::int)", Refused, "db.value"),
        ("SET LOCAL ROLE poweroptix_portal; SELECT * FROM t", Forbidden, "db.forbidden"),
        ("SET LOCAL statement_timeout = 20; SELECT pg_sleep(1)", Conflict, "db.timeout"),
    ],
)
def test_sqlstate_decides(table, statement, kind, code):
    told = translate(failure(statement))
    assert type(told) is kind
    assert told.code == code
    assert "secret" not in told.message
    assert told.data["retry"] is (code == "db.timeout")


def test_own_triggers_speak_for_themselves(table, rules):
    rules(AppendOnly("t"))
    told = translate(failure("DELETE FROM t"))
    assert told.code == "db.immutable"
    assert told.message == "DELETE refused: rows of t are kept as they are."


def test_a_constraint_may_have_its_own_sentence(table):
    told = translate(failure("INSERT INTO t VALUES (2, 5000)"), {"x_small": "At most 999."})
    assert told.message == "At most 999."
    assert told.data["constraint"] == "x_small"


def test_shard_numbers_are_stripped_from_constraint_names(execute):
    execute("CREATE TABLE t (x int CONSTRAINT x_small_102008 CHECK (x < 10))")
    assert constraint_name(failure("INSERT INTO t VALUES (10)")) == "x_small"


def test_other_errors_are_not_the_databases():
    assert translate(ValueError("x")) is None
