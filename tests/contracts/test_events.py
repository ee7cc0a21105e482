"""Entering events: append-only, corrected by another row, refused where they cannot be."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, transaction

from contracts.models import ContractEvent
from contracts.queries import events_of, standing
from contracts.services import record_event, record_event_file, withdraw_event
from poweroptix.accounts.models import User
from poweroptix.audit.models import AuditEvent
from poweroptix.db.scope import portal_scope
from poweroptix.kernel.errors import Conflict, Refused
from tests.contracts.conftest import ACTOR, NOW

pytestmark = pytest.mark.django_db
FORCED = {"category": "FORCED", "caused_by": "SELLER"}
FILE = """kind,start,end,reason,category,caused_by,state
outage@1,2026-03-10 08:00,2026-03-10 20:00,unit log,FORCED,SELLER,
start@1,2026-03-10T20:00:00-05:00,,unit log,,BUYER,WARM
"""


def at(day, hour=0):
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def outage(contract, start, end, **more):
    fields = {"kind": "outage@1", "values": FORCED, "reason": "unit log", **more}
    return record_event(contract, start_utc=start, end_utc=end, actor=ACTOR, now=NOW, **fields)


def test_an_event_is_corrected_and_withdrawn_by_further_rows(contract, tenants):
    first = outage(contract, at(3), at(4))
    second = outage(contract, at(3), at(5), replaces=first, reason="log of the next day")
    assert second.tenant_id == tenants[0].pk
    assert list(standing(contract)) == [second]
    with pytest.raises(Conflict, match="corrected or withdrawn meanwhile"):
        outage(contract, at(3), at(6), replaces=first)
    with pytest.raises(Refused, match="say why the event does not count"):
        withdraw_event(second, reason=" ", actor=ACTOR, now=NOW)
    withdraw_event(second, reason="the unit was in reserve", actor=ACTOR, now=NOW)
    assert events_of([contract.pk], at(1), at(31)) == {}
    trail = AuditEvent.objects.filter(action__startswith="contract.event").order_by("id")
    assert [one.reason for one in trail][1:] == ["log of the next day", "the unit was in reserve"]
    with pytest.raises(DatabaseError), transaction.atomic():
        ContractEvent.objects.filter(pk=first.pk).update(reason="x")


def test_what_cannot_be_is_refused_and_leaves_nothing(contract):
    outage(contract, at(3), at(5))
    outage(contract, at(5), at(6))
    for said, fields in (
        (
            "outage of 2026-03-03 18:00 CST overlaps the outage of 2026-03-02 18:00 CST",
            {},
        ),
        ("say where the event is known from", {"reason": ""}),
        ("'TEPID' is not one of PLANNED", {"values": {**FORCED, "category": "TEPID"}}),
    ):
        with pytest.raises(Refused, match=said):
            outage(contract, at(4), at(7), **fields)
    assert standing(contract).count() == 2


def test_a_file_is_taken_whole_once_or_not_at_all(contract):
    found = record_event_file(contract, FILE.encode(), actor=ACTOR, now=NOW)
    assert [one.start_utc for one in found] == [at(10, 13), at(11, 1)]
    assert found[1].values == {"state": "WARM", "caused_by": "BUYER"}
    assert record_event_file(contract, FILE.encode(), actor=ACTOR, now=NOW) == []
    wrong = FILE.replace("2026-03-10 08:00", "2026-03-08 02:30").replace("WARM", "TEPID")
    with pytest.raises(Refused) as refused:
        record_event_file(contract, wrong.encode(), actor=ACTOR, now=NOW)
    assert [one.where for one in refused.value.findings] == ["2", "3"]
    assert refused.value.message.startswith("line 2: ")
    long = FILE.rstrip("\n") + ",1\n"
    with pytest.raises(Refused, match=r"^line 3 has \d cells, the head names \d; a comma inside"):
        record_event_file(contract, long.encode(), actor=ACTOR, now=NOW)
    short = FILE + "\noutage@1,2026-03-12 08:00\n"
    with pytest.raises(Refused, match=r"^line 5 has 2 cells, the head names \d; write a cell for"):
        record_event_file(contract, short.encode(), actor=ACTOR, now=NOW)
    with pytest.raises(Refused, match="no column kind; found: what"):
        record_event_file(contract, b"what,start\n", actor=ACTOR, now=NOW)
    assert standing(contract).count() == 2


def test_a_tenant_cannot_read_events(contract, tenants):
    outage(contract, at(3), at(4))
    with pytest.raises(DatabaseError), transaction.atomic(), portal_scope(tenants[1].pk, []):
        ContractEvent.objects.count()


def test_the_page_enters_corrects_and_refuses(client, contract):
    client.force_login(User.objects.create_user("analyst", password="x", role="analyst"))
    page = "/office/contracts/PPA-ALFA/events/"
    assert "No event yet" in client.get(page).content.decode()
    typed = {"kind": "outage@1", "start": "2026-03-10 08:00", "end": "2026-03-10 20:00"}
    typed |= {"p_category": "DERATING", "p_caused_by": "GRID", "reason": "order 7"}
    said = client.post(page, typed)
    assert said.status_code == 400
    assert "a derating has either lost_ratio or lost_kw" in said.content.decode()
    assert client.post(page, typed | {"p_lost_ratio": "0.25"}).status_code == 302
    row = standing(contract).get()
    assert (row.start_utc, row.values["lost_ratio"]) == (at(10, 13), "0.25")
    shown = client.get(f"{page}?replaces={row.pk}").content.decode()
    assert 'value="2026-03-10T13:00:00+00:00"' in shown
    assert "Derating by 25 %" in shown
    said = client.post(page, typed | {"p_lost_ratio": "0.3", "start": "soon"})
    assert "is not a time; write it as 2026-03-14 10:15" in said.content.decode()
    client.post(page, typed | {"p_lost_ratio": "0.3", "replaces": row.pk})
    client.post(page, {"action": "withdraw", "event": standing(contract).get().pk, "reason": "x"})
    assert not standing(contract).exists()
    assert ContractEvent.objects.count() == 3


def test_the_set_up_enters_by_the_form_of_the_kind(client, contract):
    client.force_login(User.objects.create_superuser("boss", role="administrator"))
    page = "/admin/contracts/contractevent/"
    typed = {"contract": contract.pk, "start_utc_0": "2026-03-10", "start_utc_1": "13:00"}
    typed |= {"p_state": "HOT", "p_caused_by": "BUYER", "reason": "unit log"}
    assert client.post(f"{page}add/?kind=start@1", typed).status_code == 302
    row = standing(contract).get()
    assert (row.kind, row.start_utc) == ("start@1", at(10, 13))
    assert "Hot start, caused by buyer" in client.get(page).content.decode()
    assert client.get(f"{page}{row.pk}/change/").status_code == 200
    typed |= {"end_utc_0": "2026-03-10", "end_utc_1": "12:00", "p_ordered_by": "GRID"}
    said = client.post(f"{page}add/?kind=curtailment@1", typed)
    assert "give a later end" in said.content.decode()
