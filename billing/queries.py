"""Questions about invoices; lists come with what a page shows, in a fixed number of queries."""

from datetime import date
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet

from billing.models import Invoice, InvoiceLine, NumberSeries, numbered
from contracts.models import Party, TenantPoint
from esg.models import EmissionLine
from esg.queries import line_of_contract
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.period import Period
from settlement.calc.inputs import Inputs, from_bytes
from settlement.calc.plan import contract_channels
from settlement.models import AllocationPart, SettlementRun
from settlement.queries.resolver import StoredResolver
from settlement.services.allocation import document_of

#: Parts of an allocation and what they are of the billed energy.
PART_NAMES = {"METERED": "metered", "LOSS": "losses", "SHARED": "shared"}
LIST_FIELDS = ("contract", "contract__campus", "seller", "tenant", "run")


def invoices() -> QuerySet[Invoice]:
    """Return invoices with everything a list shows, without their documents."""
    return Invoice.objects.select_related(*LIST_FIELDS).defer(
        "document", "run__inputs", "run__carry_out", "run__findings", "run__adjustments"
    )


def invoice_by_number(number: str) -> Invoice:
    """Return an issued invoice by its number; NotFoundError when there is none."""
    found = Invoice.objects.select_related(*LIST_FIELDS).filter(number=number).first()
    if found is None:
        raise NotFoundError("billing.unknown", f"There is no invoice {number}.")
    return found


def live_invoice(contract_id: int, period: str) -> Invoice | None:
    """Return the draft or issued invoice of a contract's period, if there is one."""
    return Invoice.objects.filter(
        contract=contract_id, period=period, state__in=["DRAFT", "ISSUED"]
    ).first()


def next_number(seller: Party) -> str:
    """Return the number that an invoice issued now would get; another may take it first."""
    series = NumberSeries.objects.filter(seller=seller).first()
    prefix = (seller.invoice_prefix or seller.code).upper()
    return numbered(series.prefix, series.next_number) if series else numbered(prefix, 1)


def replaced_by(invoice: Invoice) -> Invoice | None:
    """Return the invoice that took the place of a void one; None while there is none."""
    if invoice.serial is None:
        return None
    return _of_the_period(invoice).filter(serial__gt=invoice.serial).order_by("serial").first()


def replaces(invoice: Invoice) -> Invoice | None:
    """Return the void invoice of the same contract and period in whose place this one stands.

    A period has one invoice that counts, so whatever was numbered before it is void.
    """
    before = _of_the_period(invoice)
    if invoice.serial is not None:
        before = before.filter(serial__lt=invoice.serial)
    return before.order_by("-serial").first()


def _of_the_period(invoice: Invoice) -> QuerySet[Invoice]:
    """Return the other numbered invoices of the tenant's contract and period."""
    rows = Invoice.objects.filter(
        tenant=invoice.tenant_id,
        contract=invoice.contract_id,
        period=invoice.period,
        number__isnull=False,
    )
    return rows.exclude(pk=invoice.pk).defer("document", "cancellation")


def runs_to_bill() -> QuerySet[SettlementRun]:
    """Return approved runs that may be drafted: neither they nor their period are billed yet.

    A true-up of an invoiced period is not among them: its difference goes with a later invoice.
    """
    billed = Invoice.objects.filter(run=OuterRef("pk"), state__in=["DRAFT", "ISSUED"])
    issued = Invoice.objects.filter(
        contract=OuterRef("contract"), period=OuterRef("period"), state="ISSUED"
    )
    return SettlementRun.objects.filter(
        ~Exists(billed), ~Exists(issued), state__in=SettlementRun.SETTLED
    )


def lines_of(invoice: Invoice) -> list[InvoiceLine]:
    """Return the lines of an invoice in print order; one query."""
    return list(invoice.lines.select_related("settlement_line").order_by("position"))


def period_of(run: SettlementRun) -> Period:
    """Return the period of a run in the zone of its contract."""
    return Period(run.start_utc, run.end_utc, run.contract.zone, run.period)


def inputs_of(run: SettlementRun) -> Inputs:
    """Return what a run was settled from, read by its pins; Refused when a digest differs."""
    return from_bytes(bytes(run.inputs), StoredResolver(period_of(run)))


def carbon_of(run: SettlementRun) -> EmissionLine | None:
    """Return the carbon of a run's contract, accounted for the allocation the run used."""
    return line_of_contract(run.allocation_run_id, run.contract_id)


def energy_parts(run: SettlementRun) -> dict[str, Decimal]:
    """Return kWh metered, share of losses and share of shared load; empty without an allocation."""
    found = dict.fromkeys(PART_NAMES.values(), Decimal(0))
    rows = AllocationPart.objects.filter(
        run=run.allocation_run_id, contract=run.contract_id, kind__in=PART_NAMES
    )
    kinds = rows.order_by("id").values_list("kind", "total_kwh")
    for kind, kwh in kinds:
        found[PART_NAMES[kind]] += kwh or 0
    return found if kinds else {}


def points_of(run: SettlementRun) -> list[dict[str, str]]:
    """Return the delivery points that served the contract in the period."""
    period = period_of(run)
    rows = (
        TenantPoint.objects.filter(
            contract=run.contract_id, valid__overlap=(period.first_date, run.end_utc.date())
        )
        .select_related("delivery_point")
        .order_by("delivery_point__code")
    )
    seen = {row.delivery_point.code: row.delivery_point.name for row in rows}
    return [{"code": code, "name": name} for code, name in seen.items()]


def reading_versions(run: SettlementRun) -> dict[date, str]:
    """Return the version of the readings of the contract's meters by UTC day.

    One number where all meters agree, else channel and version of each.
    """
    if run.allocation_run is None:
        return {}
    document = document_of(run.allocation_run)
    wanted = contract_channels(document, run.contract.code)
    codes = {
        channel["id"]: channel["code"]
        for point in document["points"]
        for channel in point["channels"]
    }
    by_day: dict[date, dict[str, int]] = {}
    for channel in wanted:
        for day, version, _ in document["pins"].get(str(channel), ()):
            by_day.setdefault(date.fromisoformat(day), {})[codes[channel]] = version
    return {day: _versions(found) for day, found in by_day.items()}


def _versions(found: dict[str, int]) -> str:
    if len(set(found.values())) == 1:
        return str(next(iter(found.values())))
    return "; ".join(f"{code} {version}" for code, version in sorted(found.items()))
