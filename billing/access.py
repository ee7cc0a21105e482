"""The one door from a tenant's people and tokens to rows.

Every query names the tenant although row policies in the database would hide other rows anyway: a
forgotten policy and a forgotten filter would both have to happen before anything leaks. What is
not there and what is somebody else's get the same answer, NotFoundError "billing.unknown". Drafts
do not exist here either.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum

from billing.documents.intervals_csv import interval_csv
from billing.documents.store import stored_cancellation, stored_csv, stored_pdf
from billing.models import Invoice, InvoiceLine
from billing.queries import PART_NAMES, inputs_of, lines_of
from contracts.models import Contract, ContractQuantity, ContractVersion, TenantPoint
from esg.models import EmissionLine
from meters.models import Channel, Direction, Publication, Quantity, ReadingBlock, Role
from meters.queries import Trace, final_many, trace
from poweroptix.accounts.models import Tenant
from poweroptix.kernel.canonical import canonical_json, sha256
from poweroptix.kernel.errors import NotFoundError
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import day_start
from poweroptix.kernel.quality import Status
from poweroptix.kernel.series import Series, sum_of
from settlement.calc.intervals import interval_table
from settlement.models import AllocationPart, Correction, Line, SettlementRun

NOT_YOURS = "There is nothing here under this address."
RUN_FACTS = (
    *("id", "contract_id", "tenant_id", "period", "start_utc", "end_utc", "version", "kind"),
    *("state", "currency", "allocation_run_id", "total_usd", "estimated_ratio", "created_at"),
    *("inputs_sha256", "lines_sha256", "approved_at"),
)
EMISSION_RUN = ("id", "period", "version", "state", "gwp_set", "start_utc", "end_utc")


def not_yours() -> NotFoundError:
    """Return the one refusal for unknown and for foreign objects."""
    return NotFoundError("billing.unknown", NOT_YOURS)


@dataclass(frozen=True)
class File:
    """A download: name, type, bytes and their SHA-256."""

    name: str
    content_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Return the digest of the content."""
        return sha256(self.content)


@dataclass(frozen=True)
class OwnChannel:
    """A channel of a place that serves the tenant, and the local days on which it does."""

    channel: Channel
    contract_id: int
    place: str
    zone: str
    first_date: date
    end_date: date | None

    def clipped(self, start: datetime, end: datetime) -> tuple[datetime, datetime]:
        """Return the part of [start, end) in which the place is the tenant's."""
        first = day_start(self.first_date, self.zone)
        last = end if self.end_date is None else day_start(self.end_date, self.zone)
        return max(start, first), min(end, last)


def contracts_of(tenant: Tenant | int) -> list[Contract]:
    """Return the tenant's contracts with their parties; one query."""
    rows = Contract.objects.filter(tenant=_id(tenant)).select_related("seller", "offtaker")
    return list(rows.order_by("code"))


def versions_of(tenant: Tenant | int) -> list[ContractVersion]:
    """Return the versions that hold or held, with terms; two queries."""
    rows = ContractVersion.objects.filter(tenant=_id(tenant), state="ACTIVE")
    return list(rows.prefetch_related("terms").order_by("contract__code", "valid"))


def invoices_of(tenant: Tenant | int) -> QuerySet[Invoice]:
    """Return the issued and void invoices, newest first, as a list shows them."""
    return (
        Invoice.objects.filter(tenant=_id(tenant), number__isnull=False)
        .select_related("contract__campus")
        .defer("document", "cancellation")
        .order_by("-period", "contract__code", "-issued_at")
    )


def invoice(tenant: Tenant | int, number: str) -> Invoice:
    """Return one issued invoice by its number, with document, contract, campus and seller."""
    rows = Invoice.objects.filter(tenant=_id(tenant), number=number)
    found = rows.select_related("contract__campus", "seller").first()
    if found is None:
        raise not_yours()
    return found


def cancellation_file(tenant: Tenant | int, number: str) -> File:
    """Return the cancellation notice of a void invoice; there is none of one that stands."""
    found = invoice(tenant, number)
    if found.cancellation is None:
        raise not_yours()
    return File(f"{number}-cancellation.pdf", "application/pdf", stored_cancellation(found))


def lines(tenant: Tenant | int, number: str) -> list[InvoiceLine]:
    """Return the lines of an invoice in print order, each with its settlement line."""
    return lines_of(invoice(tenant, number))


def line(tenant: Tenant | int, number: str, position: int) -> InvoiceLine:
    """Return a line of an issued invoice with its worksheet and its run; one query."""
    rows = InvoiceLine.objects.filter(
        tenant=_id(tenant), invoice__tenant=_id(tenant), invoice__number=number, position=position
    )
    found = (
        rows.select_related("invoice__contract__campus", "settlement_line__run__contract")
        .defer("invoice__document", "settlement_line__run__findings")
        .first()
    )
    if found is None:
        raise not_yours()
    return found


def document(tenant: Tenant | int, number: str) -> dict[str, Any]:
    """Return the frozen document of an invoice."""
    return invoice(tenant, number).document


def document_file(tenant: Tenant | int, number: str) -> File:
    """Return the frozen document as canonical JSON, the bytes behind `content_sha256`."""
    content = canonical_json(invoice(tenant, number).document)
    return File(f"{number}.json", "application/json", content)


def pdf_file(tenant: Tenant | int, number: str) -> File:
    """Return the stored PDF; Conflict when the stored bytes are gone or not the issued ones."""
    return File(f"{number}.pdf", "application/pdf", stored_pdf(invoice(tenant, number)))


def interval_file(tenant: Tenant | int, number: str, position: int | None = None) -> File:
    """Return every interval behind an invoice as it was issued, or behind one of its lines.

    The file of a line is made anew and names no reading versions: the pins of the whole campus
    are not a tenant's to read.
    """
    if position is None:
        found = invoice(tenant, number)
        content, suffix = stored_csv(found.document["interval_csv_sha256"]), ""
    else:
        one = line(tenant, number, position)
        found, suffix = one.invoice, f"_line{position}"
        run = one.settlement_line.run
        content = interval_csv(interval_table(inputs_of(run), one.line_code), run.contract.zone)
    name = f"poweroptix_intervals_{number}{suffix}_{found.period}.csv"
    return File(name, "text/csv; charset=utf-8", content)


def runs_of(tenant: Tenant | int, periods: Sequence[str] = ()) -> QuerySet[SettlementRun]:
    """Return the runs that a tenant may see, without their frozen inputs.

    The approved run of a month until the next one is approved; a month of which none is approved
    shows the provisional one.
    """
    rows = SettlementRun.objects.filter(_shown(tenant), tenant=_id(tenant))
    return (rows.filter(period__in=periods) if periods else rows).only(*RUN_FACTS)


def _shown(tenant: Tenant | int) -> Q:
    """Return the condition of `runs_of`: what is approved, else what waits for approval."""
    approved = _beside(tenant, SettlementRun.SETTLED)
    return Q(state__in=SettlementRun.SETTLED) | (
        Q(state__in=SettlementRun.OPEN) & ~Q(Exists(approved))
    )


def _beside(tenant: Tenant | int, states: Sequence[str]) -> QuerySet:
    """Return the runs in some states of the contract and month of the row that asks."""
    rows = SettlementRun.objects.filter(
        tenant=_id(tenant), contract=OuterRef("contract"), period=OuterRef("period")
    )
    return rows.filter(state__in=states).order_by().values("id")


def runs_behind(
    tenant: Tenant | int, periods: Sequence[str], invoiced: Collection[int]
) -> list[SettlementRun]:
    """Return the runs of some months and those behind invoices, the oldest version first.

    `is_corrected` tells whether readings of the tenant's own meters changed since, `is_revised`
    whether another run of its month waits for approval, `correction_usd` what the run bills for
    earlier months (None: nothing); one query.
    """
    shown = (_shown(tenant) & Q(period__in=periods)) | Q(pk__in=invoiced)
    own = Correction.objects.filter(tenant=_id(tenant), run=OuterRef("pk"), scope="OWN")
    rows = SettlementRun.objects.filter(shown, tenant=_id(tenant)).only(*RUN_FACTS)
    earlier = Line.objects.filter(
        tenant=_id(tenant), run=OuterRef("pk"), corrects_run__isnull=False
    )
    summed = earlier.order_by().values("run").annotate(usd=Sum("amount_usd")).values("usd")
    waiting = _beside(tenant, SettlementRun.OPEN).exclude(pk=OuterRef("pk"))
    flagged = rows.annotate(
        is_corrected=Exists(own.order_by().values("id")),
        is_revised=Exists(waiting),
        correction_usd=Subquery(summed),
    )
    return list(flagged.order_by("version"))


@dataclass(frozen=True)
class EnergyParts:
    """What billed energy consists of, in kWh: `metered + shared + losses` is `total`, exactly."""

    metered: Decimal = Decimal(0)
    shared: Decimal = Decimal(0)
    losses: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """Return what is billed."""
        return self.metered + self.shared + self.losses

    def __add__(self, other: EnergyParts) -> EnergyParts:
        return EnergyParts(
            self.metered + other.metered, self.shared + other.shared, self.losses + other.losses
        )


def energy_of(
    tenant: Tenant | int, runs: Sequence[SettlementRun]
) -> dict[tuple[int, int], EnergyParts]:
    """Return delivered kWh by (allocation run, contract) of some runs, in parts; one query."""
    ids = {run.allocation_run_id for run in runs}
    rows = AllocationPart.objects.filter(tenant=_id(tenant), run__in=ids, kind__in=PART_NAMES)
    # Ordered by its own columns: the default order would join runs, which no tenant may read.
    facts = rows.order_by("id").values_list("run_id", "contract_id", "kind", "total_kwh")
    found: dict[tuple[int, int], EnergyParts] = {}
    for run, contract, kind, kwh in facts:
        if kwh is not None:
            part = EnergyParts(**{PART_NAMES[kind]: kwh})
            found[run, contract] = found.get((run, contract), EnergyParts()) + part
    return found


def parts_of(tenant: Tenant | int, run: SettlementRun) -> list[AllocationPart]:
    """Return the tenant's shares in the allocation of a run, without their intervals."""
    rows = AllocationPart.objects.filter(
        tenant=_id(tenant), run=run.allocation_run_id, contract=run.contract_id
    )
    return list(rows.defer("values", "status").order_by("kind", "pool_code"))


def carbon_lines(tenant: Tenant | int) -> QuerySet[EmissionLine]:
    """Return the carbon by month and contract, newest first, of accounts that count."""
    fields = [field.name for field in EmissionLine._meta.concrete_fields]
    return (
        EmissionLine.objects.filter(tenant=_id(tenant), sink="CONTRACT", run__state="CALCULATED")
        .select_related("run", "contract")
        .only(
            *fields,
            *(f"run__{name}" for name in EMISSION_RUN),
            *("contract__code", "contract__name", "contract__zone"),
        )
        .order_by("-run__period", "contract__code")
    )


def carbon_line(tenant: Tenant | int, contract_code: str, period: str) -> EmissionLine:
    """Return the carbon of one contract and month."""
    rows = carbon_lines(tenant).filter(contract__code=contract_code, run__period=period)
    found = rows.first()
    if found is None:
        raise not_yours()
    return found


def own_channels(tenant: Tenant | int, contract_id: int | None = None) -> list[OwnChannel]:
    """Return the main energy channels of the tenant's places; two queries."""
    points = TenantPoint.objects.filter(tenant=_id(tenant)).select_related(
        "contract", "delivery_point"
    )
    if contract_id is not None:
        points = points.filter(contract=contract_id)
    served = list(points.order_by("delivery_point__code", "valid"))
    channels = Channel.objects.filter(
        delivery_point__in={one.delivery_point_id for one in served},
        quantity=Quantity.KWH,
        role=Role.MAIN,
        direction=Direction.DELIVERED,
    ).order_by("code")
    by_place: dict[int, list[Channel]] = {}
    for channel in channels:
        by_place.setdefault(channel.delivery_point_id, []).append(channel)
    return [
        OwnChannel(
            channel,
            one.contract_id,
            one.delivery_point.name or one.delivery_point.code,
            one.contract.zone,
            one.valid.lower,
            one.valid.upper,
        )
        for one in served
        for channel in by_place.get(one.delivery_point_id, ())
    ]


def bound_channels(tenant: Tenant | int, contract_id: int, names: set[str]) -> list[OwnChannel]:
    """Return the channels behind further quantities of the tenant's contract; one query."""
    rows = ContractQuantity.objects.filter(tenant=_id(tenant), contract=contract_id, name__in=names)
    return [
        OwnChannel(
            one.channel,
            one.contract_id,
            one.channel.code,
            one.contract.zone,
            one.valid.lower,
            one.valid.upper,
        )
        for one in rows.select_related("channel", "contract").order_by("channel__code", "valid")
    ]


def newest_reading(channels: Sequence[OwnChannel]) -> datetime | None:
    """Return the end of the last interval that has a final reading; one query.

    The newest block of a channel may hold only the first hours of its UTC day.
    """
    ids = [one.channel.pk for one in channels]
    published = Publication.objects.filter(published_at__isnull=False).values("pk")
    rows = ReadingBlock.objects.filter(channel_id__in=ids, layer=2, publication_id__in=published)
    newest = None
    for day, minutes, values in rows.order_by("-day", "-version").values_list(
        "day", "minutes", "values"
    )[: 4 * len(ids)]:
        present = [index for index, value in enumerate(values) if value != MISSING]
        if present:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            end = midnight + timedelta(minutes=minutes * (present[-1] + 1))
            newest = end if newest is None else max(newest, end)
    return newest


def usage(channels: Sequence[OwnChannel], start: datetime, end: datetime, minutes: int) -> Series:
    """Return the metered energy of the places in [start, end) summed to `minutes`.

    Intervals before or after a place was the tenant's count as nothing; a missing reading stays
    missing. Three queries.
    """
    own = [one for one in channels if one.clipped(start, end)[0] < one.clipped(start, end)[1]]
    if not own:
        return Series.absent(Grid.spanning(start, end, minutes), "kWh")
    found, _pins = final_many([one.channel.pk for one in own], start, end)
    parts = [_inside(one, found[one.channel.pk], start, end).to_minutes(minutes) for one in own]
    return sum_of(parts)


def _inside(own: OwnChannel, series: Series, start: datetime, end: datetime) -> Series:
    """Return the series with nothing on days on which the place is not the tenant's."""
    first, last = own.clipped(start, end)
    if (first, last) == (start, end):
        return series
    values, status = series.values.copy(), series.status.copy()
    stop = len(values) if last >= end else series.grid.index_of(last)
    for outside in (slice(0, series.grid.index_of(first)), slice(stop, None)):
        values[outside], status[outside] = 0, int(Status.VALIDATED)
    return Series(series.grid, values, status, series.unit)


def history_of(own: OwnChannel, instant: datetime) -> Trace:
    """Return every version of one reading; NotFoundError outside the days of the tenant."""
    at = instant.astimezone(UTC)
    first, last = own.clipped(at, datetime(2200, 1, 1, tzinfo=UTC))
    if not first <= at < last:
        raise not_yours()
    return trace(own.channel.pk, at)


def _id(tenant: Tenant | int) -> int:
    return tenant if isinstance(tenant, int) else tenant.pk
