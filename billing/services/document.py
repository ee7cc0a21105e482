"""The document of an invoice: everything that is printed and everything that proves it."""

import base64
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.core.files.storage import default_storage

from billing.calc.carbon import carbon_block
from billing.calc.corrections import correction_words
from billing.calc.demand import demand_facts
from billing.calc.parties import address_lines, bank_rows, contact_of, paper_of
from billing.calc.provisional import provisional_words
from billing.calc.usage import usage_of
from billing.calc.wording import determinants, parts, read, sums
from billing.documents.intervals_csv import interval_csv
from billing.documents.store import keep_csv
from billing.documents.text import MONTHS
from billing.models import Invoice
from billing.queries import (
    carbon_of,
    energy_parts,
    inputs_of,
    points_of,
    reading_versions,
    replaces,
)
from billing.services.corrections import corrections_of
from contracts.models import Party, Term
from contracts.services import sentences
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.period import Period
from settlement.calc.inputs import Inputs
from settlement.calc.intervals import interval_table
from settlement.models import Line, SettlementRun

SCHEMA = "poweroptix.invoice@1"
LOGO_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}
LOGO_BYTES_MAX = 300_000


@dataclass(frozen=True)
class Issue:
    """What becomes known when an invoice is issued."""

    number: str
    issued_at: datetime
    issue_date: date
    due_date: date
    issued_by: str


def build_document(invoice: Invoice, issue: Issue | None = None) -> dict[str, Any]:
    """Return the document of an invoice as plain canonical data; without `issue` it is a draft.

    Refused when the run's inputs cannot be read again as they were pinned.
    """
    run = (
        SettlementRun.objects.select_related(
            "contract__seller", "contract__offtaker", "contract__campus", "allocation_run"
        )
        .prefetch_related("lines")
        .get(pk=invoice.run_id)
    )
    contract, inputs = run.contract, inputs_of(run)
    csv_bytes = interval_file(run, inputs)
    csv_sha256 = sha256(csv_bytes)
    if issue is not None:  # under its digest; a transaction that fails leaves nothing wrong behind
        keep_csv(csv_bytes, csv_sha256)
    document = {
        "schema": SCHEMA,
        "prepared_at": invoice.prepared_at,
        **_issued(issue),
        "replaces": _replaced(invoice),
        "payment_days": contract.payment_days,
        "paper": paper_of(contract.offtaker.address, invoice.currency),
        "currency": invoice.currency,
        "contact": contact_of(contract.seller.address),
        "seller": _party(contract.seller)
        | {"bank": bank_rows(contract.seller.bank), "logo": logo_of(contract.seller)},
        "customer": _party(contract.offtaker),
        "campus": {"code": contract.campus.code, "name": contract.campus.name},
        "contract": {
            "code": contract.code,
            "name": contract.name,
            "version": " and ".join(str(version.number) for version in inputs.versions),
        },
        "points": points_of(run),
        "period": _period(inputs.period),
        "run": _run(run),
        "lines": [_line(line, inputs.period.zone) for line in run.lines.all()],
        "terms": _terms(run),
        "corrections": corrections_of(run),
        "total": invoice.total_usd,
        "usage": usage_of(inputs.series["delivered"], inputs.period) | {"parts": energy_parts(run)},
        "series": _series(inputs),
        "interval_csv_sha256": csv_sha256,
        "carbon": _carbon(run),
        "notes": [*_replacing(invoice), *_notes(run, is_draft=issue is None)],
    }
    return json.loads(canonical_json(document))


def _issued(issue: Issue | None) -> dict[str, Any]:
    names = ("number", "issued_at", "issue_date", "due_date")  # people stay in the house
    return {name: getattr(issue, name) if issue else None for name in names}


def _replaced(invoice: Invoice) -> dict[str, Any] | None:
    """Return the void invoice in whose place this one stands."""
    before = replaces(invoice)
    if before is None:
        return None
    return {"number": before.number, "content_sha256": before.content_sha256}


def _replacing(invoice: Invoice) -> list[str]:
    before = replaces(invoice)
    if before is None:
        return []
    return [f"This invoice replaces {before.number}, which is void; nothing is due on that one."]


def _series(inputs: Inputs) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "minutes": one.grid.minutes,
            "count": one.grid.count,
            "digest": one.digest(),
        }
        for name, one in sorted(inputs.series.items())
    ]


def interval_file(
    run: SettlementRun, inputs: Inputs | None = None, line_code: int | None = None
) -> bytes:
    """Return the interval CSV of a run, of all lines or of one; the same bytes every time."""
    table = interval_table(inputs or inputs_of(run), line_code)
    return interval_csv(table, run.contract.zone, reading_versions(run))


def _party(party: Party) -> dict[str, Any]:
    return {
        "code": party.code,
        "name": party.name,
        "legal_name": party.legal_name or party.name,
        "address": address_lines(party.address),
        "tax_id": party.tax_id,
    }


def logo_of(party: Party) -> str:
    """Return the seller's logo as a data URI, or nothing: file logos/<code>.png or .jpg."""
    for suffix, kind in LOGO_TYPES.items():
        name = f"logos/{party.code}{suffix}"
        if default_storage.exists(name) and default_storage.size(name) <= LOGO_BYTES_MAX:
            with default_storage.open(name) as stream:
                encoded = base64.b64encode(stream.read()).decode("ascii")
            return f"data:{kind};base64,{encoded}"
    return ""


def _period(period: Period) -> dict[str, Any]:
    first = period.first_date
    return {
        "label": period.label,
        "title": f"{MONTHS[first.month - 1]} {first.year}",
        "start_utc": period.start_utc,
        "end_utc": period.end_utc,
        "first_date": first,
        "last_date": period.last_date,
        "days": len(period.days()),
        "hours": period.hours,
        "zone": period.zone,
    }


def _run(run: SettlementRun) -> dict[str, Any]:
    allocation = run.allocation_run
    return {
        "id": run.pk,
        "label": f"{run.contract.code} {run.period}",
        "kind": run.kind,
        "version": run.version,
        "inputs_sha256": run.inputs_sha256,
        "lines_sha256": run.lines_sha256,
        "allocation_sha256": allocation.inputs_sha256 if allocation else "",
        "approved_at": run.approved_at,
    }


def _line(line: Line, zone: str) -> dict[str, Any]:
    sheet = read(line.worksheet)
    return {
        "position": line.position,
        "line_code": line.line_code,
        "label": line.label,
        "clause": line.clause,
        "under": correction_words(line.corrects_period, sheet) or provisional_words(sheet),
        "quantity": line.quantity,
        "unit": line.unit,
        "rate_text": line.rate_text,
        "amount": line.amount_usd,
        "exact": line.exact_usd,
        "estimated_ratio": line.estimated_ratio,
        "first_date": line.first_date,
        "last_date": line.last_date,
        "parts": parts(sheet),
        "determinants": determinants(sheet),
        "demand": demand_facts(sheet, zone),
        "sums": sums(sheet),
        "worksheet": line.worksheet,
        "sha256": line.sha256,
    }


def _terms(run: SettlementRun) -> list[dict[str, Any]]:
    """Return the clauses behind the lines in words, so that the document is enough to check it."""
    wanted = {line.term_id for line in run.lines.all() if line.term_id}
    terms = Term.objects.filter(pk__in=wanted).select_related("version")
    said = sentences(terms)
    return [
        {
            "position": line.position,
            "clause": line.clause,
            "sentence": said[line.term_id],
        }
        for line in run.lines.all()
        if line.term_id in said
    ]


def _carbon(run: SettlementRun) -> dict[str, Any] | None:
    line = carbon_of(run)
    if line is None:
        return None
    account = line.run
    return carbon_block(
        read(line.worksheet),
        co2e_g=line.co2e_g,
        energy_kwh=line.energy_kwh,
        kg_per_mwh=line.kg_per_mwh,
        biogenic_mg=line.co2_biogenic_mg,
        gwp_set=account.gwp_set,
        run_label=f"{account.period} version {account.version}",
        pool_g=account.co2e_g,
        pool_kwh=account.energy_in_kwh,
        sources=account.sources,
        sha256=account.inputs_sha256,
    )


def _notes(run: SettlementRun, *, is_draft: bool) -> list[str]:
    notes = []
    if is_draft:
        notes.append("This is a draft for review. It is not a demand for payment.")
    if run.kind == SettlementRun.Kind.PRELIMINARY:
        notes.append(
            "This invoice rests on a preliminary settlement. A later settlement of the period "
            "follows; the difference is billed or credited then."
        )
    corrected = sorted({line.corrects_period for line in run.lines.all() if line.corrects_period})
    if corrected:
        notes.append(f"It also bills the differences of {', '.join(corrected)}.")
    return notes


def total_of(lines: list[Line]) -> Decimal:
    """Return the sum of printed amounts."""
    return sum((line.amount_usd for line in lines), Decimal("0.00"))
