"""A pool of money of one month, divided to the cent: pure, from its frozen document.

The amount is the sum of the items, rounded once. The operator's cut of a positive amount comes
first; the rest goes to the members by the weights of the key: whole cents of amount x weight /
weights, then the cents that are left one each by largest remainder, ties by weight, then by code.
A credit mirrors its charge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any

from poweroptix.kernel.canonical import digest_of
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import EXACT, exact_sum
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import Mode, money, to_places
from poweroptix.kernel.series import Series
from poweroptix.kernel.splits import split
from poweroptix.kernel.worksheet import Worksheet
from settlement.sharing._base import Claims, money_key
from settlement.weighing._base import Weighing
from settlement.weighing.stays import stays_of

FORMAT = "settlement.pool@1"
KINDS = ("COST", "FEE", "REVENUE")
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Share:
    """What one member gets of an amount: whole cents and, perhaps, one cent of the remainder."""

    member: str
    weight: Decimal | None
    said: str
    whole_usd: Decimal | None
    extra_usd: Decimal | None

    @property
    def amount_usd(self) -> Decimal | None:
        """The share in cents; None while the amount or a weight is not known."""
        return None if self.whole_usd is None else self.whole_usd + self.extra_usd


@dataclass(frozen=True)
class Division:
    """A month of a pool: what there was, what the operator took, and who bears the rest.

    `amount_usd` = `operator_usd` + `shared_usd`, and the shares add up to `shared_usd`. They are
    None while an input is missing; the findings say which. A pool without members is not passed
    on and has no shares.
    """

    amount_usd: Decimal | None
    operator_usd: Decimal | None
    unit: str
    weights: Decimal | None
    shares: tuple[Share, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def shared_usd(self) -> Decimal | None:
        """What the members share."""
        return None if self.operator_usd is None else self.amount_usd - self.operator_usd


def divide(
    document: Mapping[str, Any],
    series: Mapping[str, Series],
    sale: Worksheet | None = None,
) -> Division:
    """Return the division of a pool month. Refused when the document cannot be read.

    `series` is the energy of the members by code, where the key reads it; `sale` the worksheet of
    what the pool sold, where its amount is computed.
    """
    if document.get("format") != FORMAT:
        text = f"The pool has the format {document.get('format')!r}; this reads {FORMAT!r}."
        raise Refused("settlement.pool_document", text)
    amount = _amount(document, sale)
    weighing, total, weights = _weighed(document, series)
    faults = [*_without_amount(document, amount, sale), *_two_amounts(document)]
    findings = [*weighing.findings, *faults]
    known = amount is not None and None not in weights.values()
    kept = not document["members"]
    if known and not total and not findings and not kept:
        findings.append(_nobody(document))
    if kept and amount is not None and not faults:
        return Division(amount, _kept(document, amount), weighing.unit, None, ())
    if not known or findings:
        shares = tuple(
            Share(code, weights[code], weighing.said[code], None, None) for code in weights
        )
        return Division(amount, None, weighing.unit, total, shares, tuple(findings))
    operator = _kept(document, amount)
    shares = split_cents(amount - operator, weights, weighing.said)
    return Division(amount, operator, weighing.unit, total, shares)


def split_cents(
    amount_usd: Decimal, weights: Mapping[str, Decimal], said: Mapping[str, str] | None = None
) -> tuple[Share, ...]:
    """Return the shares of an amount in cents; they add up to it.

    >>> [str(share.amount_usd) for share in split_cents(
    ...     Decimal("-100.00"), {"ALFA": Decimal(1), "BRAVO": Decimal(1), "CHARLIE": Decimal(1)})]
    ['-33.34', '-33.33', '-33.33']
    """
    codes = sorted(weights)
    common = lcm(*(Fraction(weights[code]).denominator for code in codes))
    whole = [int(Fraction(weights[code]) * common) for code in codes]
    cents = int(amount_usd / CENT)
    parts = split(cents, whole, codes)
    total = sum(whole)
    shares = []
    for code, weight, part in zip(codes, whole, parts, strict=True):
        exact = Fraction(cents * weight, total or 1) / 100
        floor = to_places(exact, 2, Mode.DOWN)
        rest = EXACT.subtract(EXACT.multiply(Decimal(part), CENT), floor)
        shares.append(Share(code, weights[code], (said or {}).get(code, ""), floor, rest))
    return tuple(shares)


def plain_weights(weights: Mapping[str, Fraction | None]) -> dict[str, Decimal | None]:
    """Return weights as decimals; when one does not end (thirds), all as whole multiples.

    >>> plain_weights({"DEVCO": Fraction(1, 3), "FUND": Fraction(2, 3)})
    {'DEVCO': Decimal('1'), 'FUND': Decimal('2')}
    """
    known = [weight for weight in weights.values() if weight is not None]
    scale = 1 if all(_ends(weight) for weight in known) else lcm(*(w.denominator for w in known))
    return {
        code: None if weight is None else _decimal(weight * scale)
        for code, weight in weights.items()
    }


def views(document: Mapping[str, Any], division: Division) -> dict[str, dict[str, Any]]:
    """Return, by member, what that member may see: totals, its own weight and share, a digest.

    Never the weight or share of another; the digest proves that all were shown the same claims.
    """
    common = head(document, division)
    return {
        share.member: {
            **common,
            "weight": share.weight,
            "said": share.said,
            "extra_usd": share.extra_usd,
            "share_usd": share.amount_usd,
        }
        for share in division.shares
    }


def head(document: Mapping[str, Any], division: Division) -> dict[str, Any]:
    """Return what everybody on the campus may see of a pool's month: no member's own figures."""
    return {
        "pool": document["pool"],
        "name": document["name"],
        "kind": document["kind"],
        "period": document["period"]["label"],
        "version": document.get("version"),
        "rule": money_key(document["key"]).title,
        "unit": division.unit,
        "amount_usd": division.amount_usd,
        "operator_usd": division.operator_usd,
        "weights": division.weights,
        "claims_sha256": digest_of(
            [[share.member, share.weight, share.amount_usd] for share in division.shares]
        ),
        "above": document.get("above"),
    }


def outside(head: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a contract sees of a pool in which it takes no part in the month: a share of 0.

    Nothing is known while the pool is not divided.
    """
    known = head["operator_usd"] is not None and Decimal(head["weights"] or 0) > 0
    nothing = {"weight": "0", "extra_usd": "0.00", "share_usd": "0.00"} if known else {}
    return {**head, **nothing, "said": "takes no part in this month"}


def period_of(document: Mapping[str, Any]) -> Period:
    """Return the period of a pool document."""
    entry = document["period"]
    start, end = (datetime.fromisoformat(str(entry[name])) for name in ("start_utc", "end_utc"))
    return Period(start, end, entry["zone"], entry["label"])


def item_usd(item: Mapping[str, Any]) -> Decimal:
    """Return an item's exact amount: what was entered, or quantity x price."""
    if item.get("quantity") in (None, ""):
        return Decimal(item["amount_usd"])
    return EXACT.multiply(Decimal(item["quantity"]), Decimal(item["rate"]))


def _amount(document: Mapping[str, Any], sale: Worksheet | None) -> Decimal | None:
    """Return the amount in cents: of the sale, the pool above, or the items, rounded once."""
    if sale is not None:
        return sale.amount_usd
    above = document.get("above")
    if above is not None:
        return None if above["share_usd"] is None else Decimal(above["share_usd"])
    items = document["items"]
    return money(exact_sum([item_usd(item) for item in items])) if items else None


def _kept(document: Mapping[str, Any], amount: Decimal) -> Decimal:
    """Return the operator's part of a positive amount, in cents."""
    cut = Fraction(document["operator"]["cut_ratio"]) if document.get("operator") else Fraction(0)
    return money(max(Fraction(amount), Fraction(0)) * cut)


def _weighed(
    document: Mapping[str, Any], series: Mapping[str, Series]
) -> tuple[Weighing, Decimal | None, dict[str, Decimal | None]]:
    """Return the weighing, the sum of the weights and the weights as plain numbers."""
    key = money_key(document["key"])
    claims = Claims(period_of(document), stays_of(document["members"]), series)
    weighing = key.weigh(claims, parse(key.Parameters, document["parameters"]))
    weights = plain_weights(weighing.weights)
    return weighing, exact_sum(list(weights.values())) if weighing.is_known else None, weights


def _ends(weight: Fraction) -> bool:
    """Say whether a fraction is a decimal that ends."""
    rest = weight.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _decimal(weight: Fraction) -> Decimal:
    return EXACT.divide(Decimal(weight.numerator), Decimal(weight.denominator))


def _without_amount(
    document: Mapping[str, Any], amount: Decimal | None, sale: Worksheet | None
) -> Sequence[Finding]:
    """Return why there is no amount: what a sale lacks, a pool above, or nothing entered."""
    if sale is not None:
        return sale.findings
    if amount is not None:
        return []
    label, above = document["period"]["label"], document.get("above")
    if above is not None:
        text = f"{document['pool']} is a part of {above['pool']}, whose {label} is not divided."
        return [Finding("settlement.pool_above", text, where=above["pool"], fix="Divide it first.")]
    text = f"Nothing was entered for the pool {document['pool']} in {label}."
    fix = f"Enter the amount of {label} with its source; 0.00 when there was none."
    return [Finding("settlement.pool_empty", text, where=document["pool"], fix=fix)]


def _two_amounts(document: Mapping[str, Any]) -> list[Finding]:
    """Find a pool that gets amounts in two ways; neither may be left out."""
    above, sale, code = document.get("above"), document.get("sale"), document["pool"]
    if document["items"] and above is not None:
        text = f"{code} has items of its own and gets its amount from {above['pool']}."
        fix = f"Withdraw the items, or enter them for {above['pool']}."
    elif document["items"] and sale is not None:
        text = f"{code} has items of its own and sells the energy of {sale['channel']}."
        fix = "Withdraw the items, or enter them for a pool of their own."
    elif above is not None and sale is not None:
        text = f"{code} sells the energy of {sale['channel']} and is a part of {above['pool']}."
        fix = f"Let {above['pool']} sell it, or end the part."
    else:
        return []
    return [Finding("settlement.pool_two_amounts", text, where=code, fix=fix)]


def _nobody(document: Mapping[str, Any]) -> Finding:
    text = f"Nobody carries weight in the pool {document['pool']} in {document['period']['label']}."
    fix = "Give the pool a member with a weight above 0 on some day of the month."
    return Finding("settlement.pool_no_weight", text, where=document["pool"], fix=fix)
