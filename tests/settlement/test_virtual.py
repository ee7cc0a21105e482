"""A tenant settled on its share of a feeder: explained to file and row, flagged, settled anew."""

import io
from datetime import timedelta
from decimal import Decimal

import pytest

from meters.models import Channel, DeliveryPoint
from meters.services import ingest_file, receive_file, validate_days
from meters.services.virtual.checking import Order
from meters.services.virtual.definitions import define
from poweroptix.jobs.services import drain
from settlement.models import Correction
from settlement.queries.explain import explain_line
from settlement.services import verify_run
from tests.meters.builders import install, long_csv
from tests.settlement.acts import approve, settle
from tests.settlement.world import (
    MARCH,
    NOW,
    SYSTEM,
    campus_with,
    contract,
    loss_pool,
    person,
    point,
    readings,
    serve,
)

pytestmark = pytest.mark.django_db
SHARE = "[FEEDER/DEL_KWH] * [{0}-SUB/DEL_KWH] / ([ALFA-SUB/DEL_KWH] + [BRAVO-SUB/DEL_KWH])"


class Feeder:
    """Two tenants on one feeder of 100 kWh a quarter-hour, split by meters of 30 and 20."""

    def __init__(self):
        self.campus = campus_with()
        self.gen = point(self.campus, "GEN", "GENERATOR")
        readings(self.gen, 101, now=NOW)
        self.meters = {code: point(self.campus, code, "CHECK")
                       for code in ("FEEDER", "ALFA-SUB", "BRAVO-SUB")}  # fmt: skip
        for code, kwh in (("FEEDER", 100), ("ALFA-SUB", 30), ("BRAVO-SUB", 20)):
            install(self.meters[code], MARCH.start_utc - timedelta(days=30), None)
            self.read(code, [kwh] * 2972)
        self.alfa, self.bravo = (self.tenant(code) for code in ("ALFA", "BRAVO"))
        drain(120)
        loss_pool(self.campus, self.alfa, self.bravo)
        self.analyst, self.approver = person("ana", "analyst"), person("bob", "approver")

    def tenant(self, code):
        """Return the contract of a tenant whose only main channel is its share."""
        place = DeliveryPoint.objects.create(
            campus=self.campus, code=f"TEN-{code}", name=code, kind="TENANT_LOAD"
        )
        channel = Channel.objects.create(
            delivery_point=place, code=f"TEN-{code}/SHARE", minutes=15, kind="VIRTUAL"
        )
        order = Order(channel, MARCH.start_utc - timedelta(days=1), expression=SHARE.format(code))
        define(order, actor=SYSTEM, now=NOW)
        agreement = contract(self.campus, code)
        serve(agreement, channel)
        return agreement

    def read(self, code, kwh, now=NOW):
        """Ingest and validate March of a meter."""
        text = long_csv(f"{code}/DEL_KWH", MARCH.start_utc, kwh).encode()
        kept = receive_file(io.BytesIO(text), name=f"{code.lower()}.csv", source="t", now=now,
                            actor=SYSTEM)  # fmt: skip
        ingest_file(kept.pk, now=now, actor=SYSTEM)
        validate_days([self.meters[code].pk], MARCH.first_date, MARCH.last_date, now=now,
                      actor=SYSTEM)  # fmt: skip


@pytest.fixture
def feeder():
    return Feeder()


def test_a_month_on_a_share_is_settled_explained_flagged_and_settled_anew(feeder):
    run = approve(feeder, settle(feeder))
    # 60 % of 101 kWh are 180.103 MWh at 50 USD, as for a tenant whose own meter reads 60 kWh.
    assert run.total_usd == Decimal("9005.15")
    assert verify_run(run).ok

    at = MARCH.start_utc + timedelta(minutes=15 * 1000)
    tree = explain_line(run.lines.get().pk, day=MARCH.days()[10], instant=at)
    (reading,) = tree["readings"]
    assert (reading["channel"], reading["used"]["quantity"]) == ("TEN-ALFA/SHARE", Decimal(60))
    computed = reading["computed"]
    assert computed["sentence"] == SHARE.format("ALFA")
    assert computed["numbers"] == "100 * 30 / (30 + 20)"
    told = [
        (one["channel"], one["quantity"], one["file"], one["line"]) for one in computed["terms"]
    ]
    assert told == [
        ("FEEDER/DEL_KWH", Decimal(100), "feeder.csv", 1002),
        ("ALFA-SUB/DEL_KWH", Decimal(30), "alfa-sub.csv", 1002),
        ("BRAVO-SUB/DEL_KWH", Decimal(20), "bravo-sub.csv", 1002),
    ]

    reading_channel = Channel.objects.get(code="TEN-ALFA/SHARE")
    late = [30] * 2972
    late[1000] = 80
    later = NOW + timedelta(hours=1)
    feeder.read("ALFA-SUB", late, now=later)
    (own,) = Correction.objects.filter(run=run, scope="OWN")
    assert (own.channel_id, own.interval_count) == (reading_channel.pk, 1)
    assert (own.before_kwh, own.after_kwh) == (60, 80)
    assert verify_run(run).ok
    again = settle(feeder, now=later + timedelta(hours=1))
    # The interval moves from 60 to 80 of 100 kWh, the loss with it: 180.103 to 180.123 MWh at 50.
    assert again.total_usd - run.total_usd == Decimal("1.00")
    new = explain_line(again.lines.get().pk, day=MARCH.days()[10], instant=at)["readings"][0]
    assert new["computed"]["numbers"] == "100 * 80 / (80 + 20)"
    old = explain_line(run.lines.get().pk, day=MARCH.days()[10], instant=at)["readings"][0]
    assert old["computed"]["numbers"] == "100 * 30 / (30 + 20)"
