"""The models are what the migrations make."""

import pytest
from django.core.management import call_command

from tests.house import tree


@pytest.mark.django_db
def test_no_model_change_lacks_a_migration(capsys):
    try:
        call_command("makemigrations", "--check", "--dry-run", "--no-input", verbosity=1)
    except SystemExit as stopped:
        pytest.fail(f"makemigrations --check ended with {stopped.code}: {capsys.readouterr().out}")


@pytest.mark.parametrize("app", tree.APPS)
def test_an_app_with_models_has_migrations(app):
    migrations = sorted((tree.ROOT / app / "migrations").glob("0*.py"))

    assert migrations
