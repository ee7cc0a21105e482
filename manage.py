#!/usr/bin/env python3
"""Command line of PowerOptix."""

import os
import sys


def main():
    """Run a management command, with the interpreter that ./start set up where it is needed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "poweroptix.settings")
    if os.geteuid() == 0:  # what root's commands write, the web server's account must reach too
        os.umask(0o002)
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        from poweroptix.server.home import python

        if not python().exists():
            sys.exit("PowerOptix is not set up here yet; run ./start first.")
        os.execv(python(), [str(python()), *sys.argv])  # noqa: S606 - our own interpreter
    from django.db import ProgrammingError

    try:
        execute_from_command_line(sys.argv)
    except ProgrammingError:
        from poweroptix.db.unprepared import SENTENCE, is_prepared

        if is_prepared():
            raise
        sys.exit(SENTENCE)


if __name__ == "__main__":
    main()
