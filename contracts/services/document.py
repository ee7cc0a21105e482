"""One contract as a portfolio document: `apply` of it changes nothing, and elsewhere makes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from contracts.models import Contract, ContractVersion, Term
from contracts.queries import standing

FIELDS = (
    "code", "name", "seller", "offtaker", "campus", "currency", "zone", "payment_days",
    "rounding_point", "rounding", "tolerance_usd", "tolerance_ratio", "state",
)  # fmt: skip
TERM_FIELDS = (
    "position", "line_code", "charge_type", "label", "clause_number", "clause_text",
    "quantity_name", "parameters",
)  # fmt: skip
SUPERSEDED = ContractVersion.State.SUPERSEDED


def contract_document(contract: Contract) -> dict[str, Any]:
    """Return the sections of a contract: itself, points, quantities, openings, standing events.

    Every version with its terms and worked examples; calendars and series by their codes.
    """
    item: dict[str, Any] = {name: _plain(getattr(contract, name)) for name in FIELDS}
    held = list(contract.versions.prefetch_related("terms", "examples").order_by("number"))
    item["versions"] = [_version(one) for one in held]
    if contract.last_day is not None:
        item["ends"] = {
            "last_day": contract.last_day.isoformat(),
            "reason": contract.termination_reason,
        }
    sections = {"contracts": [item], **_rights(contract), **_history(contract)}
    return {name: items for name, items in sections.items() if items}


def _rights(contract: Contract) -> dict[str, list[dict[str, Any]]]:
    """Return which points are the contract's, and which channels its further quantities read."""
    points = contract.points.select_related("delivery_point").order_by("valid", "pk")
    bound = contract.quantities.select_related("channel").order_by("name", "valid", "pk")
    return {
        "tenant_points": [
            {
                "contract": contract.code,
                "campus": contract.campus.code,
                "delivery_point": one.delivery_point.code,
                "valid": _span(one.valid),
                "share_ratio": _plain(one.share_ratio),
            }
            for one in points
        ],
        "contract_quantities": [
            {
                "contract": contract.code,
                "name": one.name,
                "channel": one.channel.code,
                "sign": one.sign,
                "valid": _span(one.valid),
            }
            for one in bound
        ],
    }


def _history(contract: Contract) -> dict[str, list[dict[str, Any]]]:
    """Return what the contract brought along, and the events that stand."""
    return {
        "opening_balances": [
            {
                "contract": contract.code,
                "period": one.period,
                "carry": one.carry,
                **({"open_items": one.open_items} if one.open_items else {}),
                "reason": one.reason,
            }
            for one in contract.openings.order_by("period")
        ],
        "contract_events": [
            {
                "contract": contract.code,
                "kind": one.kind,
                "start": _instant(one.start_utc),
                **({"end": _instant(one.end_utc)} if one.end_utc != one.start_utc else {}),
                "values": dict(one.values),
                "reason": one.reason,
            }
            for one in standing(contract).order_by("start_utc", "kind", "pk")
        ],
    }


def _version(version: ContractVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "valid": _span(version.valid),
        "anchor_date": version.anchor_date.isoformat(),
        "facts": dict(version.facts),
        "note": version.note,
        "activate": version.state != ContractVersion.State.DRAFT,
        **({"superseded": True} if version.state == SUPERSEDED else {}),
        "terms": [_term(one) for one in sorted(version.terms.all(), key=lambda t: t.position)],
        "examples": [
            {"name": one.name, "inputs": one.inputs, "expected": one.expected}
            for one in sorted(version.examples.all(), key=lambda e: e.name)
        ],
    }


def _term(term: Term) -> dict[str, Any]:
    return {
        name: getattr(term, name)
        for name in TERM_FIELDS
        if name == "parameters" or getattr(term, name) != ""
    }


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _span(days: Any) -> list[str]:
    """Return first day and the day after the last; no end is empty."""
    return [days.lower.isoformat(), days.upper.isoformat() if days.upper else ""]


def _plain(value: Any) -> Any:
    """Return a field as a document writes it."""
    if hasattr(value, "code"):
        return value.code
    return value if isinstance(value, str | int) else format(value, "f")
