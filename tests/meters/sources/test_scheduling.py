"""When sources are looked at, pauses, health, the pages."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse

from meters.models import Source, SourceRun
from meters.queries.sources import sources_needing_attention
from meters.services.collecting.sources import look_now, pause, resume
from poweroptix.accounts.services import create_user
from poweroptix.audit.models import AuditEvent
from poweroptix.clock import now
from poweroptix.jobs.models import Job, Recurring
from poweroptix.jobs.services import drain, run_now, run_recurring
from poweroptix.kernel.errors import Conflict
from tests.meters.services.test_vee import START
from tests.meters.sources.looks import ACTOR, due_look, folder_source, looked, page, put


@pytest.mark.django_db
class TestScheduling:
    def test_a_due_source_becomes_a_job(self, inbox):
        put(inbox)
        source = folder_source(inbox)
        jobs = [job for job in run_recurring() if job.kind == "collect_source"]
        assert [job.payload for job in jobs] == [{"source_id": source.pk}]
        drain(30)
        assert source.runs.get().taken == 1
        assert run_recurring() == []

    def test_one_look_at_a_time(self, inbox):
        source = folder_source(inbox)
        first = due_look(source)
        SourceRun.objects.create(source=source, job_id=first.pk, started_at=now())
        second = run_now(due_look(source, 1))
        assert second.result == {
            "outcome": "SKIPPED", "why": f"Job {first.pk} is looking there already.",
        }  # fmt: skip
        assert look_now(source, actor=ACTOR, now=now()) == first

    def test_a_pause_stops_the_schedule_and_says_why(self, inbox, staff):
        source = folder_source(inbox)
        queued = due_look(source)
        url = reverse("office-source", args=[source.code])
        answer = staff.post(url, {"action": "pause", "reason": "no"})
        assert answer.status_code == 409
        assert "Say in a few words why the source is paused." in answer.content.decode()
        staff.post(url, {"action": "pause", "reason": "The server moves house"})
        assert Recurring.objects.get(name=f"source-{source.pk}").is_active is False
        assert run_now(queued).result["why"] == "The source is paused: The server moves house"
        assert "Paused. The server moves house" in page(staff, source)
        with pytest.raises(Conflict, match=r"resume it first"):
            look_now(source, actor=ACTOR, now=now())
        staff.post(url, {"action": "resume"})
        assert Recurring.objects.get(name=f"source-{source.pk}").is_active is True
        actions = AuditEvent.objects.filter(action__startswith="source.")
        assert sorted(event.action for event in actions) == ["source.pause", "source.resume"]
        with pytest.raises(Conflict, match=r"is not paused"):
            resume(source, actor=ACTOR)

    def test_a_changed_interval_changes_the_schedule(self, inbox):
        source = folder_source(inbox)
        source.every_minutes = 60
        source.save()
        assert Recurring.objects.get(name=f"source-{source.pk}").every_minutes == 60

    def test_quiet_looks_of_old_are_thrown_away(self, inbox):
        source = folder_source(inbox)
        long_ago = now() - timedelta(days=31)
        kept = {"started_at": long_ago, "ended_at": long_ago, "outcome": "DONE"}
        for number, more in enumerate(({}, {"taken": 1}, {"error": "late"}), start=900):
            run = SourceRun.objects.create(source=source, job_id=number, started_at=long_ago)
            SourceRun.objects.filter(pk=run.pk).update(**kept, **more)
        looked(source)
        assert set(source.runs.values_list("job_id", flat=True)) & {900, 901, 902} == {901, 902}

    def test_the_command_looks_here_and_now(self, inbox, capsys):
        put(inbox)
        folder_source(inbox)
        call_command("collect", "--due")
        assert "✓ ami: done; 1 seen, 1 taken" in capsys.readouterr().out
        put(inbox, "page.csv", "<html>")
        with pytest.raises(SystemExit):
            call_command("collect", "ami")
        assert "✗ ami: done; 2 seen, 0 taken, 0 duplicates, 1 refused" in capsys.readouterr().out


@pytest.mark.django_db
class TestHealth:
    def test_a_source_of_which_nothing_new_comes_is_late(self, inbox, staff):
        source = folder_source(inbox, cadence_minutes=60)
        moment = now()
        assert "never" in page(staff, source)
        assert not sources_needing_attention(moment).exists()
        assert sources_needing_attention(moment + timedelta(minutes=61)).get() == source
        put(inbox)
        looked(source)
        assert not sources_needing_attention(moment + timedelta(minutes=59)).exists()
        Source.objects.filter(pk=source.pk).update(cadence_minutes=1)
        assert sources_needing_attention(moment + timedelta(minutes=5)).get().health == "LATE"
        pause(source, reason="Meter exchange", actor=ACTOR)
        assert not sources_needing_attention(moment + timedelta(days=9)).exists()

    def test_the_list_leads_to_what_needs_somebody(
        self, inbox, staff, django_assert_max_num_queries
    ):
        for number in range(5):
            folder_source(inbox, code=f"s{number}")
        Source.objects.filter(code="s3").update(last_error="Broken.", failing_since=START)
        url = reverse("office-sources")
        with django_assert_max_num_queries(16):
            shown = staff.get(url, {"needs": "attention"}).content.decode()
        assert "s3" in shown
        assert "s2" not in shown
        today = staff.get("/office/").content.decode()
        assert "Sources in trouble" in today
        assert "1 failing, 0 late" in today

    def test_an_auditor_may_look_but_not_act(self, client, inbox):
        source = folder_source(inbox)
        client.force_login(create_user("auditor", None, role="auditor", actor=ACTOR))
        url = reverse("office-source", args=[source.code])
        assert "Look now" not in client.get(url).content.decode()
        assert client.post(url, {"action": "look"}).status_code == 403
        assert not Job.objects.exists()

    def test_an_unknown_source_is_not_found(self, staff):
        assert staff.get(reverse("office-source", args=["nope"])).status_code == 404
