"""One cent back to a file row: line, worksheet, days, intervals, reading versions, file and line.

Everything is read from rows that carry the tenant (run, line, allocation parts), so the same
answers work for the back office and, inside a portal scope, for the tenant itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from contracts.calc.price_terms import PricedTerm, needs_of
from contracts.models import Term
from contracts.readings import read_bound_again
from contracts.services import sentences
from meters.queries import trace
from meters.queries.basis import told
from meters.queries.terms import explain_virtual
from poweroptix.kernel.canonical import instant
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.grid import utc
from poweroptix.kernel.period import Period
from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.inputs import terms_of
from settlement.models import AllocationPart, Line
from settlement.queries.line_energy import LineEnergy

FINAL = 2
#: What the energy of an interval consists of, in the order of the sum.
PARTS = ("metered", "shared", "loss", "total")


def explain_line(
    line_id: int, *, day: date | None = None, instant: datetime | None = None
) -> dict[str, Any]:
    """Return the tree of a line as nested plain data.

    Always: line, run, the version of the contract and the clause that priced it, worksheet rows,
    and the energy of each local day of the line's own intervals with its sum. With `day` also these
    intervals; with `instant` also what that interval consists of and its readings: the version that
    was used, all versions, file and line. Two queries, those of the clause in words (four at most)
    and of the frozen inputs, two more and eight per channel with `instant`. NotFoundError for an
    unknown line.
    """
    found = _Opened.of(line_id)
    run, further = found.line.run, found.further
    tree: dict[str, Any] = {
        "line": _line(found.line),
        "run": _run(run),
        "term": found.agreed(),
        "rows": Worksheet.from_json(found.line.worksheet).explain(),
        "quantity": found.term.quantity_name if found.term else "",
        "further": further,
        "is_allocated": found.own is None,
        "unit": found.unit,
        "days": [],
    }
    energy = found.energy()
    if energy is None:
        return tree
    tree |= energy.document()
    if day is not None:
        tree["intervals"] = energy.intervals(day)
    if instant is not None and energy.parts:
        tree["interval"] = energy.interval(utc(instant))
        tree["readings"] = ([] if found.own else _readings(run, utc(instant))) + [
            _reading(channel, one["ref"]["pins"], utc(instant))
            for one in further
            for channel in one["ref"]["channels"]
        ]
    return tree


def line_intervals(
    line_id: int, *, day: date | None = None, places: slice = slice(None)
) -> dict[str, Any]:
    """Return the intervals that a line prices, of one local day or of all; `places` cuts them.

    Beside them the unit of quantity and price, and the sources that are told apart. NotFoundError
    for an unknown line.
    """
    found = _Opened.of(line_id)
    energy = found.energy()
    column = energy.priced.column if energy and energy.priced else None
    return {
        "unit": found.unit,
        "is_allocated": found.own is None,
        "price_unit": column.unit if column else "",
        "sources": list(energy.sources) if energy else [],
        "intervals": energy.intervals(day, places) if energy else [],
    }


def interval_rows(found: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Return head and rows of the intervals of a line as a file; a column for each source."""
    sources = [f"from_{code}_kwh" for code in found["sources"]]
    parts = ("metered_kwh", "shared_kwh", "loss_kwh", "delivered_kwh")
    priced = ("quantity", "unit", "priced_kwh", "price", "price_unit", "exact_usd", "quality")
    rows = [
        [instant(one["start_utc"]), instant(one["end_utc"]), one["period"],
         *parts_of(found, one).values(),
         one["settled_kwh"], found["unit"], one["priced_kwh"],
         one["price"], found["price_unit"], one["exact_usd"], one["letter"],
         *(kwh for _code, kwh in one["by_source"])]
        for one in found["intervals"]
    ]  # fmt: skip
    return ["start_utc", "end_utc", "period", *parts, *priced, *sources], rows


def parts_of(found: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an interval or day consists of in kWh; None where no allocation stands behind."""
    return {
        f"{part}_kwh": one.get(f"{part}_kwh") if found["is_allocated"] else None for part in PARTS
    }


@dataclass(frozen=True)
class _Opened:
    """A line with what its run froze: the document, the term in it, and what that term read."""

    line: Line
    document: Mapping[str, Any]
    term: PricedTerm | None
    further: list[dict[str, Any]]

    @classmethod
    def of(cls, line_id: int) -> _Opened:
        """Return the line; NotFoundError for an unknown one."""
        line = Line.objects.select_related("run__contract").filter(pk=line_id).first()
        if line is None:
            raise NotFoundError("settlement.line", f"There is no line {line_id}.")
        document = json.loads(bytes(line.run.inputs))
        term = _term(document, line)
        return cls(line, document, term, _further(document, term))

    @property
    def own(self) -> dict[str, Any] | None:
        """The further quantity that the line prices; None where it prices allocated energy."""
        name = self.term.quantity_name if self.term else ""
        return next((one for one in self.further if one["name"] == name), None)

    @property
    def unit(self) -> str:
        """The unit of the line's intervals."""
        has_own = self.own is not None and self.line.corrects_run_id is None
        return self.own["unit"] if has_own else "kWh"

    def energy(self) -> LineEnergy | None:
        """Return the energy behind the line; None for a correction and without any."""
        run, own = self.line.run, self.own
        if self.line.corrects_run_id is not None or (own is None and run.allocation_run_id is None):
            return None
        period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
        bound = read_bound_again(own["ref"], period) if own else None
        return LineEnergy(self.line, period, self.term.quantity_name if self.term else "", bound)

    def agreed(self) -> dict[str, Any] | None:
        """Return version and clause that priced the line, in words; None for a correction."""
        if self.term is None:
            return None
        code = self.line.line_code
        version = next(
            one
            for one in self.document["versions"]
            for term in one["terms"]
            if (term.get("term_id"), term["line_code"]) == (self.term.term_id, code)
        )
        row = Term.objects.select_related("version").filter(pk=self.term.term_id).first()
        first, last = version["in_force"]
        return {
            "version": version["number"],
            "first_date": first,
            "last_date": last,
            "charge_type": self.term.charge_type,
            "clause": self.term.clause,
            "clause_text": row.clause_text if row else "",
            "sentence": sentences([row])[row.pk] if row else "",
            "parameters": dict(self.term.parameters),
        }


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
