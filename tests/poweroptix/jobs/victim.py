"""A worker that dies where it is told: `victim.py POINT`, or never when POINT is empty."""

import json
import os
import signal
import sys

import django
from django.conf import settings

settings.DATABASES["default"].update(json.loads(os.environ["VICTIM_DATABASE"]))
django.setup()

from django.db import connection  # noqa: E402

from poweroptix.jobs import services  # noqa: E402
from poweroptix.jobs.kinds import job_kinds  # noqa: E402

settings.JOBS_LEASE_SECONDS = 1
POINT = sys.argv[1]
STAGES, ROWS = 3, 5


def die_at(name):
    """End this process as the kernel would, without a word."""
    if name == POINT:
        os.kill(os.getpid(), signal.SIGKILL)


@job_kinds.register("victim", retry_seconds=0)
def handler(ctx):
    """Write fifteen rows in three stages."""
    for number in range(1, STAGES + 1):
        with ctx.stage(number, f"stage {number}", done=number, total=STAGES) as todo:
            if todo:
                with connection.cursor() as cursor:
                    for row in range(ROWS):
                        cursor.execute(
                            "INSERT INTO effect VALUES (%s, %s, %s)", [ctx.job_id, number, row]
                        )
                        if row == 2:
                            die_at("mid_effect")
        if POINT == "stop_between":
            os.kill(os.getpid(), signal.SIGSTOP)


services.limit_session()
services.drain(20, at_point=die_at)
