"""Fixtures of sources."""

import pytest

from poweroptix.accounts.services import create_user
from tests.meters.sources.looks import ACTOR
from tests.meters.sources.servers import PASSWORD, Inbox, Website


@pytest.fixture
def inbox(tmp_path, settings):
    path = tmp_path / "in"
    path.mkdir()
    settings.METERS_INBOXES = [str(tmp_path)]
    return path


@pytest.fixture
def staff(client):
    user = create_user("operator", None, role="operator", actor=ACTOR)
    client.force_login(user)
    return client


@pytest.fixture
def site(tmp_path):
    with Website(tmp_path).running() as running:
        yield running


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("POWEROPTIX_SOURCE_SFTP", PASSWORD)
    root = tmp_path / "remote"
    root.mkdir()
    with Inbox(root).running() as running:
        yield running
