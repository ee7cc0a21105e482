"""The page of a file whose readings rules replaced by estimates."""

import pytest
from django.urls import reverse

from meters.models import ImportFile
from meters.services import validate_days
from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from tests.meters import builders
from tests.meters.builders import long_csv, make_channel
from tests.meters.services.test_vee import ACTOR, NOW, START

pytestmark = pytest.mark.django_db


def test_a_file_says_which_of_its_readings_are_estimates_now(client):
    channel = make_channel(capacity_kw=1000)
    values = [str(100 + n % 7) for n in range(96)]
    values[40] = "100000"
    builders.ingest(long_csv(channel.code, START, values))
    validate_days([channel.pk], START.date(), START.date(), now=NOW, actor=ACTOR)
    client.force_login(create_user("analyst", None, role="analyst", actor=Actor.system("test")))
    page = client.get(reverse("office-import", args=[ImportFile.objects.get().pk]))
    shown = page.content.decode()
    assert "Rules did not take these readings as they came" in shown
    assert "High limit (V11)" in shown
    assert "100,000 kWh is above the limit of 275 kWh." in shown
    (one,) = page.context["replaced"]
    assert one["span"].endswith(("UTC", "CST", "CDT"))


def test_a_clean_file_says_nothing_of_it(client):
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, [str(100 + n % 7) for n in range(95)]))
    validate_days([channel.pk], START.date(), START.date(), now=NOW, actor=ACTOR)
    client.force_login(create_user("analyst", None, role="analyst", actor=Actor.system("test")))
    page = client.get(reverse("office-import", args=[ImportFile.objects.get().pk]))
    assert page.context["replaced"] == []
    assert "Rules did not take" not in page.content.decode()
