"""The months of a tenant in figures: energy, cost, carbon, and whether the bill is final."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from billing.access import EnergyParts, carbon_lines, energy_of, invoices_of, runs_behind
from billing.models import Invoice
from billing.portal.base import month_title
from billing.portal.standing import (
    ISSUED,
    Standing,
    least,
    of_invoice,
    of_readings,
    of_run,
)
from poweroptix.kernel.period import Period
from settlement.models import SettlementRun

MONTHS = 13
SAME = "the same"
Key = tuple[int, str]  # contract and month
Billed = dict[Key, Invoice]
Runs = dict[Key, list[SettlementRun]]


@dataclass
class Month:
    """One month over all contracts of a tenant; a figure that is not known yet stays None."""

    label: str
    cost_usd: Decimal | None = None
    energy_kwh: Decimal | None = None
    parts: EnergyParts | None = None
    co2e_g: int | None = None
    carbon_kwh: Decimal = Decimal(0)
    correction_usd: Decimal = Decimal(0)
    standing: Standing = ISSUED
    invoices: list[Invoice] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The month in words."""
        return month_title(self.label)

    @property
    def is_final(self) -> bool:
        """Whether all of it is invoiced."""
        return self.standing.is_final

    @property
    def price_usd_per_mwh(self) -> Decimal | None:
        """Average price of the month's own cost, unrounded."""
        if self.own_usd is None or not self.energy_kwh:
            return None
        return self.own_usd * 1000 / self.energy_kwh

    @property
    def own_usd(self) -> Decimal | None:
        """What the month itself costs: without the corrections of earlier months billed with it."""
        return None if self.cost_usd is None else self.cost_usd - self.correction_usd

    @property
    def billed_co2e_kg(self) -> Decimal | None:
        """Carbon as the invoices say it, where it was accounted differently since; else None."""
        said = [one.co2e_g for one in self.invoices]
        if not said or None in said or self.co2e_g is None or sum(said) == self.co2e_g:
            return None
        return Decimal(sum(said)).scaleb(-3)

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


def months_of(tenant_id: int, last: Period, newest: datetime | None = None) -> list[Month]:
    """Return the 13 months up to `last`, the oldest first; four queries.

    `newest` is the end of the newest reading: it says how far a month without a run is.
    """
    periods = [last]
    for _ in range(MONTHS - 1):
        periods.append(periods[-1].previous())
    found = {one.label: Month(one.label) for one in reversed(periods)}
    labels = list(found)
    invoices = {
        (one.contract_id, one.period): one
        for one in invoices_of(tenant_id).filter(state="ISSUED", period__in=labels)
    }
    runs: Runs = {}
    for run in runs_behind(tenant_id, labels, {one.run_id for one in invoices.values()}):
        runs.setdefault((run.contract_id, run.period), []).append(run)
    _bill(tenant_id, found, invoices, runs)
    for period in periods:
        if found[period.label].cost_usd is None:
            found[period.label].standing = of_readings(period, newest)
    for line in carbon_lines(tenant_id).filter(run__period__in=labels):
        month = found[line.run.period]
        month.co2e_g = (month.co2e_g or 0) + line.co2e_g
        month.carbon_kwh += line.energy_kwh
    return list(found.values())


def _bill(tenant_id: int, found: dict[str, Month], invoices: Billed, runs: Runs) -> None:
    """Fill in what was invoiced, and what is calculated where no invoice is yet."""
    chosen = {key: _run_behind(rows, invoices.get(key)) for key, rows in runs.items()}
    energy = energy_of(tenant_id, [run for run in chosen.values() if run is not None])
    standings: dict[str, list[Standing]] = {}
    for key in sorted(chosen.keys() | invoices.keys()):
        month, run, invoice = found[key[1]], chosen.get(key), invoices.get(key)
        parts = energy.get((run.allocation_run_id, key[0])) if run else None
        month.correction_usd += (run and run.correction_usd) or Decimal(0)
        if invoice is not None:
            month.invoices.append(invoice)
            _add(month, invoice.total_usd, invoice.energy_kwh, parts)
        elif run is not None:
            _add(month, run.total_usd, parts.total if parts else None, parts)
        standings.setdefault(key[1], []).append(_standing(invoice, runs.get(key, [])))
    for label, said in standings.items():
        found[label].standing = least(said) or ISSUED


def _run_behind(rows: list[SettlementRun], invoice: Invoice | None) -> SettlementRun | None:
    """Return the run that an invoice bills, or the one that counts where none is issued."""
    if invoice is None:
        return rows[-1]
    return next((run for run in rows if run.pk == invoice.run_id), None)


def _standing(invoice: Invoice | None, rows: list[SettlementRun]) -> Standing:
    if invoice is not None:
        return of_invoice(invoice.run_id, rows)
    return of_run(rows[-1], changed=rows[-1].is_corrected or rows[-1].is_revised)


def _add(month: Month, usd: Decimal | None, kwh: Decimal | None, parts: EnergyParts | None) -> None:
    """Add a contract's figures; parts are kept only as long as they explain the energy."""
    whole = month.energy_kwh is None or month.parts is not None
    if usd is not None:
        month.cost_usd = (month.cost_usd or Decimal(0)) + usd
    if kwh is not None:
        month.energy_kwh = (month.energy_kwh or Decimal(0)) + kwh
    explains = whole and parts is not None and parts.total == kwh
    month.parts = (month.parts or EnergyParts()) + parts if explains else None


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
        return SAME
    return f"{text} {more if ratio > 0 else less}"


def beside(words: str, month: Month, unit: str = "") -> str:
    """Return a change in words with the month that it is measured by; empty without a change.

    >>> beside("6.4 % more", Month("2026-03")), beside("the same", Month("2026-03"), " per MWh")
    ('6.4 % more than in March 2026', 'the same per MWh as in March 2026')
    """
    if not words:
        return ""
    return f"{words}{unit} {'as' if words == SAME else 'than'} in {month.title}"


def reason(now: Month, before: Month | None) -> str:
    """Return why the cost changed: how much by energy, how much by price.

    Months are compared by what they cost themselves; where corrections of earlier months are in
    one of the costs, the sentence says that they are left out. Empty when a month is not known.
    """
    if before is None or now.price_usd_per_mwh is None or before.price_usd_per_mwh is None:
        return ""
    cost = in_words(change(now.own_usd, before.own_usd), "more", "less")
    energy = in_words(change(now.energy_kwh, before.energy_kwh), "more energy", "less energy")
    price = in_words(
        change(now.price_usd_per_mwh, before.price_usd_per_mwh),
        "higher average price",
        "lower average price",
    )
    energy = f"{SAME} energy" if energy == SAME else energy
    price = f"{SAME} average price" if price == SAME else price
    corrected = now.correction_usd or before.correction_usd
    alike = "Without corrections of earlier months, " if corrected else ""
    return f"{alike}{beside(cost, before)}: {energy}, {price}"


def before(months: Sequence[Month], month: Month) -> Month | None:
    """Return the month before, when it has any figure."""
    place = months.index(month)
    found = months[place - 1] if place else None
    return found if found is not None and found.energy_kwh is not None else None
