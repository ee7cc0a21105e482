"""The versions of a day: unique numbers, the person behind each, the edit compared first."""

from datetime import timedelta

import pytest
from django.urls import reverse

from meters.models import Finding
from meters.queries import versions
from meters.queries.people import people_behind
from meters.services import accept_finding
from tests.meters.builders import NOW, person
from tests.meters.pages.test_workbench import (
    DAY,
    NOON,
    SAID,
    START,
    asked,
    channel,
    enter,
    finding,
    text,
    url,
)

__all__ = ["channel", "finding"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, channel, finding):
    """Accept a finding, edit the reading later, and open the versions of the day."""
    accept_finding(finding, actor=person("bob"), now=NOW + timedelta(hours=1), **SAID)
    ann = enter(client, "ann")
    ann.post(url(channel), asked(channel, "ADD", "-1", step="store", **SAID))
    return ann.get(reverse("office-history", args=[channel.code]), {"day": f"{DAY}"})


def test_numbers_are_unique_and_end_with_one(page, channel):
    found = versions(channel, START, START + timedelta(days=1))
    numbers = [one.number for one in found]
    assert numbers == list(range(len(found), 0, -1))
    assert len(found) >= 3
    for number in numbers:
        assert f'aria-label="Version {number} as new"' in text(page)


def test_a_version_that_followed_a_decision_names_its_person(page, channel):
    found = versions(channel, START, START + timedelta(days=1))
    people = people_behind(channel, [one.publication for one in found])
    said = {(one.actor, one.follows) for one in people.values()}
    assert ("bob", "accepted V13") in said
    followed = Finding.objects.order_by("pk").filter(rule_code="V13").first().pk
    assert f'<a href="{reverse("office-finding", args=[followed])}">accepted V13</a>' in text(page)


def test_the_page_opens_with_the_edit_and_what_was_before(page, channel):
    found = versions(channel, NOON, NOON + timedelta(minutes=15))
    edit = next(one for one in found if one.publication.kind == "EDIT")
    assert page.context["newer"] == edit.publication.pk
    assert page.context["older"] == found[found.index(edit) + 1].publication.pk
    assert "-1.000 kWh" in text(page)
