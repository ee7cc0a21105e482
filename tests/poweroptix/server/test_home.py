"""The home folder is found the same way by every command."""

import stat
from pathlib import Path

import pytest

from poweroptix.server import home as module


@pytest.fixture
def remembered(tmp_path, monkeypatch):
    monkeypatch.delenv("POWEROPTIX_HOME", raising=False)
    monkeypatch.setattr(module, "REMEMBERED", tmp_path / "remembered")
    return tmp_path / "remembered"


def test_root_lives_where_the_database_user_can_go(remembered, monkeypatch):
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)
    assert module.home() == Path("/var/lib/poweroptix")


def test_everybody_else_lives_in_the_project(remembered, monkeypatch):
    monkeypatch.setattr(module.os, "geteuid", lambda: 1000)
    assert module.home() == module.BASE_DIR / "var"


def test_the_environment_counts_before_what_is_remembered(remembered, monkeypatch, tmp_path):
    remembered.write_text(f"{tmp_path}/a\n")
    assert module.home() == tmp_path / "a"
    monkeypatch.setenv("POWEROPTIX_HOME", f"{tmp_path}/b")
    assert module.home() == tmp_path / "b"
    assert module.python() == tmp_path / "b" / "venv" / "bin" / "python"


def test_the_secret_key_is_made_once_and_is_private(monkeypatch, tmp_path):
    monkeypatch.setenv("POWEROPTIX_HOME", f"{tmp_path}/new")
    key = module.secret_key()
    assert len(key) >= 50
    assert module.secret_key() == key
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
