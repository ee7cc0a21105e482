"""A handler for tests, and the means to register it for one test."""

import pytest

from poweroptix.jobs.kinds import job_kinds
from poweroptix.jobs.models import Tick


def note(name):
    """Leave a visible effect."""
    Tick.objects.create(name=name)


def three_stages(ctx):
    """Leave an effect in each of three stages."""
    for number in (1, 2, 3):
        with ctx.stage(number, f"part {number}", done=number, total=3) as todo:
            if todo:
                note(f"{ctx.payload['name']}-{number}")
                ctx.result({"parts": number})


@pytest.fixture
def kind():
    """Register a handler for the length of a test."""
    opened = []

    def use(handler, **limits):
        context = job_kinds.temporarily("probe", handler, **limits)
        context.__enter__()
        opened.append(context)

    yield use
    for context in reversed(opened):
        context.__exit__(None, None, None)
