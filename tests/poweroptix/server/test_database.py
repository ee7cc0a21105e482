"""Each kind of process connects with its own login."""

from pathlib import Path

import pytest

from poweroptix.server.database import database_settings, process_of

SOCKET = Path("/srv/po/pg")
URL = "postgresql://own:pw@db.example:5433/po"


@pytest.mark.parametrize(
    ("environment", "argv", "process"),
    [
        ({}, ["manage.py", "migrate"], "owner"),
        ({}, ["manage.py"], "owner"),
        ({}, ["manage.py", "qcluster"], "worker"),
        ({}, ["manage.py", "runserver"], "web"),
        ({"POWEROPTIX_PROCESS": "web"}, ["gunicorn"], "web"),
    ],
)
def test_kind_of_process(environment, argv, process):
    assert process_of(environment, argv) == process


@pytest.mark.parametrize("process", ["owner", "web", "worker"])
def test_embedded(process):
    made = database_settings({}, process, SOCKET)
    assert made["ENGINE"] == "poweroptix.server.postgresql"
    assert (made["USER"], made["HOST"], made["NAME"]) == (
        f"poweroptix_{process}",
        "/srv/po/pg",
        "poweroptix",
    )
    assert made["OPTIONS"]["options"] == "-c timezone=UTC"


def test_a_server_of_ones_own_with_one_login_takes_on_the_role():
    made = database_settings({"DATABASE_URL": URL}, "web", SOCKET)
    assert made["USER"] == "own"
    assert made["OPTIONS"]["options"] == "-c timezone=UTC -c role=poweroptix_web"
    owner = database_settings({"DATABASE_URL": URL}, "owner", SOCKET)
    assert "role" not in owner["OPTIONS"]["options"]


def test_a_server_of_ones_own_with_a_login_per_process():
    environment = {"DATABASE_URL": URL, "DATABASE_WORKER_URL": URL.replace("own:", "work:")}
    made = database_settings(environment, "worker", SOCKET)
    assert made["USER"] == "work"
    assert made["OPTIONS"]["options"] == "-c timezone=UTC"
    assert made["ENGINE"] == "django.db.backends.postgresql"


def test_options_of_the_url_are_kept():
    environment = {"DATABASE_URL": URL + "?sslmode=require&options=-c%20lock_timeout%3D5s"}
    options = database_settings(environment, "owner", SOCKET)["OPTIONS"]
    assert options == {
        "sslmode": "require",
        "options": "-c lock_timeout=5s -c timezone=UTC",
    }
