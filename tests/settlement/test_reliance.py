"""What is approved on readings is said before they are changed, and afterwards."""

from datetime import timedelta

import pytest
from django.urls import reverse

from meters.models import Publication
from meters.services import approved_on
from meters.services.publishing.listeners import corrected_by
from poweroptix.accounts.models import User
from settlement.services import mark_invoiced
from tests.settlement.acts import approve, settle
from tests.settlement.world import MARCH, NOW, SYSTEM, World, person, readings

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
CHANGED = [*[60] * 100, 61, 62, *[60] * 2870]
BOTH = "PPA-ALFA v1 (invoiced, its own readings), PPA-BRAVO v1 (approved, what it shares)"


@pytest.fixture
def world():
    """March is approved for both, and invoiced for ALFA."""
    world = World()
    mark_invoiced(approve(world, settle(world)), actor=SYSTEM)
    approve(world, settle(world, "bravo"))
    return world


def test_an_edit_says_before_it_is_saved_what_it_corrects(world, client):
    person("olga", "operator")
    client.force_login(User.objects.get(username="olga"))
    start = MARCH.start_utc + timedelta(days=2)
    asked = {
        "start": start.isoformat(),
        "end": (start + timedelta(hours=1)).isoformat(),
        "action": "ADD",
        "operand": "1",
    }
    page = reverse("office-edit", args=[world.alfa_meter.code])
    answer = client.post(page, asked)
    assert answer.status_code == 200
    said = f"CAP 2026-03 is approved: a changed value makes a correction of {BOTH}."
    assert said in answer.content.decode()


def test_other_days_say_nothing(world):
    first, last = MARCH.start_utc, MARCH.end_utc
    assert approved_on(world.alfa_meter.pk, last, last + timedelta(days=1)) == []
    assert approved_on(world.alfa_meter.pk, first - timedelta(days=1), first) == []


def test_a_month_that_nobody_approved_says_nothing():
    world = World()
    settle(world)
    assert approved_on(world.alfa_meter.pk, MARCH.start_utc, MARCH.end_utc) == []


def test_what_a_publication_changed_under_approved_runs_is_said(world):
    readings(world.alfa_meter, CHANGED, now=LATER)
    newest = Publication.objects.order_by("pk").last()
    channel = world.alfa_meter.code
    assert corrected_by([newest.pk]) == [
        f"CAP 2026-03 is approved, and {channel} differs in 2 intervals by +3 kWh: "
        f"a correction of {BOTH} waits."
    ]
    assert corrected_by([newest.pk + 1]) == []
    assert corrected_by([]) == []
