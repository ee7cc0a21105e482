"""What the database keeps of jobs, and the one schedule of the doorbell."""

from poweroptix.db.rules import Immutable, Policy, PortalGrant, Rule, Sql, StateMachine

_SCHEDULE = """
INSERT INTO django_q_schedule (name, func, schedule_type, minutes, repeats, next_run)
SELECT 'poweroptix sweep', 'poweroptix.jobs.doorbell.tick', 'I', 1, -1, now()
 WHERE NOT EXISTS (SELECT FROM django_q_schedule WHERE func = 'poweroptix.jobs.doorbell.tick')
"""

RULES: list[Rule] = [
    StateMachine(
        "jobs_job",
        "state",
        {
            "queued": ("running", "cancelled"),
            "running": ("queued", "done", "failed", "dead", "cancelled"),
            "failed": ("queued",),
            "dead": ("queued",),
            "cancelled": ("queued",),
        },
        initial=("queued",),
    ),
    # what is done stays as it is; its row may go once pruning has no doubt that it is old
    Immutable(
        "jobs_job",
        "OLD.state = 'done' AND OLD.finished_at > clock_timestamp() - interval '30 days'",
    ),
    Policy("jobs_job"),
    PortalGrant(
        "jobs_job",
        columns=(
            "id",
            "kind",
            "key",
            "state",
            "stage",
            "progress_done",
            "progress_total",
            "progress_label",
            "error_code",
            "error",
            "result",
            "tenant_id",
            "created_by_id",
            "created_at",
            "started_at",
            "finished_at",
        ),
    ),
    Sql("sweep schedule", _SCHEDULE, needs=("django_q_schedule",)),
]
