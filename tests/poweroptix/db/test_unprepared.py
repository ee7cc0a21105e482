"""Commands on a database that nobody prepared."""

import importlib.util
from pathlib import Path

import pytest
from django.core import management
from django.db import ProgrammingError

from poweroptix.db import unprepared

MANAGE = Path(__file__).parents[3] / "manage.py"


def main(monkeypatch, *, prepared):
    """Run manage.py with a command that finds no table."""

    def fails(_words):
        raise ProgrammingError('relation "accounts_apitoken" does not exist')

    monkeypatch.setattr(management, "execute_from_command_line", fails)
    monkeypatch.setattr(unprepared, "is_prepared", lambda: prepared)
    spec = importlib.util.spec_from_file_location("manage", MANAGE)
    manage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(manage)
    manage.main()


def test_a_command_without_tables_says_what_to_do(monkeypatch):
    with pytest.raises(SystemExit, match=r"database is not prepared .*: run ./start or manage.py"):
        main(monkeypatch, prepared=False)


def test_an_accident_on_a_prepared_database_stays_one(monkeypatch):
    with pytest.raises(ProgrammingError, match="accounts_apitoken"):
        main(monkeypatch, prepared=True)


@pytest.mark.django_db
def test_a_database_with_our_tables_is_prepared(monkeypatch):
    monkeypatch.setattr(unprepared.connection, "close", lambda: None)
    assert unprepared.is_prepared()
