"""One cent back to a file row: line, worksheet, days, intervals, reading versions, file and line.

Everything is read from rows that carry the tenant (run, line, allocation parts), so the same
answers work for the back office and, inside a portal scope, for the tenant itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np

from meters.queries import trace
from meters.queries.basis import told
from meters.queries.terms import explain_virtual
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.grid import utc
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status, letter
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.models import AllocationPart, Line
from settlement.storage import read_parts

KINDS = ("METERED", "SHARED", "LOSS", "TOTAL")
FINAL = 2


def explain_line(
    line_id: int, *, day: date | None = None, instant: datetime | None = None
) -> dict[str, Any]:
    """Return the tree of a line as nested plain data.

    Always: line, run, worksheet rows and the energy of each local day. With `day` also the
    intervals of that day; with `instant` also the readings of that interval: the version that was
    used, all versions, file and line. Three queries, and eight per channel with `instant`.
    NotFoundError for an unknown line.
    """
    line = Line.objects.select_related("run__contract").filter(pk=line_id).first()
    if line is None:
        raise NotFoundError("settlement.line", f"There is no line {line_id}.")
    run = line.run
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    tree: dict[str, Any] = {
        "line": _line(line),
        "run": _run(run),
        "rows": Worksheet.from_json(line.worksheet).explain(),
        "quantity": _quantity_name(run, line),
        "days": [],
    }
    parts = _parts(run.allocation_run_id, run.contract_id)
    if "TOTAL" not in parts or line.corrects_run_id is not None:
        return tree
    tree["days"] = _days(parts, period, line)
    if day is not None:
        tree["intervals"] = _intervals(parts, *period.day_bounds(day))
    if instant is not None:
        tree["interval"] = _interval(parts, utc(instant))
        tree["readings"] = _readings(run, utc(instant))
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


def _quantity_name(run, line: Line) -> str:
    """Return which settled quantity the line's term prices, from the frozen inputs."""
    document = json.loads(bytes(run.inputs))
    for version in document["versions"]:
        for term in version["terms"]:
            if term["term_id"] == line.term_id and term["line_code"] == line.line_code:
                return term["quantity_name"]
    return ""


def _parts(allocation_id: int | None, contract_id: int) -> dict[str, Series]:
    """Return the contract's series by kind; several shared or loss parts are added."""
    if allocation_id is None:
        return {}
    found: dict[str, Series] = {}
    rows = read_parts(allocation_id, contract_ids=[contract_id], kinds=KINDS)
    for (_, kind, _), (series, _) in sorted(rows.items(), key=lambda item: item[0][1:]):
        found[kind] = series if kind not in found else found[kind].add(series)
    return found


def _days(parts: Mapping[str, Series], period: Period, line: Line) -> list[dict[str, Any]]:
    """Return the energy of each local day of the line, by kind, with its worst quality."""
    days = []
    for one in period.days():
        if line.first_date <= one <= line.last_date:
            bounds = period.day_bounds(one)
            cut = {kind: series.slice(*bounds) for kind, series in parts.items()}
            days.append(
                {
                    "day": one,
                    **{f"{kind.lower()}_kwh": part.total_present() for kind, part in cut.items()},
                    "missing_count": cut["TOTAL"].missing_count,
                    "estimated_count": _count(cut["TOTAL"], Status.ESTIMATED),
                    "letter": letter(int(cut["TOTAL"].status.max())),
                }
            )
    return days


def _count(series: Series, status: Status) -> int:
    return int(np.count_nonzero(series.status == int(status)))


def _intervals(parts: Mapping[str, Series], start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Return the intervals of a UTC range at the contract's own length."""
    total = parts["TOTAL"].slice(start, end)
    minutes = total.grid.minutes
    cut = {
        kind: series.slice(start, end).to_minutes(minutes).decimals()
        for kind, series in parts.items()
    }
    return [
        {
            "start_utc": total.grid.start_of(at),
            "end_utc": total.grid.start_of(at + 1),
            **{f"{kind.lower()}_kwh": values[at] for kind, values in cut.items()},
            "letter": letter(int(total.status[at])),
        }
        for at in range(total.grid.count)
    ]


def _interval(parts: Mapping[str, Series], instant: datetime) -> dict[str, Any]:
    grid = parts["TOTAL"].grid
    start = grid.start_of(grid.index_of(instant))
    return _intervals(parts, start, start + timedelta(minutes=grid.minutes))[0]


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


def largest_interval(tree: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the interval of an explained day with the most energy; None without a day."""
    known = [one for one in tree.get("intervals", ()) if one["total_kwh"] is not None]
    return max(known, key=lambda one: one["total_kwh"], default=None)
