"""Reading a kept file again from its page."""

import pytest
from django.urls import reverse

from meters.models import ImportFile
from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from poweroptix.audit.models import AuditEvent
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import drain
from tests.meters import builders
from tests.meters.builders import long_csv, make_channel, make_profile
from tests.meters.services.test_vee import FLAT, START

pytestmark = pytest.mark.django_db


@pytest.fixture
def file():
    channel = make_channel()
    make_profile("MEGA", unit="MWh")
    builders.ingest(long_csv(channel.code, START, FLAT))
    return ImportFile.objects.get()


def person(client, role):
    user = create_user(role, None, role=role, actor=Actor.system("test"))
    client.force_login(user)
    return client


def ask(client, file, **said):
    return client.post(reverse("office-read-again", args=[file.pk]), said, follow=True)


def test_the_reading_is_a_job_and_its_receipt_stands_beside_the_first(client, file):
    operator = person(client, "operator")
    page = ask(operator, file, profile="MEGA", reason="The source sends MWh")
    assert page.redirect_chain[-1][0] == reverse("office-job", args=[Job.objects.latest("pk").pk])
    drain(60)
    shown = operator.get(reverse("office-import", args=[file.pk])).content.decode()
    assert "The source sends MWh" in shown
    assert "What the channels hold since" in shown
    changed = AuditEvent.objects.get(action="file.profile")
    assert (changed.actor_name, changed.after["profile"]) == ("operator", "MEGA")


def test_a_reason_is_needed(client, file):
    page = ask(person(client, "operator"), file, profile="MEGA", reason="no")
    assert "Say in a few words why the file has to be read again." in page.content.decode()
    file.refresh_from_db()
    assert file.profile_code != "MEGA"
    assert not Job.objects.filter(kind="reread_file").exists()


def test_one_reading_at_a_time(client, file):
    operator = person(client, "operator")
    ask(operator, file, profile="MEGA", reason="The source sends MWh")
    page = ask(operator, file, profile="", reason="It was kWh after all")
    assert "reads this file already; wait for it." in page.content.decode()
    assert Job.objects.filter(kind="reread_file").count() == 1


def test_an_unknown_profile_is_named(client, file):
    page = ask(person(client, "operator"), file, profile="NOPE", reason="Something else")
    assert "There is no profile &#x27;NOPE&#x27;; known: MEGA." in page.content.decode()


def test_an_auditor_may_look_but_not_read_again(client, file):
    auditor = person(client, "auditor")
    assert "Read this file again" not in auditor.get(
        reverse("office-import", args=[file.pk])
    ).content.decode()  # fmt: skip
    assert ask(auditor, file, profile="MEGA", reason="Something else").status_code == 403
