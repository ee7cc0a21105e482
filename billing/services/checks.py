"""What is checked before an invoice is issued: twelve questions, each with what mends it."""

from datetime import date, timedelta
from decimal import Decimal

from billing.calc.parties import missing_of
from billing.models import Invoice
from billing.queries import carbon_of, lines_of
from billing.services.document import total_of
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.pages.paper import pdf_available
from settlement.models import SettlementRun

#: A change of the total against the period before that a person should look at.
LARGE_CHANGE_RATIO = Decimal("0.30")
ESTIMATED_RATIO = Decimal("0.05")


def issue_checks(invoice: Invoice) -> list[Finding]:
    """Return what stands in the way (BLOCK) or deserves a look (WARN); empty means ready."""
    run = SettlementRun.objects.select_related(
        "contract__seller", "contract__offtaker", "allocation_run"
    ).get(pk=invoice.run_id)
    return [
        *_amounts(invoice, run),
        *_parties(run),
        *_terms(run),
        *_period(invoice, run),
        *_judgement(invoice, run),
    ]


def _block(code: str, message: str, fix: str) -> Finding:
    return Finding(f"billing.{code}", message, Severity.BLOCK, fix=fix)


def _warn(code: str, message: str, metric: Decimal | None = None) -> Finding:
    return Finding(f"billing.{code}", message, Severity.WARN, metric=metric)


def _amounts(invoice: Invoice, run: SettlementRun) -> list[Finding]:
    findings, lines = [], lines_of(invoice)
    if sum((line.amount_usd for line in lines), Decimal(0)) != invoice.total_usd:
        findings.append(
            _block("total", "The total is not the sum of the lines.", "Draft the invoice again.")
        )
    settled = list(run.lines.order_by("position"))
    same = [(one.position, one.line_code, one.amount_usd) for one in lines] == [
        (one.position, one.line_code, one.amount_usd) for one in settled
    ]
    if not same or total_of(settled) != run.total_usd or run.total_usd != invoice.total_usd:
        findings.append(
            _block(
                "run_differs",
                "The lines are not those of the settlement run.",
                "Draft the invoice again.",
            )
        )
    if run.state not in ("APPROVED", "LOCKED", "INVOICED"):
        findings.append(
            _block(
                "run_not_approved",
                f"The settlement run is {run.get_state_display().lower()}.",
                "Throw this draft away, and draft the newest run once it is approved.",
            )
        )
    if invoice.currency != run.contract.currency:
        findings.append(
            _block(
                "currency",
                f"The run is in {invoice.currency}, the contract in {run.contract.currency}.",
                "Settle the period again.",
            )
        )
    return findings


def _parties(run: SettlementRun) -> list[Finding]:
    findings = []
    seller, buyer = run.contract.seller, run.contract.offtaker
    for party, what in ((seller, "seller"), (buyer, "customer")):
        said = {"legal name": party.legal_name, "address": any(party.address.values())}
        for name in missing_of(said, ["legal name", "address"]):
            findings.append(
                _block("party", f"The {what} {party.name} has no {name}.", "Complete the party.")
            )
    said = {"bank account": seller.bank.get("account") or seller.bank.get("iban")}
    if missing_of(said, ["bank account"]) and run.total_usd and run.total_usd > 0:
        findings.append(
            _block("bank", f"{seller.name} has no bank account to pay to.", "Complete the party.")
        )
    if not seller.tax_id:
        findings.append(_warn("tax_id", f"{seller.name} has no tax number."))
    return findings


def _terms(run: SettlementRun) -> list[Finding]:
    if run.contract.payment_days > 0 or run.total_usd <= 0:
        return []
    return [_warn("due_date", "The invoice is due on the day it is issued.")]


def _period(invoice: Invoice, run: SettlementRun) -> list[Finding]:
    findings = []
    others = Invoice.objects.filter(contract=run.contract_id, state="ISSUED").exclude(pk=invoice.pk)
    overlap = others.filter(
        first_date__lte=invoice.last_date, last_date__gte=invoice.first_date
    ).first()
    if overlap is not None:
        findings.append(
            _block(
                "period_billed",
                f"Invoice {overlap.number} already bills days of this period.",
                "Void it first, or bill the difference with the next period.",
            )
        )
    before = others.filter(last_date__lt=invoice.first_date).order_by("-last_date").first()
    if before is not None and before.last_date != invoice.first_date - timedelta(days=1):
        missing = before.last_date + timedelta(days=1)
        findings.append(_warn("period_gap", f"Nothing is billed from {_day(missing)} on."))
    return findings


def _judgement(invoice: Invoice, run: SettlementRun) -> list[Finding]:
    findings = []
    if invoice.total_usd < 0:
        findings.append(_warn("sign", "The total is a credit to the customer.", invoice.total_usd))
    if invoice.estimated_ratio > ESTIMATED_RATIO:
        text = f"{invoice.estimated_ratio * 100:.2f} % of the energy is estimated."
        findings.append(_warn("estimated", text, invoice.estimated_ratio))
    before = (
        Invoice.objects.filter(
            contract=run.contract_id, state="ISSUED", last_date__lt=invoice.first_date
        )
        .order_by("-last_date")
        .first()
    )
    if before is not None and before.total_usd > 0:
        change = (invoice.total_usd - before.total_usd) / before.total_usd
        if abs(change) > LARGE_CHANGE_RATIO:
            text = f"The total differs by {change * 100:.0f} % from {before.number}."
            findings.append(_warn("change", text, change))
    if carbon_of(run) is None:
        findings.append(_warn("no_carbon", "The carbon of the month is not accounted yet."))
    if not pdf_available():
        findings.append(
            _block(
                "pdf_unavailable",
                "This machine cannot make PDFs.",
                "Install libpango-1.0-0, libpangoft2-1.0-0, libharfbuzz-subset0.",
            )
        )
    return findings


def _day(value: date) -> str:
    return value.isoformat()
