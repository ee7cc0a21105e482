"""A virtual reading is explained by its terms: value, version, received value, file and row."""

from datetime import timedelta
from decimal import Decimal

import pytest

from meters.models import QuarantinedRecord
from meters.queries import final_series, late_channels, trace
from meters.queries.terms import explain_virtual
from meters.queries.work import completeness
from meters.services import edit_readings, validate_days
from poweroptix.db.scope import portal_scope
from poweroptix.kernel.errors import NotFoundError, Refused
from tests.meters.builders import ACTOR, NOW, ingest, long_csv, person
from tests.meters.virtual.makers import DAY, defined, metered, read, values, virtual

QUARTER = timedelta(minutes=15)


@pytest.mark.django_db
def test_a_reading_leads_to_the_file_and_row_of_each_term():
    metered("G/KWH", ["12500", "12600", "12700", "12800"])
    metered("A/KWH", ["640"] * 4)
    net = virtual("NET")
    defined(net, "max(0, [G/KWH] - [A/KWH])")
    half = virtual("HALF")
    defined(half, "[NET] / 2")
    found = explain_virtual(half.pk, DAY + 2 * QUARTER)
    assert (found.sentence, found.numbers) == ("[NET] / 2", "12060 / 2")
    assert (found.quantity, found.version, found.hidden) == (Decimal(6030), 1, 0)
    (below,) = found.terms
    assert (below.channel.code, below.quantity, below.letter) == ("NET", Decimal(12060), "A")
    told = [(t.channel.code, t.quantity, t.raw_quantity, t.raw_version) for t in below.terms]
    gross, aux = Decimal(12700), Decimal(640)
    assert told == [("G/KWH", gross, gross, 1), ("A/KWH", aux, aux, 1)]
    assert [term.line for term in below.terms] == [4, 4]
    assert {term.import_file.name for term in below.terms} == {"file.csv"}
    assert explain_virtual(below.terms[0].channel.pk, DAY) is None
    assert explain_virtual(half.pk, DAY - timedelta(days=3)) is None
    with pytest.raises(NotFoundError, match="no channel 0"):
        explain_virtual(0, DAY)


@pytest.mark.django_db
def test_an_older_version_is_explained_by_what_it_rested_on():
    gross = metered("G/KWH", ["10"] * 4)
    net = virtual("NET")
    defined(net, "2 * [G/KWH]")
    read(gross, ["11"] * 4, now=NOW + timedelta(hours=1))
    assert explain_virtual(net.pk, DAY).numbers == "2 * 11"
    old = explain_virtual(net.pk, DAY, version=1)
    assert (old.numbers, old.quantity, old.terms[0].version) == ("2 * 10", Decimal(20), 1)
    versions = {one.version: one for one in trace(net.pk, DAY).versions}
    assert [versions[n].raw_version for n in (1, 2)] == [None, None]
    defined(net, "3 * [G/KWH]")
    assert explain_virtual(net.pk, DAY).sentence == "3 * [G/KWH]"
    assert explain_virtual(net.pk, DAY, version=2).sentence == "2 * [G/KWH]"


@pytest.mark.django_db
def test_terms_of_other_lengths_show_what_was_used_of_them():
    metered("F/KWH", ["1", "2", "3"] * 4, minutes=5)
    metered("H/KWH", ["0.000005"], minutes=60)
    channel = virtual("V")
    defined(channel, "[F/KWH] + [H/KWH]", cut_longer=True)
    found = explain_virtual(channel.pk, DAY + 3 * QUARTER)
    assert found.numbers == "6 + 0.000002"
    assert [str(t.used) for t in found.terms] == ["1", "2", "3", "0.000002"]
    assert found.quantity == Decimal("6.000002")


@pytest.mark.django_db
def test_losses_are_explained_in_words():
    metered("M/DEL", ["10000"] * 4)
    channel = virtual("D", direction="DELIVERED")
    defined(channel, method="LOSS_FACTOR", parameters={"loss_ratio": "1.0125"}, metered="M/DEL")
    found = explain_virtual(channel.pk, DAY)
    assert (found.sentence, found.numbers) == ("[M/DEL] x 1.0125", "10000 x 1.0125")


def test_a_tenant_sees_its_own_share_and_no_term_of_others(transactional_db):
    metered("F/KWH", ["90"] * 4)
    own = metered("A/KWH", ["1"] * 4)
    metered("B/KWH", ["2"] * 4)
    share = virtual("SHARE")
    defined(share, "[F/KWH] * [A/KWH] / ([A/KWH] + [B/KWH])")
    with portal_scope(1, [share.pk, own.pk]):
        found = explain_virtual(share.pk, DAY)
        assert (found.quantity, found.hidden) == (Decimal(30), 2)
        assert [term.channel.code for term in found.terms] == ["A/KWH"]
        assert found.numbers == "F_KWH * 1 / (1 + B_KWH)"
    assert explain_virtual(share.pk, DAY).hidden == 0


@pytest.mark.django_db
def test_a_virtual_channel_is_not_edited_read_or_judged():
    metered("G/KWH", ["10"] * 4)
    net = virtual("NET/KWH")
    defined(net, "2 * [G/KWH]")
    with pytest.raises(Refused, match=r"is computed and follows its terms: edit .* G/KWH\."):
        edit_readings(net, DAY, DAY + QUARTER, "SET", operand=Decimal(1), reason_code="METER_FAULT",
                      comment="A wrong idea altogether.", actor=person("ann"), now=NOW)  # fmt: skip
    ingest(long_csv("NET/KWH", DAY, ["1"] * 4))
    (record,) = QuarantinedRecord.objects.all()
    assert (record.code, "is a virtual channel: it is computed" in record.message) == ("F03", True)
    validate_days([net.pk], DAY.date(), DAY.date(), now=NOW, actor=ACTOR)
    assert values(net) == ["20"] * 4
    assert net.code not in {late.channel.code for late in late_channels(NOW)}
    (row,) = completeness([net.pk], DAY.date(), DAY.date()).rows
    assert (row.days[0].received, row.days[0].billable) == (4, 4)


@pytest.mark.django_db
def test_a_block_is_pinned_and_found_again():
    metered("G/KWH", ["10"] * 4)
    net = virtual("NET")
    defined(net, "2 * [G/KWH]")
    series, pins = final_series(net.pk, DAY, DAY + timedelta(hours=1))
    again, _ = final_series(net.pk, DAY, DAY + timedelta(hours=1), pins=pins)
    assert series.equals(again)
