"""Edits above the limit: proposed by one person, confirmed or rejected by another, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import DatabaseError, connection, transaction

from meters.models import Edit, EditProposal
from meters.queries import edits_to_confirm, final_series
from meters.services import (
    confirm_edit,
    edit_readings,
    preview_edit,
    propose_edit,
    reject_edit,
    validate_days,
)
from meters.services.editing.order import EditOrder
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.errors import Conflict, Forbidden, NotFoundError, Refused
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel, person
from tests.meters.services.test_editing import DAY, NOON, START

WHY = {"reason_code": "FIELD_VISIT", "comment": "Read from the display", "now": NOW}
LATER = NOW + timedelta(hours=1)


def made_channel():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, ["100"] * 96))
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    return channel


def order(channel, action="SET", operand="300", minutes=15, source=""):
    number = None if operand is None else Decimal(operand)
    return EditOrder(channel, NOON, NOON + timedelta(minutes=minutes), action, number, source)


def propose(channel, **more):
    return propose_edit(order(channel), actor=person("ann"), **WHY | more)


@pytest.fixture
def channel(db):
    return made_channel()


def total(channel):
    return final_series(channel.pk, START, START + timedelta(hours=24))[0].total()


def test_one_proposes_another_confirms_and_both_are_named(channel):
    proposal = propose(channel)
    assert list(edits_to_confirm()) == [proposal]
    assert (total(channel), Edit.objects.count()) == (Decimal(9600), 0)
    row = {r["span"]: r for r in proposal.totals}
    assert (row["range"]["before"], row["range"]["after"]) == ("100", "300")
    assert (row["day"]["label"], row["day"]["before"], row["day"]["after"]) == (
        "2026-03-03", "9600", "9800",
    )  # fmt: skip
    assert (row["month"]["label"], row["month"]["difference"]) == ("2026-03", "200")
    # 100 and 300 kWh in a quarter of an hour are 400 and 1,200 kW.
    assert (row["month"]["peak_before"], row["month"]["peak_after"]) == ("400", "1200")
    done = confirm_edit(proposal.pk, actor=person("bob"), now=LATER)
    assert (done.state, done.decided_by, done.decided_at) == ("CONFIRMED", "user:bob", LATER)
    assert (done.edit.actor, done.edit.approver) == ("user:ann", "user:bob")
    assert total(channel) == Decimal(9800)
    edited = AuditEvent.objects.get(action="readings.edit")
    assert (edited.actor_name, edited.after["approver"]) == ("ann", "user:bob")
    confirmed = AuditEvent.objects.get(action="readings.confirm")
    assert (confirmed.actor_name, confirmed.before["proposed_by"]) == ("bob", "user:ann")
    assert not edits_to_confirm().exists()


def test_the_author_cannot_confirm(channel):
    proposal = propose(channel)
    with pytest.raises(Forbidden, match="You proposed this edit; somebody else must confirm"):
        confirm_edit(proposal.pk, actor=person("ann"), now=LATER)
    with pytest.raises(Forbidden, match="may not edit in meters"):
        confirm_edit(proposal.pk, actor=person("eve", "viewer"), now=LATER)
    assert not Edit.objects.exists()


def test_changed_readings_refuse_the_confirmation_with_advice(channel):
    proposal = propose(channel)
    edit_readings(
        channel, START, START + timedelta(minutes=15), "ADD", operand=Decimal(1),
        actor=person("cid"), **WHY,
    )  # fmt: skip
    with pytest.raises(Conflict, match=r"changed since ann proposed .* Reject it with that reason"):
        confirm_edit(proposal.pk, actor=person("bob"), now=LATER)
    proposal.refresh_from_db()
    assert (proposal.state, total(channel)) == ("PROPOSED", Decimal(9601))


def test_rejected_with_a_reason_and_then_decided(channel):
    proposal = propose(channel)
    with pytest.raises(Refused, match="at least 10 characters why not"):
        reject_edit(proposal.pk, reason="no", actor=person("bob"), now=LATER)
    done = reject_edit(proposal.pk, reason="The display shows 100", actor=person("bob"), now=LATER)
    assert (done.state, done.decision_reason) == ("REJECTED", "The display shows 100")
    with pytest.raises(Conflict, match="already rejected by bob"):
        confirm_edit(proposal.pk, actor=person("cid"), now=LATER)
    with pytest.raises(NotFoundError, match="no proposed edit 0"):
        confirm_edit(0, actor=person("cid"), now=LATER)
    assert total(channel) == Decimal(9600)


def test_a_preview_that_is_out_of_date_is_not_stored(channel):
    preview = preview_edit(order(channel), actor=person("ann"), now=NOW)
    assert preview.over_limit == (
        "This edit changes TEN-ALFA/DEL_KWH by 200 kWh, more than one person may decide (limit 1 % "
        "of the touched days or 10,000 kWh). A second person must approve it."
    )
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    propose(channel, seen_digest=preview.digest)
    edit_readings(
        channel, START, START + timedelta(minutes=15), "ADD", operand=Decimal(1),
        actor=person("cid"), **WHY,
    )  # fmt: skip
    with pytest.raises(Conflict, match="changed since this preview was made"):
        propose(channel, seen_digest=preview.digest)
    assert EditProposal.objects.count() == 1


def test_a_revert_and_the_system_need_no_second_person(channel):
    with pytest.raises(Refused, match="A revert takes no second person"):
        propose_edit(order(channel, "REVERT", None), actor=person("ann"), **WHY)
    with pytest.raises(Forbidden, match="decided by people"):
        propose_edit(order(channel), actor=ACTOR, **WHY)


def test_the_database_keeps_the_four_eyes(channel):
    proposal = propose(channel)
    rows = EditProposal.objects.filter(pk=proposal.pk)
    edit = edit_readings(
        channel, START, START + timedelta(minutes=15), "ADD", operand=Decimal(1),
        actor=person("cid"), **WHY,
    )  # fmt: skip
    decided = {"state": "CONFIRMED", "decided_at": LATER, "edit": edit}
    for change, name in (
        ({"decided_by": "user:ann", **decided}, "edit_proposal_second_person"),
        ({"state": "CONFIRMED"}, "edit_proposal_decision_complete"),
        ({"state": "REJECTED", "decided_by": "user:bob", "decided_at": LATER}, "complete"),
        ({"comment": "Something else entirely"}, "pox|immutable|may not change"),
        ({"operand": 5}, "pox|immutable|may not change"),
    ):
        with pytest.raises(DatabaseError, match=name), transaction.atomic():
            rows.update(**change)
    reject_edit(proposal.pk, reason="The display shows 100", actor=person("bob"), now=LATER)
    for action in (
        lambda: rows.update(decision_reason="Another reason"),
        lambda: rows.update(state="PROPOSED"),
        lambda: rows.delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            action()


@pytest.mark.django_db(transaction=True)
def test_of_two_confirmations_at_once_one_wins():
    channel = made_channel()
    proposal = propose(channel)
    people = [person("bob"), person("cid")]
    start = Barrier(2, timeout=20)

    def confirm(actor):
        try:
            start.wait()
            return confirm_edit(proposal.pk, actor=actor, now=LATER).decided_by
        except Conflict as fault:
            return fault.message
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(confirm, people))
    winner = EditProposal.objects.get().decided_by
    assert told == [f"This edit is already confirmed by {winner[5:]}.", winner]
    assert (Edit.objects.count(), total(channel)) == (1, Decimal(9800))
