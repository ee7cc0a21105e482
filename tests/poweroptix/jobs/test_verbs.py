"""What people do with jobs: cancel, retry, let them come back, look at them."""

import pytest
from django.db import connection, transaction

from poweroptix.audit.actor import Actor
from poweroptix.audit.models import AuditEvent
from poweroptix.jobs import queries, services
from poweroptix.jobs.kinds import JobKinds
from poweroptix.jobs.models import CancelRequest, Job, Recurring, Tick
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from tests.poweroptix.jobs.conftest import note, three_stages

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")


def test_waiting_job_is_cancelled_at_once_running_one_at_its_next_stage(kind):
    def handler(ctx):
        with ctx.stage(1):
            note("one")
        assert not ctx.cancelled
        services.cancel(Job.objects.get(pk=ctx.job_id), actor=SYSTEM)
        assert ctx.cancelled
        with ctx.stage(2):
            note("two")

    kind(handler)
    waiting = services.cancel(services.enqueue("probe", "w"), actor=SYSTEM, reason="not needed")
    assert waiting.state == "cancelled"
    running = services.run_now(services.enqueue("probe", "r"))
    assert (running.state, running.stage) == ("cancelled", 1)
    assert list(Tick.objects.values_list("name", flat=True)) == ["one"]


def test_an_ended_job_cannot_be_cancelled(kind):
    kind(three_stages)
    done = services.run_now(services.enqueue("probe", "d", {"name": "d"}))
    with pytest.raises(Conflict, match="already done"):
        services.cancel(done, actor=SYSTEM)
    assert not CancelRequest.objects.exists()


def test_retry_is_recorded_and_resumes(kind):
    def handler(ctx):
        ctx.step(1, "first", lambda: note(f"first-{ctx.attempt}"))
        if not Recurring.objects.exists():
            raise Refused("x", "not yet")

    kind(handler)
    job = services.run_now(services.enqueue("probe", "a"))
    assert job.state == "failed"
    Recurring.objects.create(name="now", kind="probe", every_minutes=5)
    job = services.retry(job, actor=SYSTEM, reason="the price has come")
    assert (job.state, job.attempts, job.error) == ("queued", 0, "")
    event = AuditEvent.objects.get(action="job.retry")
    assert event.reason == "the price has come"
    assert event.before == {"state": "failed", "error": "not yet"}
    assert services.run_now(job).state == "done"
    assert Tick.objects.count() == 1
    with pytest.raises(Conflict, match="This job is done"):
        services.retry(job, actor=SYSTEM, reason="again")


def test_retry_after_cancel_forgets_the_request(kind):
    kind(three_stages)
    job = services.cancel(services.enqueue("probe", "a", {"name": "a"}), actor=SYSTEM)
    job = services.run_now(services.retry(job, actor=SYSTEM, reason="after all"))
    assert job.state == "done"
    assert not CancelRequest.objects.exists()


def test_a_viewer_cannot_retry_or_cancel(kind):
    from poweroptix.accounts.services import create_user

    kind(three_stages)
    viewer = Actor.of_user(create_user("v", None, role="viewer", actor=SYSTEM))
    job = services.enqueue("probe", "a")
    with pytest.raises(Forbidden, match="may not cancel in jobs"):
        services.cancel(job, actor=viewer)
    with pytest.raises(Forbidden, match="may not retry in jobs"):
        services.retry(job, actor=viewer, reason="x")


def test_a_done_job_never_changes(kind):
    kind(three_stages)
    job = services.run_now(services.enqueue("probe", "a", {"name": "a"}))
    with pytest.raises(Exception, match="can no longer change"), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(result={"parts": 4})


def test_recurring_work_runs_once_per_moment_and_is_not_made_up_for(kind):
    kind(three_stages)
    row = services.ensure_recurring("nightly", "probe", every_minutes=60, payload={"name": "n"})
    assert services.ensure_recurring("nightly", "probe", every_minutes=5).every_minutes == 60
    Recurring.objects.update(next_run_at="2026-01-01T00:30Z")
    (job,) = services.run_recurring()
    assert job.key == "nightly@2026-01-01T00:30Z"
    assert services.run_recurring() == []
    row.refresh_from_db()
    assert (row.next_run_at.minute, row.next_run_at > job.created_at) == (30, True)


def test_one_bad_recurring_row_stops_only_itself(kind):
    kind(three_stages)
    Recurring.objects.create(name="bad", kind="gone", every_minutes=1)
    Recurring.objects.create(name="good", kind="probe", every_minutes=1)
    services.sweep()
    assert Job.objects.get().key.startswith("good@")
    bad = Recurring.objects.get(name="bad")
    assert not bad.is_active
    assert "no job kind 'gone'" in bad.last_error


def test_health_turns_red_when_work_waits(kind):
    kind(three_stages)
    services.sweep()
    assert queries.health()["ok"]
    assert queries.health()["last_sweep_seconds"] == 0
    services.enqueue("probe", "a")
    Job.objects.update(run_after="2026-01-01T00:00Z")
    assert not queries.health()["ok"]


def test_kinds_are_registered_once_and_with_words():
    kinds = JobKinds()
    kinds._discovered = True

    @kinds.register("probe", max_attempts=5)
    def handler(ctx):
        """Probe something."""

    assert kinds.get("probe").title == "Probe something"
    assert kinds.get("probe").max_attempts == 5
    with pytest.raises(ValueError, match="registered twice"):
        kinds.register("probe")(handler)
    with pytest.raises(ValueError, match="needs a docstring"):
        kinds.register("other")(lambda ctx: None)


def test_the_queues_own_pages_do_not_exist(admin_client):
    for page in ("schedule", "success", "failure", "ormq"):
        assert admin_client.get(f"/admin/django_q/{page}/").status_code == 404


def test_job_pages_show_and_retry(admin_client, kind):
    def handler(ctx):
        raise Refused("x", "not <b>yet</b>")

    kind(handler)
    job = services.run_now(services.enqueue("probe", "a"))
    page = admin_client.get("/admin/jobs/job/")
    assert page.status_code == 200
    detail = admin_client.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()
    assert "not &lt;b&gt;yet" in detail
    answer = admin_client.post(
        "/admin/jobs/job/", {"action": "retry", "_selected_action": [job.pk]}, follow=True
    )
    assert answer.status_code == 200
    job.refresh_from_db()
    assert job.state == "queued"
    assert AuditEvent.objects.get(action="job.retry").actor_name == "admin"


def test_staff_enqueue_and_the_worker_role_works(kind):
    from poweroptix.db.scope import staff_scope

    kind(three_stages)
    with staff_scope():
        job = services.enqueue("probe", "a", {"name": "a"})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE poweroptix_worker")
        assert services.run_now(job).state == "done"
        services.sweep()
        cursor.execute("RESET ROLE")


def test_a_tenant_sees_its_own_jobs_without_their_inside(kind):
    from poweroptix.accounts.services import create_tenant
    from poweroptix.clock import now

    kind(three_stages)
    one, two = (create_tenant(c, c, actor=SYSTEM, now=now()) for c in ("one", "two"))
    services.enqueue("probe", "a", tenant=one)
    services.enqueue("probe", "b", tenant=two)
    services.enqueue("probe", "c")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE poweroptix_portal")
        cursor.execute(f"SET LOCAL app.tenant_id = '{one.pk}'")
        cursor.execute("SELECT key, state FROM jobs_job")
        assert cursor.fetchall() == [("a", "queued")]
        cursor.execute("RESET ROLE")
