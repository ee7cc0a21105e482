"""What a campus month earned and cost its owners: pure, from one frozen document.

The same lines and pools settle under each model. INTEGRATED: the offtakers belong to the owners, so
each line is an internal transfer, income of the plant and cost of the user. IPP: one owner sells to
tenants. JOINT_VENTURE: revenue, cost and the export that was not passed on go to the parties by
dated shares of their own; an operator's fee is a cost by the cost shares. Shares that change inside
the month count by days or by the energy delivered on them, as the agreement says.

Each kind of money is divided once, to the cent; income is positive, cost negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import EXACT, exact_sum
from poweroptix.kernel.rounding import money
from settlement.calc.money import Share, period_of, plain_weights, split_cents
from settlement.sharing._base import Claims, NoParameters, money_key
from settlement.weighing.stays import Stay, stays_of

FORMAT = "settlement.owners@1"
MODELS = ("INTEGRATED", "IPP", "JOINT_VENTURE")
#: What is divided by which shares, and its sign for an owner.
DIVIDED = (
    ("REVENUE", "REVENUE", 1),
    ("UPSIDE", "UPSIDE", 1),
    ("COST", "COST", -1),
    ("FEE", "COST", -1),
)
LABELS = {
    "REVENUE": "Lines of the contracts, before credits of export revenue",
    "UPSIDE": "Export revenue that was not passed on",
    "COST": "Costs paid outside",
    "FEE": "Fee of the operator",
    "CUT": "The operator's part of export revenue",
    "TRANSFER": "Internal transfer: the lines of its own contract",
}
ZERO = Decimal("0.00")


@dataclass(frozen=True)
class StatementLine:
    """One amount of a party: its part of `base_usd` by weight / weights, with its sign."""

    party: str
    kind: str
    label: str
    base_usd: Decimal
    amount_usd: Decimal
    weight: Decimal | None = None
    weights: Decimal | None = None
    said: str = ""


@dataclass(frozen=True)
class Statements:
    """The statements of a month; all lines together are `net_usd`, what came in from outside."""

    totals: Mapping[str, Decimal]
    lines: tuple[StatementLine, ...]

    @property
    def net_usd(self) -> Decimal:
        """The sum over all parties."""
        return exact_sum([ZERO, *(line.amount_usd for line in self.lines)])

    def of(self, party: str) -> tuple[StatementLine, ...]:
        """Return the lines of one party."""
        return tuple(line for line in self.lines if line.party == party)

    @property
    def parties(self) -> list[str]:
        """The parties in order."""
        return sorted({line.party for line in self.lines})

    def sums(self, party: str) -> dict[str, Decimal]:
        """Return a party's revenue, cost, fee and net; revenue and fee received are positive."""
        lines = self.of(party)
        found = {
            name: exact_sum([ZERO, *(one.amount_usd for one in lines if one.kind in kinds)])
            for name, kinds in (
                ("revenue_usd", ("REVENUE", "UPSIDE", "CUT")),
                ("cost_usd", ("COST", "TRANSFER")),
                ("fee_usd", ("FEE",)),
            )
        }
        return {**found, "net_usd": exact_sum(list(found.values()))}


def statements(document: Mapping[str, Any]) -> Statements:
    """Return the statements that a document gives.

    Refused with findings where shares do not add up to one on some day, where a kind of money has
    no shares, and where an IPP has more than one owner.
    """
    if document.get("format") != FORMAT:
        text = f"The document has the format {document.get('format')!r}; this reads {FORMAT!r}."
        raise Refused("settlement.owners_document", text)
    totals = _totals(document)
    weighings = _weighings(document, totals)
    lines: list[StatementLine] = []
    for kind, by, sign in DIVIDED:
        if totals[kind]:
            lines += _divided(kind, totals[kind] * sign, weighings[by])
    lines += _operators(document, totals)
    if document["model"] == "INTEGRATED":
        lines += [
            StatementLine(
                *(one["offtaker"], "TRANSFER", f"{LABELS['TRANSFER']} {one['contract']}"),
                base_usd=-Decimal(one["total_usd"]),
                amount_usd=-Decimal(one["total_usd"]),
            )
            for one in document["lines"]
            if Decimal(one["total_usd"])
        ]
    return Statements(totals, tuple(lines))


def expected_net(document: Mapping[str, Any]) -> Decimal:
    """Return what all parties together earn: billed outside, received and paid outside."""
    billed = ZERO if document["model"] == "INTEGRATED" else _sum(document["lines"], "total_usd")
    revenue = [one for one in document["pools"] if one["kind"] == "REVENUE"]
    cost = [one for one in document["pools"] if one["kind"] == "COST"]
    return billed + _sum(revenue, "amount_usd") - _sum(cost, "amount_usd")


def _totals(document: Mapping[str, Any]) -> dict[str, Decimal]:
    """Return what is divided, by kind; all positive when money flows the usual way."""
    lines, pools = document["lines"], document["pools"]
    revenue = [one for one in pools if one["kind"] == "REVENUE"]
    earned = _sum(lines, "total_usd") + _sum(lines, "credits_usd")
    passed_on = _sum(lines, "credits_usd")
    cuts = _sum(document["cuts"], "amount_usd")
    return {
        "REVENUE": earned,
        "UPSIDE": _sum(revenue, "amount_usd") - cuts - passed_on,
        "COST": _sum([one for one in pools if one["kind"] == "COST"], "amount_usd"),
        "FEE": _fee(document["fee"], earned),
        "CUT": cuts,
    }


def _fee(fee: Mapping[str, Any], earned: Decimal) -> Decimal:
    """Return the operator's fee: none, a sum per month, or a part of positive revenue."""
    if fee["basis"] == "NONE":
        return ZERO
    if fee["basis"] == "MONTH":
        return money(Decimal(fee["usd"]))
    return money(EXACT.multiply(max(earned, ZERO), Decimal(fee["ratio"])))


def _weighings(
    document: Mapping[str, Any], totals: Mapping[str, Decimal]
) -> dict[str, tuple[dict[str, Decimal], Mapping[str, str]]]:
    """Return weights and words by kind of share; Refused with a finding per kind and days."""
    period, key = period_of(document), money_key("fixed_parts@1")
    by_energy = document["share_change"] == "ENERGY"
    needed = {by for kind, by, _sign in DIVIDED if totals[kind]}
    findings: list[Finding] = []
    found = {}
    for by in sorted(needed):
        stays = stays_of(document["shares"].get(by, {}))
        weighing = key.weigh(Claims(period, stays), NoParameters())
        for one in weighing.findings:
            text = f"{by.capitalize()} shares of the owners: {one.message}"
            findings.append(Finding(one.code, text, where=one.where, fix=one.fix))
        if document["model"] == "IPP" and len(weighing.weights) > 1:
            names = ", ".join(weighing.weights)
            text = f"An independent producer has one owner; {names} hold {by.lower()} shares."
            fix = "Make it a joint venture, or leave one owner."
            findings.append(Finding("owners.ipp", text, where=by, fix=fix))
        if not weighing.findings:
            found[by] = (
                _by_energy(stays, document["kwh"], period.days())
                if by_energy
                else (weighing.weights, weighing.said)
            )
    if findings:
        text = " ".join(f"{one.message} {one.fix}" for one in findings)
        raise Refused("owners.shares", text, findings=findings)
    return {by: (plain_weights(weights), said) for by, (weights, said) in found.items()}


def _by_energy(
    stays: Mapping[str, tuple[Stay, ...]], kwh: Mapping[str, str], days: Sequence[date]
) -> tuple[dict[str, Fraction], dict[str, str]]:
    """Return share x kWh of its days: money that arises with energy, shared as it arises."""
    weights, said = {}, {}
    for party, each in sorted(stays.items()):
        used = [
            (stay, sum(Fraction(kwh[day.isoformat()]) for day in days if stay.holds_on(day)))
            for stay in each
        ]
        weights[party] = sum((stay.stated(party) * taken for stay, taken in used), Fraction(0))
        said[party] = " + ".join(
            f"{stay.weight} x {plain_number(taken)} kWh" for stay, taken in used if taken
        )
    if not any(weights.values()):
        text = "No energy was delivered in the month, so shares by energy have no weight."
        finding = Finding("owners.no_energy", text, fix="Choose shares by days instead.")
        raise Refused("owners.no_energy", text, findings=[finding])
    return weights, said


def plain_number(value: Fraction) -> str:
    """Return an exact kWh figure as text.

    >>> plain_number(Fraction(5, 2))
    '2.5'
    """
    return format(EXACT.divide(Decimal(value.numerator), Decimal(value.denominator)), "f")


def _divided(
    kind: str, base_usd: Decimal, weighing: tuple[Mapping[str, Decimal], Mapping[str, str]]
) -> list[StatementLine]:
    weights, said = weighing
    total = exact_sum(list(weights.values()))
    shares: Sequence[Share] = split_cents(base_usd, weights, said)
    return [
        StatementLine(
            *(share.member, kind, LABELS[kind]),
            base_usd=base_usd,
            amount_usd=share.amount_usd,
            weight=share.weight,
            weights=total,
            said=share.said,
        )
        for share in shares
    ]


def _operators(document: Mapping[str, Any], totals: Mapping[str, Decimal]) -> list[StatementLine]:
    """Return what operators receive: the fee that the owners pay, and parts of export revenue."""
    lines = []
    if totals["FEE"]:
        operator, fee = document["operator"], totals["FEE"]
        if operator is None:
            text = "The owners pay a fee and no operator is named who gets it."
            raise Refused("owners.no_operator", text)
        lines.append(StatementLine(operator, "FEE", LABELS["FEE"], fee, fee))
    for one in document["cuts"]:
        amount = Decimal(one["amount_usd"])
        if amount:
            label = f"{LABELS['CUT']}, pool {one['pool']}"
            lines.append(StatementLine(one["party"], "CUT", label, amount, amount))
    return lines


def _sum(entries: Sequence[Mapping[str, Any]], name: str) -> Decimal:
    return exact_sum([ZERO, *(Decimal(one[name]) for one in entries)])
