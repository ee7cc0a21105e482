"""The multiplier behind a reading, as a tenant sees it: its own meters and nobody else's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import ProgrammingError, transaction

from meters.models import EditProposal, Installation, Meter
from meters.queries import trace
from poweroptix.db.scope import portal_scope
from tests.meters import builders
from tests.meters.builders import long_csv, make_channel

START = datetime(2026, 3, 3, 6, tzinfo=UTC)
CHANGED = START + timedelta(hours=1)


@pytest.fixture
def channels(transactional_db):
    own = make_channel("TEN-ALFA/DEL_KWH", installed_from=None)
    builders.install(own, builders.LONG_AGO, CHANGED)
    builders.install(own, CHANGED, None, Decimal("0.5"))
    other = make_channel("TEN-BRAVO/DEL_KWH")
    for channel in (own, other):
        builders.ingest(long_csv(channel.code, START, ["12.345"] * 8), name=f"{channel.pk}.csv")
    return own, other


def test_a_tenant_reads_the_multiplier_of_its_own_meter(channels):
    own, _other = channels
    with portal_scope(1, [own.pk]):
        before, after = (trace(own.pk, at).multiplication for at in (START, CHANGED))
    assert (before["multiplier"], before["product"], before["by_source"]) == (
        1, Decimal("12.345"), True,
    )  # fmt: skip
    assert (after["multiplier"], after["product"], after["since"]) == (
        Decimal("0.5"), Decimal("6.1725"), CHANGED,
    )  # fmt: skip
    assert before["meter"] != after["meter"]


def test_a_tenant_sees_no_other_meter_and_no_proposal(channels):
    own, _other = channels
    assert Meter.objects.count() == 3
    with portal_scope(1, [own.pk]):
        assert Meter.objects.values("serial").count() == 2
        assert set(Installation.objects.values_list("channel_id", flat=True)) == {own.pk}
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            list(EditProposal.objects.all())


def test_without_a_meter_or_a_value_there_is_nothing_to_multiply(db):
    bare = make_channel("TEN-CHARLIE/DEL_KWH", installed_from=None)
    builders.ingest(long_csv(bare.code, START, ["1"]))
    assert trace(bare.pk, START).multiplication is None
    assert trace(bare.pk, START + timedelta(days=3)).multiplication is None
