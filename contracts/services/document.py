"""One contract as a portfolio document: `apply` of it changes nothing, and elsewhere makes it."""

from __future__ import annotations

from datetime import date
from typing import Any

from contracts.models import Contract, ContractVersion, Term

FIELDS = (
    "code", "name", "seller", "offtaker", "campus", "currency", "zone", "payment_days",
    "rounding_point", "rounding", "tolerance_usd", "tolerance_ratio",
)  # fmt: skip
TERM_FIELDS = (
    "position", "line_code", "charge_type", "label", "clause_number", "clause_text",
    "quantity_name", "parameters",
)  # fmt: skip
SUPERSEDED = ContractVersion.State.SUPERSEDED


def contract_document(contract: Contract) -> dict[str, Any]:
    """Return the sections `contracts` and `opening_balances` with all of a contract.

    Every version with its terms and worked examples; calendars and series by their codes.
    """
    item: dict[str, Any] = {name: _plain(getattr(contract, name)) for name in FIELDS}
    held = list(contract.versions.prefetch_related("terms", "examples").order_by("number"))
    item["versions"] = [_version(one, held) for one in held]
    document: dict[str, Any] = {"contracts": [item]}
    openings = [
        {
            "contract": contract.code,
            "period": one.period,
            "carry": one.carry,
            **({"open_items": one.open_items} if one.open_items else {}),
            "reason": one.reason,
        }
        for one in contract.openings.order_by("period")
    ]
    return {**document, "opening_balances": openings} if openings else document


def _version(version: ContractVersion, held: list[ContractVersion]) -> dict[str, Any]:
    upper = version.valid.upper
    replaces = any(
        one.state == SUPERSEDED and one.number < version.number and _overlap(one, version)
        for one in held
    )
    return {
        "number": version.number,
        "valid": [version.valid.lower.isoformat(), upper.isoformat() if upper else ""],
        "anchor_date": version.anchor_date.isoformat(),
        "facts": dict(version.facts),
        "note": version.note,
        "activate": version.state != ContractVersion.State.DRAFT,
        **({"supersede": True} if replaces else {}),
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


def _overlap(one: ContractVersion, other: ContractVersion) -> bool:
    """Return True when two versions have a common day."""
    ends = [each.valid.upper or date.max for each in (one, other)]
    return max(one.valid.lower, other.valid.lower) < min(ends)


def _plain(value: Any) -> Any:
    """Return a field as a document writes it."""
    if hasattr(value, "code"):
        return value.code
    return value if isinstance(value, str | int) else format(value, "f")
