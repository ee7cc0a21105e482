"""Two tenants that share the campus insurance, beside the energy of `world.World`."""

from decimal import Decimal

from settlement.models import MoneyMember, MoneyPool
from settlement.services import Entry, enter_item
from tests.settlement.world import (
    ENERGY,
    FIRST_DAY,
    MARCH,
    NOW,
    World,
    campus_with,
    contract,
    loss_pool,
    person,
    point,
    serve,
)

SHARE = {
    "key": "pool_share@1",
    "code": 40,
    "label": "Insurance",
    "parameters": {"pool": "insurance"},
}
EXAMPLE = (
    {
        "period": "2026-03",
        "series": {"delivered": {"flat": "1000", "minutes": 15}},
        "pools": {
            "insurance": {
                "amount_usd": "100.00",
                "weight": "1",
                "weights": "4",
                "extra_usd": "0.00",
                "share_usd": "25.00",
            }
        },
    },
    {"10": "148600.00", "40": "25.00"},
)


class PoolWorld(World):
    """ALFA and BRAVO use 60 and 40 kWh; insurance goes by delivered energy, from 1 January."""

    def __init__(self, *, bravo_pays=True, key="energy_used@1", parameters=None):
        self.campus = campus_with()
        self.gen = point(self.campus, "GEN", "GENERATOR")
        self.alfa_meter = point(self.campus, "TEN-ALFA", "TENANT_LOAD")
        self.bravo_meter = point(self.campus, "TEN-BRAVO", "TENANT_LOAD")
        self.alfa = contract(self.campus, "ALFA", terms=(ENERGY, SHARE), example=EXAMPLE)
        paid = {"terms": (ENERGY, SHARE), "example": EXAMPLE} if bravo_pays else {}
        self.bravo = contract(self.campus, "BRAVO", **paid)
        serve(self.alfa, self.alfa_meter)
        serve(self.bravo, self.bravo_meter)
        self.losses = loss_pool(self.campus, self.alfa, self.bravo)
        self.pool = MoneyPool.objects.create(
            campus=self.campus,
            code="insurance",
            name="Insurance of the plant",
            kind="COST",
            key=key,
            parameters=parameters if parameters is not None else {"quantity": "delivered"},
        )
        for member in (self.alfa, self.bravo):
            MoneyMember.objects.create(pool=self.pool, contract=member, valid=(FIRST_DAY, None))
        self.analyst = person("ana", "analyst")
        self.clerk = person("cleo", "analyst")
        self.approver = person("bob", "approver")
        self.read()

    def enter(self, amount, *, actor=None, period=MARCH, pool=None, **more):
        entry = Entry("Premium", "Lone Star Mutual", "INV-77", amount_usd=Decimal(amount), **more)
        return enter_item(pool or self.pool, period, entry, now=NOW, actor=actor or self.clerk)
