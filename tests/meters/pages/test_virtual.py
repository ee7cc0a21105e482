"""Pages of virtual channels: list, detail, defining with words at the field, refused edits."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from meters.models import VirtualDefinition
from poweroptix.jobs.services import drain
from tests.meters.builders import NOW
from tests.meters.virtual.makers import DAY, SINCE, defined, metered, values, virtual

pytestmark = pytest.mark.django_db
PAGE_QUERIES, LIST_QUERIES = 34, 17


@pytest.fixture
def ann(client):
    client.force_login(get_user_model().objects.create_user("ann", role="operator"))
    return client


@pytest.fixture
def net():
    metered("G/KWH", ["12500"] * 96)
    metered("A/KWH", ["640"] * 96)
    channel = virtual("NET/KWH")
    defined(channel, "max(0, [G/KWH] - [A/KWH])")
    return channel


def address(channel, name="office-virtual"):
    return reverse(name, args=[channel.code])


def test_an_empty_list_says_what_to_do(ann):
    said = ann.get(reverse("office-virtuals")).content.decode()
    assert "No virtual channel yet" in said
    assert "/admin/meters/channel/add/?kind=VIRTUAL" in said


def test_the_list_is_searched_filtered_and_handed_out(ann, net):
    other = virtual("IDLE/KWH")
    page = reverse("office-virtuals")
    said = ann.get(page).content.decode()
    assert "max(0, [G/KWH] - [A/KWH])" in said
    assert "not defined now" in said
    assert [row["row"] for row in ann.get(page, {"q": "G/KWH"}).context["shown"]] == [net]
    shown = ann.get(page, {"method": "LINE"}).context["shown"]
    assert [row["row"] for row in shown] == []
    lines = ann.get(page, {"export": "csv", "sort": "-code"}).content.decode().splitlines()
    assert lines[1].startswith(net.code)
    assert lines[2].startswith(other.code)


def test_a_channel_shows_its_rule_filled_in_and_leads_to_its_terms(ann, net):
    said = ann.get(address(net), {"at": "2026-03-10T02:00"}).content.decode()
    assert "max(0, 12500 - 640)" in said
    assert "file.csv, line 10" in said
    assert reverse("office-channel", args=["G/KWH"]) in said
    assert "edit those of a term" in said


def test_a_page_asks_a_bounded_number_of_questions(ann, net):
    for number in range(3):
        defined(net, f"{number + 2} * [G/KWH]", since=DAY + timedelta(hours=number))
    ann.get(address(net))
    with CaptureQueriesContext(connection) as captured:
        assert ann.get(address(net)).status_code == 200
    assert len(captured) <= PAGE_QUERIES, len(captured)


def test_a_longer_list_asks_no_more_questions(ann, net):
    ann.get(reverse("office-virtuals"))
    counts = []
    for number in range(3):
        defined(virtual(f"V{number}"), f"{number + 2} * [G/KWH]", compute=False)
        with CaptureQueriesContext(connection) as captured:
            assert ann.get(reverse("office-virtuals")).status_code == 200
        counts.append(len(captured))
    VirtualDefinition.objects.update(computed_at=NOW)
    assert counts[0] == counts[2] <= LIST_QUERIES


def order(**more):
    return {"action": "define", "from": "2026-01-01T00:00", "method": "FORMULA"} | more


def test_a_definition_is_given_on_the_page(ann, net):
    answer = ann.post(
        address(net), order(expression="[G/KWH] - 2 * [A/KWH]", comment="Two of them")
    )
    assert answer.status_code == 302
    drain(60)
    assert values(net) == ["11220"] * 4
    rows = VirtualDefinition.objects.filter(channel=net)
    assert [row.is_live for row in rows.order_by("pk")] == [False, True]
    said = ann.get(address(net)).content.decode()
    assert "Withdrawn by" in said
    assert "Two of them" in said


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"expression": "[G/KWH] - [NOPE]"}, "There is no channel"),
        ({"expression": "[NET/KWH]"}, "cannot rest on itself"),
        ({"expression": "[G/KWH]", "from": "then"}, "is not a time"),
        ({"expression": "[G/KWH]", "action": "shout"}, "Define the channel"),
        ({"method": "LOSS_FACTOR", "LOSS_FACTOR.loss_ratio": "x", "metered": "G/KWH"},
         "loss_ratio"),
        ({"action": "end", "definition": "0"}, ""),
        ({"action": "withdraw", "definition": "x"}, ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words_and_what_was_written_stays(ann, net, said, words):
    answer = ann.post(address(net), order(**said))
    assert answer.status_code in (400, 404)
    assert words in answer.content.decode()
    if "expression" in said and said.get("action") is None:
        assert said["expression"] in answer.content.decode()


def test_terms_and_faults_are_listed_while_writing(ann, net):
    check = address(net, "office-virtual-check")
    said = ann.post(check, order(expression="[G/KWH] - [NOPE]")).content.decode()
    assert "Active energy, kWh, 15 min" in said
    assert "there is no such channel" in said
    good = ann.post(check, order(expression="[G/KWH]")).content.decode()
    assert "This can be stored. It holds until further notice." in good
    assert "cannot be read" in ann.post(check, order(expression="[G/KWH] -")).content.decode()


def test_a_definition_is_ended_and_withdrawn_with_a_reason(ann, net):
    row = net.definitions.get()
    short = {"action": "withdraw", "definition": row.pk, "reason": "no"}
    assert "at least 10 characters" in ann.post(address(net), short).content.decode()
    end = {"action": "end", "definition": row.pk, "until": "2026-03-10T12:00",
           "reason": "The feeder was removed."}  # fmt: skip
    assert ann.post(address(net), end).status_code == 302
    drain(60)
    assert values(net, DAY + timedelta(hours=12)) == [None] * 4
    gone = {"action": "withdraw", "definition": row.pk, "reason": "It was never so."}
    assert ann.post(address(net), gone).status_code == 302
    row.refresh_from_db()
    assert row.withdrawn_reason == "It was never so."
    assert row.valid.lower == SINCE


def test_a_viewer_looks_and_does_not_define(client, net):
    client.force_login(get_user_model().objects.create_user("vera", role="viewer"))
    said = client.get(address(net)).content.decode()
    assert "Define anew" not in said
    assert client.post(address(net), order(expression="[G/KWH]")).status_code == 403


def test_the_page_of_the_channel_shows_the_rule_and_no_way_to_edit(ann, net):
    at = {"at": "2026-03-10T02:00:00Z", "day": "2026-03-10", "month": "2026-03"}
    said = ann.get(reverse("office-channel", args=[net.code]), at).content.decode()
    assert "Computed: <code>max(0, [G/KWH] - [A/KWH])</code>" in said
    assert "max(0, 12500 - 640)" in said
    assert "file.csv, line 10" in said
    edit = reverse("office-edit", args=[net.code])
    assert edit not in said
    refused = ann.get(edit, {"start": "2026-03-10T02:00:00Z", "end": "2026-03-10T03:00:00Z"})
    assert refused.status_code == 400
    assert "edit the readings of A/KWH, G/KWH." in refused.content.decode()


def test_a_finding_of_an_expression_leads_to_its_terms(ann):
    metered("A/KWH", ["0"] * 4)
    share = virtual("SHARE/KWH")
    defined(share, "[A/KWH] * [A/KWH] / [A/KWH]")
    said = ann.get(reverse("office-finding", args=[share.findings.get().pk])).content.decode()
    assert "No value of an expression (VIRTUAL)" in said
    assert "follows its terms: edit the readings of A/KWH." in said
    assert 'value="ACCEPT"' not in said
    assert "division by zero" in ann.get(address(share)).content.decode()
