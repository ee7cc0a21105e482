"""Jobs of metering: each takes ids and calls a service."""

from datetime import date, datetime

from meters.documents import export_files
from meters.models import ImportFile, QuarantinedRecord
from meters.models.sources import COLLECT
from meters.queries.export import ExportOrder, prepare
from meters.services import close_checks, ingest_file, replay, reread_file, validate_days
from meters.services.arriving.files import as_profile, open_stored
from meters.services.arriving.profiles import profile_from
from meters.services.arriving.rehearsing import rehearse
from meters.services.collecting.collect import collect
from meters.services.publishing.followup import enqueue_validation
from meters.services.virtual.catching_up import catch_up
from meters.services.virtual.definitions import JOB as RECOMPUTE
from poweroptix.jobs.context import JobContext
from poweroptix.jobs.kinds import job_kinds
from poweroptix.kernel.errors import Refused


@job_kinds.register("ingest_file")
def run_ingest_file(ctx: JobContext) -> None:
    """Read a received file into day blocks.

    Payload: `import_file_id`; `vee` (default true) also enqueues the validation of its days.
    """
    receipt = ingest_file(
        int(ctx.payload["import_file_id"]), ctx, now=ctx.requested_at, actor=ctx.actor
    )
    if ctx.payload.get("vee", True):
        enqueue_validation(receipt, f"file {receipt['file']}/{receipt['publication']}")
    ctx.result({"file": receipt["file"], "intervals": receipt["intervals"]})


@job_kinds.register("reread_file")
def run_reread_file(ctx: JobContext) -> None:
    """Read an accepted file again with its present profile.

    Payload: `import_file_id`, `reason`. What became different is judged again.
    """
    receipt = reread_file(
        int(ctx.payload["import_file_id"]),
        ctx,
        now=ctx.requested_at,
        actor=ctx.actor,
        reason=ctx.payload["reason"],
    )
    enqueue_validation(receipt, f"file {receipt['file']}/{receipt['publication']}")
    ctx.result({"file": receipt["file"], "intervals": receipt["intervals"]})


@job_kinds.register("rehearse_file")
def run_rehearse_file(ctx: JobContext) -> None:
    """Work out what a kept file would bring with a profile; nothing is stored.

    Payload: `import_file_id`, `profile` (its fields, saved or not). The result is the receipt.
    """
    file = ImportFile.objects.get(pk=int(ctx.payload["import_file_id"]))
    profile = as_profile(profile_from(ctx.payload["profile"]), file.received_at)
    with open_stored(file) as stream:
        document = rehearse(
            stream,
            file,
            profile,
            now=ctx.requested_at,
            ctx=ctx,
            saved=ctx.saved,
            keep=ctx.result,
        )
    ctx.result(document)


@job_kinds.register("replay_file")
def run_replay_file(ctx: JobContext) -> None:
    """Read the mapped records of a file again.

    Payload: `import_file_id`.
    """
    file = ImportFile.objects.get(pk=int(ctx.payload["import_file_id"]))
    if not QuarantinedRecord.objects.filter(import_file=file, state="MAPPED").exists():
        ctx.result({"file": file.pk, "intervals": 0})
        return
    receipt = replay(file, ctx, actor=ctx.actor, now=ctx.requested_at)
    enqueue_validation(receipt, f"file {file.pk}/{receipt['publication']}")
    ctx.result({"file": file.pk, "intervals": receipt["intervals"]})


@job_kinds.register("validate_days")
def run_validate_days(ctx: JobContext) -> None:
    """Validate and estimate local days of some channels.

    Payload: `channel_ids`, `first_day`, `last_day` (ISO, inclusive).
    """
    try:
        first = date.fromisoformat(ctx.payload["first_day"])
        last = date.fromisoformat(ctx.payload["last_day"])
    except ValueError as error:
        raise Refused("vee.days", f"The days of this job are no dates: {error}") from error
    summary = validate_days(
        [int(i) for i in ctx.payload["channel_ids"]],
        first,
        last,
        now=ctx.requested_at,
        actor=ctx.actor,
        ctx=ctx,
        reason=ctx.payload.get("reason", ""),
    )
    ctx.result(summary.to_json())


@job_kinds.register(RECOMPUTE)
def run_recompute_virtual(ctx: JobContext) -> None:
    """Compute a virtual channel and what rests on it after its definition changed.

    Payload: `definition_id`, `start_utc`, `end_utc` (ISO; none: for ever).
    """
    end = ctx.payload.get("end_utc")
    written = catch_up(
        int(ctx.payload["definition_id"]),
        datetime.fromisoformat(ctx.payload["start_utc"]),
        datetime.fromisoformat(end) if end else None,
        now=ctx.requested_at,
        ctx=ctx,
    )
    ctx.result({"blocks": written})


@job_kinds.register("close_checks")
def run_close_checks(ctx: JobContext) -> None:
    """Judge a month of some channels as a whole.

    Payload: `channel_ids`, `period` (such as 2026-03).
    """
    ids, period = [int(i) for i in ctx.payload["channel_ids"]], ctx.payload["period"]
    with ctx.stage(1, f"Close {period}") as todo:
        if todo:
            summary = close_checks(ids, period, now=ctx.requested_at, actor=ctx.actor)
            ctx.result(summary.to_json())


@job_kinds.register("export_readings")
def run_export_readings(ctx: JobContext) -> None:
    """Write readings of some channels and days into a file.

    Payload: `channels` (codes), `first_day`, `last_day` (ISO, inclusive), `format`,
    `layer`, `zone`.
    """
    export = prepare(ExportOrder.from_json(ctx.payload), now=ctx.requested_at)
    export_files.prune(ctx.now)
    size = export_files.keep(
        export,
        ctx.job_id,
        lambda done: ctx.progress(done, export.intervals, "Writing intervals"),
    )
    with ctx.stage(1, "File written", done=export.intervals, total=export.intervals):
        ctx.result({"name": export.file_name, "bytes": size, "intervals": export.intervals})


@job_kinds.register("prune_exports")
def run_prune_exports(ctx: JobContext) -> None:
    """Remove export files that nobody can take any more."""
    export_files.prune(ctx.now)


LOOKS = 3


@job_kinds.register(COLLECT, max_attempts=LOOKS, retry_seconds=30)
def run_collect_source(ctx: JobContext) -> None:
    """Look for files at a source.

    Payload: `source_id`; `again` also tries files that were refused before. A source that cannot
    be reached is tried again, later each time; how it ended stands on the source's page.
    """
    done = collect(
        int(ctx.payload["source_id"]),
        ctx,
        again=bool(ctx.payload.get("again", False)),
        is_last_attempt=ctx.attempt >= LOOKS,
    )
    ctx.result(done)
