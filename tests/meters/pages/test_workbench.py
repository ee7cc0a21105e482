"""The workbench, edits with preview, the second person, and versions, through their pages."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from meters.models import Edit, EditProposal, Finding
from meters.queries import final_series, trace
from meters.services import validate_days
from meters.validation import rules
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)
NOON = START + timedelta(hours=12)
DAY = date(2026, 3, 3)
SAID = {"reason_code": "FIELD_VISIT", "comment": "Read from the display"}


@pytest.fixture
def channel():
    made = make_channel(installed_from=None)
    builders.install(made, builders.LONG_AGO, None, Decimal(400))
    builders.ingest(long_csv(made.code, START, ["10"] * 48 + ["90"] + ["10"] * 47))
    validate_days([made.pk], DAY, DAY, now=NOW, actor=ACTOR)
    return made


@pytest.fixture
def finding(channel):
    return Finding.objects.get(rule_code="V13")


def enter(client, name, role="analyst"):
    users = get_user_model().objects
    user = users.filter(username=name).first() or users.create_user(name, role=role)
    client.force_login(user)
    return client


@pytest.fixture
def ann(client):
    return enter(client, "ann")


def text(answer):
    return " ".join(answer.content.decode().split()).replace("−", "-")


def asked(channel, action="SET", operand="", **more):
    end = NOON + timedelta(minutes=15)
    return {"start": NOON.isoformat(), "end": end.isoformat(), "action": action,
            "operand": operand} | more  # fmt: skip


def url(channel):
    return reverse("office-edit", args=[channel.code])


def test_no_reason_is_chosen_for_the_person(ann, finding):
    page = text(ann.get(reverse("office-finding", args=[finding.pk])))
    assert '<option value="">Choose what you know…</option>' in page
    assert 'value="METER_FAULT" selected' not in page
    said = {"action": "ACCEPT", "comment": "Long enough to count", "reason_code": ""}
    answer = ann.post(reverse("office-finding", args=[finding.pk]), said)
    assert answer.status_code == 400
    assert "Choose a reason: what do you know of this reading" in text(answer)
    finding.refresh_from_db()
    assert finding.state == "OPEN"


def test_accepted_with_a_reason_in_words(ann, finding):
    page = reverse("office-finding", args=[finding.pk])
    assert ann.post(page, {"action": "ACCEPT", **SAID}).status_code == 302
    finding.refresh_from_db()
    assert finding.reason == "Confirmed on site: Read from the display"
    assert "ann" in text(ann.get(page))
    assert "user:ann" not in text(ann.get(page))


def test_only_what_speaks_for_a_reading_is_a_reason_to_accept_it(ann, finding):
    page = reverse("office-finding", args=[finding.pk])
    shown = text(ann.get(page))
    form = shown[shown.index('id="accept-reason"') :]
    form = form[: form.index("</select>")]
    assert ">The other meter is faulty</option>" in form
    assert ">Meter faulty</option>" not in form
    said = {"action": "ACCEPT", "reason_code": "METER_FAULT", "comment": "Long enough to count"}
    answer = ann.post(page, said)
    assert answer.status_code == 400
    assert "There is no reason &#x27;METER_FAULT&#x27; here; known: ACTUAL_LOAD" in text(answer)


def test_a_decided_exception_shows_its_decision_and_the_form_on_demand(ann, finding):
    page = reverse("office-finding", args=[finding.pk])
    assert "<h2>Decide</h2>" in text(ann.get(page))
    ann.post(page, {"action": "ACCEPT", **SAID})
    shown = text(ann.get(page))
    assert "<h2>Decided</h2><p>Accepted as read by ann, " in shown
    assert shown.count("Confirmed on site: Read from the display") == 1
    assert "<h2>Decide</h2>" not in shown
    assert '<details class="card"><summary>Decide again</summary>' in shown
    late = ann.post(page, {"action": "ACCEPT", "seen_state": "OPEN", **SAID})
    assert late.status_code == 409
    assert "already Accepted as read by ann" in text(late)
    assert '<details class="card" open><summary>Decide again</summary>' in text(late)
    viewer = text(enter(ann, "eve", "viewer").get(page))
    assert "Accepted as read by ann" in viewer
    assert "Decide again" not in viewer


def test_workbench_names_keys_and_stays_bounded(ann, finding, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        page = text(ann.get(reverse("office-finding", args=[finding.pk])))
    for key in ('data-key="a"', 'data-key="e"', 'data-key="?"'):
        assert page.count(key) == 1
    assert "of the local day exceeds its third" in page
    assert "2026-03-03 12:00 CST" in page


def test_the_metric_is_said_with_what_it_counts_and_its_unit(ann, finding):
    page = text(ann.get(reverse("office-finding", args=[finding.pk])))
    # 36,000 kWh beside a third highest of 4,000 kWh: 8 times that above it.
    assert "<dt>Above the third highest of the day</dt><dd>8 times it</dd>" in page
    assert "<dt>Limit</dt><dd>1.8 times it</dd>" in page
    assert "<dt>Metric</dt>" not in page
    chart = ann.get(reverse("office-finding-series", args=[finding.pk])).json()
    assert (chart["unit"], chart["also"]) == ("kW", {"unit": "kWh per 15 min", "factor": 0.25})


def test_every_rule_says_what_its_metric_is():
    rules.discover()
    unsaid = {rule.code for _key, rule in rules.items() if not rule.measures}
    assert unsaid == {"V06", "V09"}  # their findings have no metric


def test_chart_has_final_received_and_the_weeks_before(ann, finding):
    series = ann.get(reverse("office-finding-series", args=[finding.pk])).json()["series"]
    assert [(one["name"], one["style"]) for one in series] == [
        ("final", "final"),
        ("as received × multiplier", "raw"),
        ("a week before", "context"),
        ("2 weeks before", "context"),
    ]
    # The day around begins 24 h earlier: 10 kWh x 400 in a quarter of an hour is 16,000 kW.
    assert series[0]["v"][48] == series[1]["v"][48] == 16000
    assert series[2]["v"][48] is None


def test_preview_shows_totals_then_the_edit_is_stored(ann, channel, finding):
    preview = ann.post(url(channel), asked(channel, "ADD", "-1"))
    page = text(preview)
    assert preview.status_code == 200
    for figure in ("36,000.000", "35,999.000", "-1.000", "144,000.000"):
        assert figure in page
    assert not Edit.objects.exists()
    digest = preview.context["preview"].digest
    series = ann.get(
        reverse("office-edit-series", args=[channel.code]), asked(channel, "ADD", "-1")
    )
    assert [one["name"] for one in series.json()["series"]] == ["after", "before"]
    done = ann.post(
        url(channel),
        asked(channel, "ADD", "-1", step="store", digest=digest, finding=finding.pk, **SAID),
    )
    assert done["Location"] == reverse("office-finding", args=[finding.pk])
    assert Edit.objects.get().after_total == Decimal(35999)
    stale = ann.post(url(channel), asked(channel, "ADD", "-1", step="store", digest=digest, **SAID))
    assert stale.status_code == 400
    assert "changed since this preview was made" in text(stale)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": ""}, "Choose what to do with the readings"),
        ({"operand": "many"}, "is not a plain number"),
        ({"step": "store", "operand": "-1", "action": "ADD", "comment": "Long enough"},
         "Choose a reason"),
    ],
)  # fmt: skip
def test_what_the_form_refuses(ann, channel, change, message):
    answer = ann.post(url(channel), asked(channel) | change)
    assert answer.status_code == 400
    assert message in text(answer)


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"start": "tomorrow"}, "start",
         "From: &#x27;tomorrow&#x27; is not a time; write it as 2026-03-14 10:15"),
        ({"end": "2026-03-03 12:20"}, "end",
         "To: 2026-03-03 12:20 CST lies inside an interval of 15 minutes, "
         "2026-03-03 12:15 to 12:30 CST; write one of its ends."),
        ({"end": "2026-03-03 11:00"}, "end", "the end of the range is not after its start"),
        ({"start": "2026-03-08 02:30"}, "start", "the clock jumps over it"),
        ({"start": "2026-13-08 02:30"}, "start", "is not a time"),
        ({"start": "1066-10-14 09:00"}, "start", "is not a time from 1990"),
        ({"start": "2026-03-03 12:00 CDT"}, "start", "leave out CDT"),
    ],
)  # fmt: skip
def test_a_wrong_time_is_said_at_its_field_and_nothing_typed_is_lost(
    ann, channel, change, field, message
):
    answer = ann.post(url(channel), asked(channel, "SET", "1250.5") | change)
    page = text(answer)
    assert answer.status_code == 400
    start = page.index(f'id="{field}-error"')
    assert message in page[start : page.index("</p>", start)]
    assert f'aria-describedby="{field}-error"' in page
    assert f'value="{change[field]}"' in page
    assert 'value="1250.5"' in page
    assert '<option value="SET" data-needed="number" selected>' in page


def test_an_edit_takes_the_local_time_that_pages_show(ann, finding, channel):
    page = text(ann.get(reverse("office-finding", args=[finding.pk])))
    assert 'name="start" size="22" value="2026-03-03 12:00 CST"' in page
    said = {"start": "2026-03-03 12:00 CST", "end": "2026-03-03 12:15"}
    preview = ann.post(url(channel), asked(channel, "ADD", "-1") | said)
    assert preview.status_code == 200
    assert "35,999.000" in text(preview)


def test_empty_ranges_and_viewers_get_no_form(ann, channel):
    same = {"start": NOON.isoformat(), "end": NOON.isoformat()}
    assert ann.get(url(channel), same).status_code == 400
    viewer = enter(ann, "eve", "viewer")
    assert viewer.get(url(channel), asked(channel)).status_code == 403


def test_a_second_person_finds_and_confirms_the_edit(ann, client, channel, finding):
    preview = ann.post(url(channel), asked(channel, "SET", "4000"))
    assert "Propose to a second person" in text(preview)
    digest = preview.context["preview"].digest
    sent = ann.post(
        url(channel), asked(channel, "SET", "4000", step="propose", digest=digest, **SAID)
    )
    proposal = EditProposal.objects.get()
    page = reverse("office-proposal", args=[proposal.pk])
    assert sent["Location"] == page
    assert "You proposed this edit" in text(ann.get(page))
    assert "You proposed this edit" in text(ann.post(page, {"action": "confirm"}))
    assert not Edit.objects.exists()
    bob = enter(client, "bob")
    assert "1 edit to confirm" in text(bob.get(reverse("office-findings")))
    assert "1 edit to confirm" in text(bob.get(reverse("office-finding", args=[finding.pk])))
    assert "waits for a second person" in text(
        bob.get(reverse("office-finding", args=[finding.pk]))
    )
    assert channel.code in text(bob.get(reverse("office-proposals")))
    names = [s["name"] for s in bob.get(reverse("office-proposal-series", args=[proposal.pk]))
             .json()["series"]]  # fmt: skip
    assert names == ["after", "before"]
    assert "-32,000.000" in text(bob.get(page))
    assert bob.post(page, {"action": "confirm"}).status_code == 302
    assert final_series(channel.pk, NOON, NOON + timedelta(minutes=15))[0].total() == 4000
    day = text(bob.get(reverse("office-history", args=[channel.code]), {"day": "2026-03-03"}))
    assert "ann, confirmed by bob" in day
    decided = text(bob.get(reverse("office-finding", args=[finding.pk])))
    assert "proposed by ann, confirmed by bob" in decided
    shown = text(bob.get(page))
    assert "Confirmed by" in shown
    assert "user:" not in shown
    assert "already confirmed by bob" in text(bob.post(page, {"action": "reject", "reason":
                                                              "Changed my mind"}))  # fmt: skip


def test_a_proposal_on_changed_readings_says_so(ann, client, channel):
    ann.post(url(channel), asked(channel, "SET", "4000", step="propose", **SAID))
    page = reverse("office-proposal", args=[EditProposal.objects.get().pk])
    ann.post(url(channel), asked(channel, "ADD", "-1", step="store", **SAID))
    bob = enter(client, "bob")
    assert "The readings changed since this was proposed" in text(bob.get(page))
    refused = bob.post(page, {"action": "confirm"})
    assert refused.status_code == 409
    assert "Reject it with that reason" in text(refused)
    bob.post(page, {"action": "reject", "reason": "The readings changed"})
    assert EditProposal.objects.get().state == "REJECTED"


def test_versions_of_a_day_are_compared(ann, channel):
    ann.post(url(channel), asked(channel, "ADD", "-1", step="store", **SAID))
    page = text(ann.get(reverse("office-history", args=[channel.code]), {"day": "2026-03-03"}))
    assert "Confirmed on site: Read from the display" in page
    assert "file.csv</a>, lines 2 to 97" in page
    for figure in ("36,000", "35,999", "-1.000 kWh", "? → M"):
        assert figure in page


def test_an_estimate_is_explained_in_local_time(ann):
    made = make_channel("TEN-BRAVO/DEL_KWH")
    later = long_csv(made.code, NOON + timedelta(minutes=30), ["10"] * 46).split("\n", 1)[1]
    builders.ingest(long_csv(made.code, START, ["10"] * 48) + later)
    validate_days([made.pk], DAY, DAY, now=NOW, actor=ACTOR)
    gap = Finding.objects.get(rule_code="V01")
    page = text(ann.get(reverse("office-finding", args=[gap.pk])))
    assert "<dt>from</dt><dd>2026-03-03 12:00 CST</dd>" in page
    assert "<dt>values</dt><dd>10.000, 10.000</dd>" in page
    assert "+00:00&#x27;" not in page
    assert "Accept as read" not in page


def test_reading_trace_and_receipt_print_the_multiplier(ann, channel):
    found = trace(channel.pk, NOON).multiplication
    assert (found["raw"], found["multiplier"], found["product"]) == (90, 400, 36000)
    page = text(ann.get(reverse("office-channel", args=[channel.code]), {"at": NOON.isoformat()}))
    assert "raw 90 × multiplier 400 = 36,000.000 kWh" in page
    assert f"meter {found['meter']}, since" in page
    file = trace(channel.pk, NOON).versions[-1].import_file
    receipt = text(ann.get(reverse("office-import", args=[file.pk])))
    assert "1,040.000" in receipt
    assert "× 400 = 416,000.000" in receipt
    assert "2026-03-03 00:00 CST" in receipt


def test_a_receipt_over_a_meter_exchange_names_both_multipliers(ann):
    channel = make_channel("TEN-BRAVO/DEL_KWH", installed_from=None)
    builders.install(channel, builders.LONG_AGO, NOON)
    builders.install(channel, NOON, None, Decimal(400))
    receipt = builders.ingest(long_csv(channel.code, START, ["10"] * 96))
    page = text(ann.get(reverse("office-import", args=[receipt["file"]])))
    assert f"changes: {channel.code}-199001010000 × 1, " in page
