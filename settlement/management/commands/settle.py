"""`manage.py settle`: calculate a month, or decide about a run."""

from __future__ import annotations

import json
from typing import Any

from contracts.models import Contract
from meters.models import Campus
from poweroptix.clock import now
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import run_now
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import NotFoundError, Refused
from poweroptix.kernel.period import Period
from poweroptix.pages.asked import read_instant
from settlement.management.kit import DomainCommand, actor_named
from settlement.models import SettlementRun
from settlement.queries.replay import replay
from settlement.queries.runs import find_run
from settlement.services import (
    approve_run,
    approve_together,
    recalculate_month,
    reject_run,
    settle_contract,
    settle_everything,
    settle_month,
    submit_run,
)

DECISIONS = ("submit", "approve", "reject")


class Command(DomainCommand):
    """Settle contracts of a month; submit, approve or reject a run."""

    help = (
        "settle --all --period 2026-03 | settle --campus CODE --period 2026-03 | "
        "settle --contract CODE --period 2026-03 | "
        "settle --contract CODE --period 2026-03 --as-of 2026-04-09T12:00:00Z | "
        "settle approve RUN --as USER. RUN is CONTRACT/2026-03/v1 or a number. Exit code 1 when "
        "something was refused or a run has no total."
    )

    def add_arguments(self, parser):
        """Declare the arguments."""
        super().add_arguments(parser)
        parser.add_argument("decision", nargs="?", choices=DECISIONS)
        parser.add_argument("run", nargs="?")
        parser.add_argument("--campus")
        parser.add_argument("--all", action="store_true", help="all contracts of all campuses")
        parser.add_argument("--contract", action="append", default=[])
        parser.add_argument("--period", help="local month, 2026-03")
        parser.add_argument("--kind", default="FINAL", choices=SettlementRun.Kind.values)
        parser.add_argument("--reason", default="", help="why an AD_HOC run is made")
        parser.add_argument("--comment", default="", help="words of a decision")
        parser.add_argument(
            "--recalculate",
            action="store_true",
            help="with --campus: one new split, and a run of each contract that it changes",
        )
        parser.add_argument(
            "--together",
            action="store_true",
            help="approve also the runs that a new split of the month replaces with this one",
        )
        parser.add_argument(
            "--as-of",
            metavar="INSTANT",
            help="with --contract and --period: the lines that counted then, computed again",
        )
        parser.add_argument("--as", dest="user", help="user name of whoever acts")

    def work(self, **options: Any) -> tuple[Any, str, bool]:
        """Calculate, or decide."""
        actor = actor_named(options["user"], "settle")
        if options["decision"] is not None:
            return _decide(options, actor)
        named = options["campus"] or options["contract"] or options["all"]
        if not options["period"] or not named:
            text = "Name a --period and a --campus or --contract, or --all."
            raise Refused("settlement.usage", text)
        if options["as_of"]:
            return _replay(options)
        return _settle(options, actor)


def _decide(options: dict[str, Any], actor) -> tuple[Any, str, bool]:
    if options["run"] is None:
        raise Refused("settlement.usage", f"Which run? settle {options['decision']} RUN")
    run, said = find_run(options["run"]), options["comment"] or options["reason"]
    at = now()
    if options["decision"] == "submit":
        run = submit_run(run, actor=actor, now=at)
    elif options["together"] and options["decision"] == "approve":
        runs = approve_together(run, actor=actor, now=at, comment=said)
        return [_document(one) for one in runs], "\n".join(_words(one) for one in runs), True
    elif options["decision"] == "approve":
        run = approve_run(run, actor=actor, now=at, comment=said)
    else:
        run = reject_run(run, actor=actor, now=at, reason=said)
    return _document(run), f"{_words(run)}", True


def _settle(options: dict[str, Any], actor) -> tuple[Any, str, bool]:
    if options["recalculate"] and options["campus"]:
        return _recalculate(options, actor)
    if options["all"]:
        return _everything(options, actor)
    common = {"kind": options["kind"], "reason": options["reason"], "now": now(), "actor": actor}
    jobs = [
        settle_contract(_contract(code), options["period"], **common)
        for code in options["contract"]
    ]
    if options["campus"] and not jobs:
        month = _done(settle_month(_campus(options), options["period"], **common))
        jobs = list(Job.objects.filter(pk__in=month.result["jobs"]).order_by("pk"))
    runs, failed = [], []
    for job in jobs:
        ended = run_now(job)
        if ended.state == "done":
            runs.append(find_run(str(ended.result["run"])))
        else:
            failed.append(ended)
    document = {
        "runs": [_document(run) for run in runs],
        "refused": [{"contract": j.payload["contract"], "message": j.error} for j in failed],
    }
    words = [_words(run) for run in runs]
    words += [f"{job.payload['contract']}: refused: {job.error}" for job in failed]
    done = not failed and all(run.total_usd is not None for run in runs)
    return document, "\n".join(words) or "No contract is in force in the period.", done


def _everything(options: dict[str, Any], actor) -> tuple[Any, str, bool]:
    """Settle all campuses in one job that goes on where an earlier one was cut off."""
    said = {"kind": options["kind"], "reason": options["reason"], "now": now(), "actor": actor}
    job = _done(settle_everything(options["period"], **said))
    runs = [find_run(str(pk)) for pk in job.result["runs"]]
    refused = job.result["refused"]
    words = [_words(run) for run in runs]
    words += [f"{one['contract']}: refused: {one['message']}" for one in refused]
    done = not refused and all(run.total_usd is not None for run in runs)
    return {"runs": [_document(run) for run in runs], "refused": refused}, "\n".join(words), done


def _replay(options: dict[str, Any]) -> tuple[Any, str, bool]:
    """Return what counted at an instant; the words are the lines as canonical JSON."""
    if len(options["contract"]) != 1:
        text = "With --as-of name one --contract and its --period."
        raise Refused("settlement.usage", text)
    contract = _contract(options["contract"][0])
    label = Period.month(contract.zone, options["period"]).label
    found = replay(contract, label, read_instant(options["as_of"]))
    return json.loads(canonical_json(found.document())), found.lines().decode(), True


def _recalculate(options: dict[str, Any], actor) -> tuple[Any, str, bool]:
    said = {"reason": options["reason"], "now": now(), "actor": actor}
    job = _done(recalculate_month(_campus(options), options["period"], **said))
    runs = [find_run(str(pk)) for pk in job.result["runs"]]
    document = {"runs": [_document(run) for run in runs], "kept": job.result["kept"]}
    words = [_words(run) for run in runs]
    words += [f"{code}: the same energy, its approved run stays." for code in job.result["kept"]]
    return document, "\n".join(words), all(run.total_usd is not None for run in runs)


def _campus(options: dict[str, Any]) -> Campus:
    campus = Campus.objects.filter(code=options["campus"]).first()
    if campus is None:
        raise NotFoundError("settlement.campus", f"There is no campus {options['campus']}.")
    return campus


def _contract(code: str) -> Contract:
    contract = Contract.objects.select_related("campus").filter(code=code).first()
    if contract is None:
        raise NotFoundError("settlement.contract", f"There is no contract {code}.")
    return contract


def _done(job: Job) -> Job:
    """Run a job here; Refused with its own words when it does not end well."""
    ended = run_now(job)
    if ended.state != "done":
        raise Refused(ended.error_code or "settlement.job", ended.error or "The job did not end.")
    return ended


def _document(run: SettlementRun) -> dict[str, Any]:
    return {
        "run": run.pk,
        "contract": run.contract.code,
        "period": run.period,
        "version": run.version,
        "kind": run.kind,
        "state": run.state,
        "currency": run.currency,
        "total": None if run.total_usd is None else format(run.total_usd, "f"),
        "inputs_sha256": run.inputs_sha256,
        "lines": [
            {
                "line_code": line.line_code,
                "label": line.label,
                "amount": None if line.amount_usd is None else format(line.amount_usd, "f"),
            }
            for line in run.lines.order_by("position")
        ],
        "findings": run.findings,
    }


def _words(run: SettlementRun) -> str:
    total = "no total" if run.total_usd is None else f"{run.total_usd:,.2f} {run.currency}"
    rows = [
        f"{run.contract.code} {run.period} v{run.version}: "
        f"{run.get_state_display().lower()}, {total}"
    ]
    rows += [
        f"  {finding['severity'].lower()}: {finding['message']} {finding['fix']}".rstrip()
        for finding in run.findings
    ]
    return "\n".join(rows)
