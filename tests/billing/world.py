"""A campus with fuel, grid tie, battery and two tenants, settled and approved for March 2026."""

from datetime import UTC, datetime
from decimal import Decimal

from billing.services import draft_invoice, issue_invoice
from contracts.models import IndexSeries, Party
from contracts.services import publish_index
from esg.services import account_carbon, load_factors, set_policy
from meters.models import Channel, DeliveryPoint, GeneratingUnit
from poweroptix.kernel.canonical import digest_of
from settlement.models import SettlementRun
from settlement.services import approve_run, current_allocation, run_settlement
from tests.settlement.world import MARCH, SYSTEM, World, person, point, readings

NOW = datetime(2026, 4, 3, 14, 5, tzinfo=UTC)
TERMS = (
    {
        "key": "index_adder@1",
        "code": 10,
        "label": "Energy at hub price",
        "clause": "4.1",
        "parameters": {"index": "hub", "adder": "6.75", "price_unit": "USD/MWh"},
    },
    {
        "key": "demand@1",
        "code": 20,
        "label": "Demand",
        "clause": "4.2",
        "parameters": {"prices": [{"period": "ALL", "blocks": [{"rate": "10"}]}]},
    },
    {
        "key": "recurring_fee@1",
        "code": 40,
        "label": "Service fee",
        "clause": "6.1",
        "parameters": {"fee": "12500.00", "per": "MONTH"},
    },
)
EXAMPLE = (
    {
        "period": "2026-03",
        "series": {"delivered": {"flat": "1000", "minutes": 15}},
        "prices": {"hub": {"flat": "30", "minutes": 60}},
    },
    {"10": "109221.00", "20": "40000.00", "40": "12500.00"},
)


#: Nobody logs in here; the real hashers take a third of a second per person.
QUICK_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def quick_pdf(monkeypatch) -> None:
    """Let issuing make a stand-in for the PDF, where the test is not about paper."""
    for place in ("issue.invoice_pdf", "void.cancellation_pdf"):
        monkeypatch.setattr(
            f"billing.services.{place}",
            lambda document: b"%PDF-1.7 " + digest_of(document).encode(),
        )


class BilledWorld(World):
    """World with everything an invoice and a carbon account need."""

    def __init__(self, *, settle: bool = True, carbon: bool = True) -> None:
        hub = IndexSeries.objects.create(
            code="hub", name="Hub", unit="USD/MWh", minutes=60, zone=MARCH.zone
        )
        super().__init__(read=False, terms=TERMS, example=EXAMPLE)
        self.billing = person("bea", "billing")
        self._complete_parties()
        self._more_points()
        self.read()
        grid = MARCH.grid(60)
        rows = [(grid.start_of(i), Decimal(20 + i % 37) / 4) for i in range(grid.count)]
        publish_index(hub, rows, vintage="final", final=True, actor=SYSTEM, now=NOW)
        load_factors(now=NOW, actor=SYSTEM)
        set_policy(self.campus, effective_from=MARCH.first_date, actor=SYSTEM, grid_region="ERCT")
        self.runs: dict[str, SettlementRun] = {}
        if settle:
            self.settle(carbon=carbon)

    def _complete_parties(self) -> None:
        address = {"lines": ["1 Hall Way"], "city": "Lubbock", "state": "TX", "zip": "79401"}
        Party.objects.update(address=address | {"country": "US"})
        Party.objects.filter(code="SELLER").update(
            legal_name="Caprock Energy Services LLC",
            bank={"bank": "First Plains Bank", "routing": "111000025", "account": "00418822"},
            tax_id="75-0000000",
            invoice_prefix="CAP",
        )

    def _more_points(self) -> None:
        unit = GeneratingUnit.objects.create(
            campus=self.campus,
            code="GE-1",
            name="Engine 1",
            technology="GAS_TURBINE",
            fuel="NG",
            nameplate_kw=1000,
        )
        DeliveryPoint.objects.filter(code="GEN").update(generating_unit=unit)
        fuel = DeliveryPoint.objects.create(
            campus=self.campus,
            code="FUEL-1",
            name="Gas to engine 1",
            kind="FUEL",
            generating_unit=unit,
        )
        self.fuel = Channel.objects.create(
            delivery_point=fuel,
            code="FUEL-1/DEL_MMBTU",
            minutes=60,
            quantity="MMBTU",
            unit="MMBtu",
        )
        make = {
            "aux": ("AUX", "GENERATOR_AUX", "DELIVERED"),
            "imported": ("TIE", "GRID_TIE", "DELIVERED"),
            "exported": ("TIE", "GRID_TIE", "RECEIVED"),
            "discharge": ("BAT", "STORAGE", "DELIVERED"),
            "charge": ("BAT", "STORAGE", "RECEIVED"),
            "house": ("HOUSE", "HOUSE", "DELIVERED"),
        }
        for name, (code, kind, direction) in make.items():
            setattr(self, name, point(self.campus, code, kind, direction=direction))

    def read(self, period=MARCH, **more) -> None:
        """Publish quarter-hours that balance with 0.93 % losses; fuel by the hour."""
        flows = (
            (self.gen, "96.125"),
            (self.aux, "2.125"),
            (self.imported, "10"),
            (self.exported, "1"),
            (self.discharge, "3"),
            (self.charge, "4"),
            (self.house, "1"),
            (self.alfa_meter, "60"),
            (self.bravo_meter, "40"),
            (self.fuel, "3.172"),
        )
        for channel, amount in flows:
            readings(channel, amount, period=period, now=period.end_utc, **more)

    def settle(self, *, carbon: bool = True) -> None:
        for agreement in (self.alfa, self.bravo):
            run = run_settlement(agreement, MARCH, now=NOW, actor=self.analyst)
            self.runs[agreement.code] = approve_run(run, actor=self.approver, now=NOW)
        if carbon:
            allocation = current_allocation(self.campus, MARCH.label)
            self.carbon = account_carbon(allocation, now=NOW, actor=self.analyst)

    def draft(self, code: str = "PPA-ALFA"):
        return draft_invoice(self.runs[code], actor=self.billing, now=NOW)

    def issue(self, code: str = "PPA-ALFA", now: datetime = NOW):
        return issue_invoice(self.draft(code), actor=self.billing, now=now)
