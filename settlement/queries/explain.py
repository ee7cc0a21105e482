"""One cent back to a file row: line, worksheet, days, intervals, reading versions, file and line.

Everything is read from rows that carry the tenant (run, line, allocation parts), so the same
answers work for the back office and, inside a portal scope, for the tenant itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from contracts.calc.price_terms import PricedTerm, needs_of
from contracts.readings import read_bound_again
from meters.queries import trace
from meters.queries.basis import told
from meters.queries.terms import explain_virtual
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.grid import utc
from poweroptix.kernel.period import Period
from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.inputs import terms_of
from settlement.models import AllocationPart, Line
from settlement.queries.line_energy import LineEnergy

FINAL = 2


def explain_line(
    line_id: int, *, day: date | None = None, instant: datetime | None = None
) -> dict[str, Any]:
    """Return the tree of a line as nested plain data.

    Always: line, run, worksheet rows, and the energy of each local day of the line's own
    intervals with its sum. With `day` also these intervals; with `instant` also what that interval
    consists of and its readings: the version that was used, all versions, file and line. Two
    queries and those of the frozen inputs, two more and eight per channel with `instant`.
    NotFoundError for an unknown line.
    """
    line = Line.objects.select_related("run__contract").filter(pk=line_id).first()
    if line is None:
        raise NotFoundError("settlement.line", f"There is no line {line_id}.")
    run = line.run
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    document = json.loads(bytes(run.inputs))
    term = _term(document, line)
    further = _further(document, term)
    tree: dict[str, Any] = {
        "line": _line(line),
        "run": _run(run),
        "rows": Worksheet.from_json(line.worksheet).explain(),
        "quantity": term.quantity_name if term else "",
        "further": further,
        "unit": "kWh",
        "days": [],
    }
    own = next((one for one in further if one["name"] == tree["quantity"]), None)
    if line.corrects_run_id is not None or (own is None and run.allocation_run_id is None):
        return tree
    bound = read_bound_again(own["ref"], period) if own else None
    tree["unit"] = own["unit"] if own else "kWh"
    energy = LineEnergy(line, period, tree["quantity"], bound)
    tree |= energy.document()
    if day is not None:
        tree["intervals"] = energy.intervals(day)
    if instant is not None and energy.parts:
        tree["interval"] = energy.interval(utc(instant))
        tree["readings"] = ([] if own else _readings(run, utc(instant))) + [
            _reading(channel, one["ref"]["pins"], utc(instant))
            for one in further
            for channel in one["ref"]["channels"]
        ]
    return tree


def _line(line: Line) -> dict[str, Any]:
    return {
        "id": line.pk,
        "position": line.position,
        "line_code": line.line_code,
        "label": line.label,
        "clause": line.clause,
        "term_id": line.term_id,
        "charge_type": line.charge_type,
        "first_date": line.first_date,
        "last_date": line.last_date,
        "quantity": line.quantity,
        "unit": line.unit,
        "rate_text": line.rate_text,
        "exact_usd": line.exact_usd,
        "amount_usd": line.amount_usd,
        "estimated_ratio": line.estimated_ratio,
        "corrects_period": line.corrects_period,
        "sha256": line.sha256,
    }


def _run(run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "contract": run.contract.code,
        "period": run.period,
        "version": run.version,
        "kind": run.kind,
        "state": run.state,
        "zone": run.contract.zone,
        "inputs_sha256": run.inputs_sha256,
        "allocation_run": run.allocation_run_id,
    }


def _term(document: Mapping[str, Any], line: Line) -> PricedTerm | None:
    """Return the line's term as the frozen inputs hold it."""
    for term in terms_of(document):
        if term.term_id == line.term_id and term.line_code == line.line_code:
            return term
    return None


def _further(document: Mapping[str, Any], term: PricedTerm | None) -> list[dict[str, Any]]:
    """Return the further quantities that a term read: unit, digest, and from which channels."""
    names = needs_of([term]).series if term else ()
    entries = ((name, document["series"].get(name, {})) for name in names)
    return [
        {"name": name, "unit": one["unit"], "digest": one["digest"], "ref": one["ref"]}
        for name, one in entries
        if one.get("ref", {}).get("kind") == "channels"
    ]


def _readings(run, instant: datetime) -> list[dict[str, Any]]:
    """Return, per own channel, the version that the run read and everything known about it."""
    part = AllocationPart.objects.filter(
        run=run.allocation_run_id, contract=run.contract_id, kind="METERED"
    ).values_list("worksheet", flat=True).first()  # fmt: skip
    if part is None:
        return []
    return [_reading(channel, part["pins"], instant) for channel in part["channels"]]


def _reading(
    channel: Mapping[str, Any], pins: Mapping[str, Any], instant: datetime
) -> dict[str, Any]:
    found = trace(channel["id"], instant)
    day = found.start_utc.date().isoformat()
    used = {pin[0]: pin[1] for pin in pins[str(channel["id"])]}.get(day)
    versions = [_version(one, used) | {"basis": basis} for one, basis in told(found)]
    final = next((one for one in versions if one["used"]), None)
    raw = next(
        (
            one
            for one in versions
            if one["layer"] != FINAL and final and one["version"] == final["raw_version"]
        ),
        None,
    )
    return {
        "channel": channel["code"],
        "point": channel["point"],
        "start_utc": found.start_utc,
        "minutes": found.channel.minutes,
        "unit": found.channel.unit,
        "used": final,
        "raw": raw,
        "multiplication": found.multiplication,
        "computed": _computed(channel["id"], instant, used),
        "versions": versions,
        "edits": [
            {"at": edit.created_at, "who": edit.actor, "approver": edit.approver,
             "action": edit.action, "said": edit.get_action_display(),
             "reason": edit.reason_code, "comment": edit.comment}
            for edit in found.edits
        ],
        "findings": [
            {"rule": one.rule_code, "severity": one.severity, "state": one.state,
             "message": one.message}
            for one in found.findings
        ],
    }  # fmt: skip


def _computed(channel_id: int, instant: datetime, version: int | None) -> dict[str, Any] | None:
    """Return what a virtual reading rests on, down to file and row; None for a metered one."""
    found = explain_virtual(channel_id, instant, version)
    return found.to_json() if found else None


def _version(one: Any, used: int | None) -> dict[str, Any]:
    return {
        "layer": int(one.layer),
        "version": one.version,
        "used": int(one.layer) == FINAL and one.version == used,
        "quantity": one.quantity,
        "letter": one.letter,
        "status": one.status.name,
        "method": one.method.name,
        "published_at": one.publication.published_at,
        "who": one.publication.actor,
        "why": one.publication.reason,
        "file": one.import_file.name if one.import_file else "",
        "file_id": one.import_file.pk if one.import_file else None,
        "file_sha256": one.import_file.sha256 if one.import_file else "",
        "line": one.line,
        "raw_version": one.raw_version,
    }
