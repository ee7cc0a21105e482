"""The months of a tenant in figures: energy, cost, carbon, and whether the bill is final."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from billing.access import carbon_lines, energy_of, invoices_of, runs_of
from billing.models import Invoice
from billing.portal.base import month_title
from poweroptix.kernel.period import Period
from settlement.models import SettlementRun

MONTHS = 13


@dataclass
class Month:
    """One month over all contracts of a tenant; a figure that is not known yet stays None."""

    label: str
    cost_usd: Decimal | None = None
    energy_kwh: Decimal | None = None
    co2e_g: int | None = None
    carbon_kwh: Decimal = Decimal(0)
    is_final: bool = True
    invoices: list[Invoice] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The month in words."""
        return month_title(self.label)

    @property
    def price_usd_per_mwh(self) -> Decimal | None:
        """Average price, unrounded."""
        if self.cost_usd is None or not self.energy_kwh:
            return None
        return self.cost_usd * 1000 / self.energy_kwh

    @property
    def co2e_kg(self) -> Decimal | None:
        """Kilograms of CO2e, exact to the gram."""
        return None if self.co2e_g is None else Decimal(self.co2e_g).scaleb(-3)

    @property
    def kg_per_mwh(self) -> Decimal | None:
        """Carbon of an average megawatt-hour."""
        if self.co2e_g is None or not self.carbon_kwh:
            return None
        return Decimal(self.co2e_g) / self.carbon_kwh

    @property
    def state(self) -> str:
        """In one word how far the bill is."""
        if self.cost_usd is None:
            return "not calculated"
        return "final" if self.is_final else "provisional"


def months_of(tenant_id: int, last: Period) -> list[Month]:
    """Return the 13 months up to `last`, the oldest first; four queries."""
    labels = [last.label]
    period = last
    for _ in range(MONTHS - 1):
        period = period.previous()
        labels.append(period.label)
    found = {label: Month(label) for label in reversed(labels)}
    billed = _bills(tenant_id, found)
    _provisional(tenant_id, found, billed)
    for line in carbon_lines(tenant_id).filter(run__period__in=labels):
        month = found[line.run.period]
        month.co2e_g = (month.co2e_g or 0) + line.co2e_g
        month.carbon_kwh += line.energy_kwh
    return list(found.values())


def _bills(tenant_id: int, found: dict[str, Month]) -> set[tuple[int, str]]:
    """Fill in what was invoiced; return (contract, month) of it."""
    billed = set()
    for invoice in invoices_of(tenant_id).filter(state="ISSUED", period__in=found):
        month = found[invoice.period]
        month.invoices.append(invoice)
        billed.add((invoice.contract_id, invoice.period))
        _add(month, invoice.total_usd, invoice.energy_kwh)
    return billed


def _provisional(tenant_id: int, found: dict[str, Month], billed: set[tuple[int, str]]) -> None:
    """Fill in months that are calculated but not invoiced yet."""
    newest: dict[tuple[int, str], SettlementRun] = {}
    for run in runs_of(tenant_id, list(found)).order_by("version"):
        if (run.contract_id, run.period) not in billed:
            newest[run.contract_id, run.period] = run
    energy = energy_of(tenant_id, list(newest.values()))
    for run in newest.values():
        month = found[run.period]
        month.is_final = False
        _add(month, run.total_usd, energy.get((run.allocation_run_id, run.contract_id)))


def _add(month: Month, usd: Decimal | None, kwh: Decimal | None) -> None:
    if usd is not None:
        month.cost_usd = (month.cost_usd or Decimal(0)) + usd
    if kwh is not None:
        month.energy_kwh = (month.energy_kwh or Decimal(0)) + kwh


def change(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """Return the relative change, or None when there is nothing to compare with.

    >>> change(Decimal(106), Decimal(100))
    Decimal('0.06')
    """
    if now is None or not before:
        return None
    return (now - before) / abs(before)


def in_words(ratio: Decimal | None, more: str, less: str) -> str:
    """Return a change in words, to a tenth of a per cent.

    >>> in_words(Decimal("0.064"), "more", "less"), in_words(Decimal("-0.2"), "more", "less")
    ('6.4 % more', '20.0 % less')
    """
    if ratio is None:
        return ""
    text = f"{abs(ratio) * 100:.1f} %"
    if text == "0.0 %":
        return "the same"
    return f"{text} {more if ratio > 0 else less}"


def reason(now: Month, before: Month | None) -> str:
    """Return why the cost changed: how much by energy, how much by price.

    Empty when one of the months is not known.
    """
    if before is None or now.price_usd_per_mwh is None or before.price_usd_per_mwh is None:
        return ""
    cost = in_words(change(now.cost_usd, before.cost_usd), "more", "less")
    energy = in_words(change(now.energy_kwh, before.energy_kwh), "more energy", "less energy")
    price = in_words(
        change(now.price_usd_per_mwh, before.price_usd_per_mwh),
        "higher average price",
        "lower average price",
    )
    energy, price = (
        energy.replace("the same", "the same energy"),
        price.replace("the same", "the same average price"),
    )
    return f"{cost} than in {before.title}: {energy}, {price}"


def before(months: Sequence[Month], month: Month) -> Month | None:
    """Return the month before, when it has any figure."""
    place = months.index(month)
    found = months[place - 1] if place else None
    return found if found is not None and found.energy_kwh is not None else None
