"""The settings refuse what would be unsafe, and pass Django's own deployment check."""

import os
import subprocess
import sys

from django.conf import settings

PRODUCTION = {
    "SECRET_KEY": "k3y-" * 16 + "with-many-different-signs",
    "POWEROPTIX_HOSTS": "power.example",
    "POWEROPTIX_HTTPS": "1",
    "POWEROPTIX_PROXY_COUNT": "1",
    "DEBUG": "0",
}


def manage(*words, **environment):
    return subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_deployment_check_is_clean():
    done = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_a_demonstration_key_is_refused():
    done = manage("check", **{**PRODUCTION, "SECRET_KEY": "demo"})
    assert done.returncode == 1
    assert "SECRET_KEY is shorter than 50 characters" in done.stderr


def test_an_unknown_kind_of_process_is_refused():
    done = manage("check", POWEROPTIX_PROCESS="root")
    assert "choose one of: owner, web, worker" in done.stderr


def test_no_pool_in_processes_that_fork():
    database = settings.DATABASES["default"]
    assert "pool" not in database["OPTIONS"]
    assert database["CONN_HEALTH_CHECKS"]


def test_a_queued_task_is_never_handed_out_twice():
    queue = settings.Q_CLUSTER
    waits = 1 + -(-(queue["queue_limit"] + 1) // queue["workers"])
    assert queue["retry"] >= waits * (queue["timeout"] + 3) + queue["poll"]
    assert queue["max_attempts"] == 1
    assert not queue["catch_up"]
