"""Export revenue of a campus: computed, frozen, proved, revised, and shared by a joint venture."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from contracts.models import IndexSeries
from meters.models import Edit
from poweroptix.accounts.models import User
from poweroptix.kernel.errors import Conflict, Forbidden, Refused
from settlement.models import MoneyMember, MoneyPool, Ownership, PoolMonth, PoolSale
from settlement.services import Entry, divide_month, enter_item, state_owners, verify_run
from settlement.services.money import divided_again
from tests.settlement.acts import approve, force, publish_hub, settle
from tests.settlement.pool_world import PoolWorld
from tests.settlement.test_owner_months import shared
from tests.settlement.world import FIRST_DAY, MARCH, NOW, party, person, point, readings

pytestmark = pytest.mark.django_db
PAGE = "/office/settlement/pools/CAP/export/2026-03/"
HOURS = [Decimal(20)] * 700 + [Decimal(-5)] * 43


def with_tie(world):
    """8 kWh a quarter-hour go out at the grid tie, beside what ALFA and BRAVO take."""
    world.tie = point(world.campus, "TIE", "GRID_TIE", direction="RECEIVED")
    bought = point(world.campus, "TIE", "GRID_TIE")
    for channel, kwh in ((world.gen, 109), (world.tie, 8), (bought, 0)):
        readings(channel, kwh)
    world.hub = IndexSeries.objects.create(code="HUB", name="Hub", zone="America/Chicago")


def sell(world, pool):
    """Sell it at the hub less 0.85."""
    return PoolSale.objects.create(
        pool=pool, first_period="2026-01", channel=world.tie, index=world.hub,
        fee_usd_per_mwh="0.85",
    )  # fmt: skip


class ExportWorld(PoolWorld):
    """The export of the campus is a pool of its own, beside the insurance."""

    def __init__(self):
        super().__init__()
        self.enter("1000.00")
        with_tie(self)
        self.export = MoneyPool.objects.create(
            campus=self.campus, code="export", name="Export", kind="REVENUE",
            key="equal_parts@1", parameters={"part_month": "WHOLE"},
            operator=party("OPCO"), operator_cut_ratio="0.1",
        )  # fmt: skip
        sell(self, self.export)

    def divide(self):
        divide_month(self.campus, MARCH, now=NOW, actor=self.clerk)
        return self.month()

    def month(self):
        return PoolMonth.objects.get(pool=self.export, state="CALCULATED")


def test_an_export_is_computed_proved_and_divided_anew_when_it_is_revised(client):
    world = ExportWorld()
    open_month = world.divide()
    assert (open_month.amount_usd, open_month.is_divided) == (None, False)
    assert "HUB has no price in 2972 of 2972 intervals" in open_month.findings[0]["message"]
    publish_hub(HOURS)  # the publication divides the month
    month = world.month()
    # 32 kWh an hour: 700 h at 20.00 and 43 h at -5.00 are 441.12; 23.776 MWh at 0.85 are 20.2096
    assert (month.version, month.amount_usd) == (2, Decimal("420.91"))
    assert (month.operator_usd, month.worksheet["amount_usd"]) == (Decimal("42.09"), "420.91")
    assert len(month.pins["prices"]) == len(month.pins["readings"]) == 32
    assert divided_again(month).amount_usd == Decimal("420.91")
    entry = Entry("Sold", "ISO", "S-1", amount_usd=Decimal(1))
    with pytest.raises(Refused, match="The amount of export is computed: TIE/REC_KWH at HUB"):
        enter_item(world.export, MARCH, entry, now=NOW, actor=world.clerk)

    client.force_login(User.objects.get(username="cleo"))
    shown = client.get(PAGE).content.decode()
    for words in ("$420.91", "23,776", "Fee per MWh sold", "2972 intervals", "no members"):
        assert words in shown, words
    assert "Enter the amount" not in shown
    assert "Proved: " in client.post(PAGE, {"action": "prove"}, follow=True).content.decode()

    readings(world.tie, 8)  # a new version of equal values
    publish_hub([Decimal(20)], vintage="settled")
    assert world.month() == month
    readings(world.tie, [9] + [8] * 2971)
    revised = world.month()
    assert (revised.version, revised.amount_usd) == (3, Decimal("420.93"))
    assert divided_again(month).amount_usd == Decimal("420.91")
    force("UPDATE settlement_poolmonth SET worksheet = '{}' WHERE amount_usd = 420.91")
    month.refresh_from_db()
    with pytest.raises(Conflict, match="the worksheet of the sale differs"):
        divided_again(month)


def test_a_joint_venture_shares_what_was_computed_and_waits_while_it_is_not_known():
    world = ExportWorld()
    publish_hub(HOURS[:-1])
    for name in ("alfa", "bravo"):
        approve(world, settle(world, name))
    joint = Ownership.objects.create(
        campus=world.campus, model="JOINT_VENTURE", first_date=FIRST_DAY,
        operator=party("OPCO"), share_change="DAYS", evidence="JV", fee_basis="NONE",
    )  # fmt: skip
    shared(joint, "DEVCO", "0.6")
    shared(joint, "FUND", "0.4")
    state = {"now": NOW, "actor": world.analyst}
    with pytest.raises(Refused, match="The pool export is not divided for 2026-03"):
        state_owners(world.campus, MARCH, **state)
    publish_hub(HOURS)
    owners = state_owners(world.campus, MARCH, **state)
    upside = {line.party.code: line.amount_usd for line in owners.lines.filter(kind="UPSIDE")}
    assert upside == {"DEVCO": Decimal("227.29"), "FUND": Decimal("151.53")}  # 420.91 - 42.09
    PoolSale.objects.create(
        pool=world.export, first_period="2026-03", channel=world.tie, index=world.hub,
        fee_usd_per_mwh="1",
    )  # fmt: skip
    with pytest.raises(Refused, match="What the pool export rests on changed after it was divided"):
        state_owners(world.campus, MARCH, **state)
    assert world.divide().amount_usd == Decimal("417.34")


def test_a_member_is_held_back_while_the_export_lacks_a_price(client):
    world = ExportWorld()
    publish_hub(HOURS[:-2])
    MoneyMember.objects.create(pool=world.export, contract=world.alfa, valid=(FIRST_DAY, None))
    with pytest.raises(Refused) as refused:
        approve(world, settle(world))
    said = [one.message for one in refused.value.findings]
    assert any("HUB has no price in 8 of 2972 intervals" in one for one in said), said
    bought = point(world.campus, "TIE2", "GRID_TIE")
    for wrong, message in (
        ({"channel": bought}, "TIE2/DEL_KWH is what the grid delivers; sold is what it receives"),
        ({"first_period": "2026-13"}, "Write a month as 2026-03"),
        ({"fee_usd_per_mwh": "-1"}, "greater than or equal to 0"),
        ({"pool": world.pool}, "Only a pool of revenue sells energy"),
    ):
        row = {"pool": world.export, "first_period": "2026-04", "channel": world.tie,
               "index": world.hub, "fee_usd_per_mwh": "0", **wrong}  # fmt: skip
        with pytest.raises(ValidationError, match=message):
            PoolSale(**row).full_clean()
    gas = IndexSeries(code="GAS", name="Gas", zone="UTC", unit="USD/MMBtu", minutes=1440)
    gas.save()
    with pytest.raises(ValidationError, match="GAS is quoted in USD/MMBtu, not in USD/MWh or"):
        PoolSale(
            pool=world.export, first_period="2026-04", channel=world.tie, index=gas,
            fee_usd_per_mwh="0",
        ).full_clean()  # fmt: skip


def test_a_tenant_is_credited_its_share_and_who_edited_the_meter_does_not_approve():
    world = PoolWorld(key="equal_parts@1", parameters={"part_month": "WHOLE"})
    MoneyPool.objects.update(kind="REVENUE")
    with_tie(world)
    sell(world, world.pool)
    publish_hub(HOURS)
    run = settle(world)
    assert run.lines.get(line_code=40).amount_usd == Decimal("-210.46")  # half of 420.91
    assert verify_run(run).ok
    Edit.objects.create(
        channel=world.tie, start_utc=MARCH.start_utc, end_utc=MARCH.end_utc, action="SET",
        reason_code="OTHER", comment="Read off.", actor=str(world.approver),
        publication_id=readings(world.tie, 8).pk,
        created_at=NOW,
    )  # fmt: skip
    with pytest.raises(Forbidden, match="You edited readings of this period"):
        approve(world, run)
    assert approve(world, run, actor=person("bea", "approver")).is_settled
