"""The queue of exceptions: filters, who looks at what, and one decision on many."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from meters.models import Finding
from meters.services import accept_finding, validate_days
from meters.services.judging.queueing import accept_findings, assign_findings, judge_again
from poweroptix.audit.models import AuditEvent
from poweroptix.clock import now
from poweroptix.kernel.errors import Refused
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel, person

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)
SAID = {"reason_code": "FIELD_VISIT", "comment": "Read from the display"}
PAGE = "/office/findings/"


def spiky(code):
    """A channel of one day with a spike, and its finding."""
    made = make_channel(code, installed_from=None)
    builders.install(made, builders.LONG_AGO, None, Decimal(400))
    values = ["10"] * 48 + ["90"] + ["10"] * 47
    builders.ingest(long_csv(made.code, START, values), name=f"{made.pk}.csv")
    validate_days([made.pk], date(2026, 3, 3), date(2026, 3, 3), now=NOW, actor=ACTOR)
    return Finding.objects.get(channel=made, rule_code="V13")


@pytest.fixture
def spikes():
    return [spiky(f"TEN-{name}/DEL_KWH") for name in ("ALFA", "BRAVO", "CHARLIE")]


@pytest.fixture
def ann(client):
    client.force_login(get_user_model().objects.create_user("ann", role="analyst"))
    return client


def text(answer):
    return " ".join(answer.content.decode().split())


def shown(answer):
    return {item["row"].pk for item in answer.context["shown"]}


def states(rows):
    return [Finding.objects.get(pk=row.pk).state for row in rows]


def keys(rows):
    return [row.pk for row in rows]


def test_many_are_accepted_with_one_reason(ann, spikes):
    answer = ann.post(PAGE, {"action": "ACCEPT", "pick": keys(spikes), **SAID})
    assert answer.status_code == 200
    assert "3 of 3 exceptions done" in text(answer)
    assert states(spikes) == ["ACCEPTED"] * 3
    spikes[2].refresh_from_db()
    assert spikes[2].decided_by == "user:ann"
    assert spikes[2].reason == "Confirmed on site: Read from the display"
    assert AuditEvent.objects.filter(action="finding.accept").count() == 3


def test_what_somebody_else_decided_is_told_and_stays(ann, spikes):
    bob = person("bob")
    said = {"reason_code": "OUTAGE", "comment": "Feeder was switched off"}
    accept_finding(spikes[1], actor=bob, now=NOW, **said)
    answer = ann.post(PAGE, {"action": "ACCEPT", "pick": keys(spikes), **SAID})
    assert "2 of 3 exceptions done" in text(answer)
    told = "Already accepted as read by bob: Outage confirmed: Feeder was switched off"
    assert told in text(answer)
    spikes[1].refresh_from_db()
    assert (spikes[1].decided_by, spikes[1].reason[:6]) == ("user:bob", "Outage")
    assert states(spikes) == ["ACCEPTED"] * 3


def test_a_gap_is_not_accepted_and_the_others_are(ann, spikes):
    gap = Finding.objects.create(
        channel=spikes[0].channel, rule_code="V01", severity="HOLD", start_utc=START,
        end_utc=START + timedelta(hours=1), message="Gap", created_at=NOW,
    )  # fmt: skip
    told = accept_findings(
        [gap.pk, spikes[1].pk, 10**9], actor=person("bob"), now=NOW, **SAID
    )  # fmt: skip
    assert [(one.is_done, one.said) for one in told] == [
        (False, "A gap has no reading to accept; estimate or edit it."),
        (True, "Accepted as read for this rule."),
        (False, "There is no finding 1000000000."),
    ]
    gap.refresh_from_db()
    assert (gap.state, gap.decided_by) == ("OPEN", "")


def test_judged_again_closes_what_is_no_longer_found_and_keeps_the_reason(spikes):
    stale = Finding.objects.create(
        channel=spikes[0].channel, rule_code="V11", severity="HOLD", start_utc=START,
        end_utc=START + timedelta(hours=1), message="Was found once", created_at=NOW,
    )  # fmt: skip
    told = judge_again([stale.pk, spikes[0].pk], actor=person("bob"), now=NOW, **SAID)
    assert [one.said for one in told] == [
        "Judged again; it is closed now.",
        "Judged again; it is still open.",
    ]
    event = AuditEvent.objects.filter(action="finding.judge").first()
    assert (event.actor_name, event.reason) == ("bob", "Confirmed on site: Read from the display")


def test_assigned_to_a_person_and_found_by_them(ann, spikes):
    answer = ann.post(f"{PAGE}?q=ALFA", {"action": "ASSIGN", "pick": [spikes[0].pk],
                                         "person": "ann"})  # fmt: skip
    assert "Now with ann." in text(answer)
    assert answer.context["back"] == f"{PAGE}?q=ALFA"
    assert shown(ann.get(PAGE, {"assigned": "ann"})) == {spikes[0].pk}
    assert spikes[0].pk not in shown(ann.get(PAGE, {"assigned": "-"}))
    again = ann.post(PAGE, {"action": "ASSIGN", "pick": [spikes[0].pk], "person": "ann"})
    assert "Was with ann already." in text(again)
    validate_days([spikes[0].channel_id], START.date(), START.date(), now=NOW, actor=ACTOR)
    spikes[0].refresh_from_db()
    assert spikes[0].assigned_to == "ann"
    ann.post(PAGE, {"action": "ASSIGN", "pick": [spikes[0].pk], "person": ""})
    spikes[0].refresh_from_db()
    assert spikes[0].assigned_to == ""


def test_only_those_who_decide_can_be_given_work(spikes):
    person("eve", "viewer")
    for name in ("eve", "nobody-of-this-name"):
        with pytest.raises(Refused, match=f"'{name}' cannot decide exceptions"):
            assign_findings([spikes[0].pk], name, actor=person("bob"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pick": []}, "Choose at least one exception"),
        ({"pick": list(range(1, 102))}, "101 exceptions are too many at once"),
        ({"comment": "short"}, "at least 10 characters"),
        ({"reason_code": ""}, "Choose a reason"),
        ({"action": "FORGET"}, "Assign, accept or judge again what is chosen"),
    ],
)
def test_what_the_form_of_many_refuses(ann, spikes, change, message):
    answer = ann.post(PAGE, {"action": "ACCEPT", "pick": keys(spikes), **SAID} | change)
    assert answer.status_code == 400
    assert message in text(answer)
    assert states(spikes) == ["OPEN"] * 3


def test_what_was_chosen_stays_chosen_after_a_refusal(ann, spikes):
    said = {
        "action": "ACCEPT",
        "pick": keys(spikes[:1]),
        "reason_code": "",
        "comment": "Long enough",
    }
    page = text(ann.post(PAGE, said))
    assert page.count(" checked>") == 1
    assert 'value="Long enough"' in page


def test_filters_of_rule_effect_and_age(ann, spikes):
    assert shown(ann.get(PAGE, {"rule": "V13"})) == set(keys(spikes))
    assert shown(ann.get(PAGE, {"rule": "V01"})) == set()
    Finding.objects.filter(pk=spikes[0].pk).update(severity="HOLD")
    Finding.objects.exclude(pk=spikes[0].pk).update(severity="WARN")
    everything = shown(ann.get(PAGE))
    holding, free = (shown(ann.get(PAGE, {"holds": asked})) for asked in ("yes", "no"))
    assert holding == {spikes[0].pk}
    assert holding | free == everything
    assert not holding & free
    Finding.objects.update(created_at=now() - timedelta(hours=30))
    assert shown(ann.get(PAGE, {"age": "1"})) == everything
    assert shown(ann.get(PAGE, {"age": "7"})) == set()
    assert ann.get(PAGE, {"age": "x"}).status_code == 404


def test_a_viewer_sees_no_form_and_may_not_decide(client, spikes):
    client.force_login(get_user_model().objects.create_user("eve", role="viewer"))
    page = text(client.get(PAGE))
    assert 'name="pick"' not in page
    assert 'id="bulk"' not in page
    said = {"action": "ACCEPT", "pick": keys(spikes), **SAID}
    assert client.post(PAGE, said).status_code == 403
    assert states(spikes) == ["OPEN"] * 3


def test_queries_do_not_grow_with_what_is_chosen_to_assign(
    ann, spikes, django_assert_max_num_queries
):
    ann.get(reverse("office-findings"))
    with django_assert_max_num_queries(14 + 5 * len(spikes)):
        ann.post(PAGE, {"action": "ASSIGN", "pick": keys(spikes), "person": "ann"})


@pytest.mark.parametrize(("role", "offered"), [("analyst", True), ("administrator", False)])
def test_mine_is_offered_to_those_whom_an_exception_can_be_with(client, role, offered):
    client.force_login(get_user_model().objects.create_user("ann", role=role))
    assert ("?assigned=ann" in client.get(PAGE).content.decode()) == offered
    assert client.get(f"{PAGE}?assigned=ann").status_code == (200 if offered else 404)


def test_the_chosen_list_stays_on_the_way_through_its_exceptions(ann, spikes):
    alfa, bravo, charlie = spikes
    chosen = f"?channels={alfa.channel_id},{charlie.channel_id}&rule=V13&page=1"
    tail = f"?channels={alfa.channel_id}%2C{charlie.channel_id}&rule=V13"
    page = text(ann.get(PAGE + chosen)).replace("&amp;", "&")
    assert f'href="{PAGE}{alfa.pk}/{tail}"' in page
    shown = text(ann.get(f"{PAGE}{alfa.pk}/{tail}")).replace("&amp;", "&")
    assert "2 left" in shown
    assert f'href="{PAGE}{charlie.pk}/{tail}" data-key="j"' in shown
    assert f"{PAGE}{bravo.pk}/" not in shown
    asked = {"action": "ACCEPT", "then": "next", **SAID}
    done = ann.post(f"{PAGE}{alfa.pk}/{tail}", asked)
    assert done["Location"] == f"{PAGE}{charlie.pk}/{tail}"
    last = ann.post(done["Location"], asked)
    assert last["Location"] == f"{PAGE}{charlie.pk}/{tail}"
    assert "Nothing of this list is left" in text(ann.get(last["Location"]))
    assert "Nothing of this list is left" not in text(ann.get(f"{PAGE}{charlie.pk}/"))


def test_an_edit_goes_on_in_the_chosen_list(ann, spikes):
    alfa, _bravo, charlie = spikes
    tail = f"rule=V13&channels={alfa.channel_id}%2C{charlie.channel_id}"
    page = text(ann.get(f"{PAGE}{alfa.pk}/?{tail}"))
    assert f'name="list" value="{tail.replace("&", "&amp;")}"' in page
    order = {
        "start": "2026-03-03 12:00",
        "end": "2026-03-03 12:15",
        "action": "ADD",
        "operand": "-1",
        "finding": alfa.pk,
        "list": tail,
    }
    edit = reverse("office-edit", args=[alfa.channel.code])
    preview = ann.post(edit, order)
    assert tail.replace("&", "&amp;") in text(preview)
    digest = preview.context["preview"].digest
    done = ann.post(edit, order | {"step": "store", "digest": digest, **SAID})
    assert done["Location"] == f"{PAGE}{charlie.pk}/?{tail}"


def test_a_list_that_is_not_known_is_not_found(ann, spikes):
    assert ann.get(f"{PAGE}{spikes[0].pk}/?colour=red").status_code == 404
