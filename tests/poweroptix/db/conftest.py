"""Tables that exist for one test, under the rules that a test states."""

import types

import pytest
from django.db import connection, transaction

from poweroptix.db import installer


@pytest.fixture
def execute(db):
    """Run statements in a savepoint, so that a refusal leaves the test's transaction usable."""

    def run(*statements, role=""):
        rows = None
        with transaction.atomic(), connection.cursor() as cursor:
            if role:
                cursor.execute(f"SET LOCAL ROLE {role}")
            for statement in statements:
                cursor.execute(statement)
            if cursor.description:
                rows = cursor.fetchall()
            if role:
                cursor.execute("RESET ROLE")
        return rows

    return run


@pytest.fixture
def rules(db, monkeypatch):
    """Install, beside the rules of all apps, those that the test gives."""
    plain = installer.collect

    def use(*extra):
        monkeypatch.setattr(
            installer, "collect", lambda: [*plain(), *[("test", rule) for rule in extra]]
        )
        return installer.install(connection)

    return use


@pytest.fixture
def own(monkeypatch):
    """Let the given tables count as the product's own."""

    def use(*tables):
        plain = installer.own_tables()
        monkeypatch.setattr(installer, "own_tables", lambda: sorted([*plain, *tables]))

    return types.SimpleNamespace(add=use)
