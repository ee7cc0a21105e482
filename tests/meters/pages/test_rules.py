"""The rules of a channel as a page: state, parameters, who set them, what is lacking."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from meters.models import RuleSet, RuleSetting, RuleSetUse
from meters.services import validate_days
from poweroptix.audit.services import record
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)
DAY = date(2026, 3, 3)


def page(client, channel, role="analyst", **asked):
    user = get_user_model().objects.create_user(username=f"{role}-1", role=role, is_staff=True)
    client.force_login(user)
    return client.get(reverse("office-rules", args=[channel.code]), asked)


@pytest.fixture
def channel():
    """Return a channel with a spike on its only day."""
    made = make_channel()
    values = [f"{100 + i % 7}" for i in range(96)]
    values[40] = "400"
    builders.ingest(long_csv(made.code, START, values))
    validate_days([made.pk], DAY, DAY, now=NOW, actor=ACTOR)
    return made


def rows(response):
    return {row.code: row for _, found in response.context["stages"] for row, _tone in found}


def test_every_rule_says_at_one_look_why_it_did_or_did_not_judge(client, channel):
    response = page(client, channel)
    assert response.status_code == 200
    found = rows(response)
    assert (found["V13"].state, found["V13"].open_count) == ("judges", 1)
    assert found["V13"].last.start_utc.hour == 16
    assert (found["V11"].state, found["V11"].why) == (
        "lacks", "a capacity of the point or a high limit of the channel",
    )  # fmt: skip
    assert found["V21"].state == "lacks"
    assert "check" in found["V21"].why
    assert (found["V05"].state, found["V05"].why) == ("off", "off by default")
    text = response.content.decode()
    assert "As they stood on" in text
    assert "nobody: as the rule comes" in text


def test_who_set_parameters_and_since_when(client, channel):
    steady = RuleSet.objects.create(code="steady", name="Steady load")
    RuleSetting.objects.create(
        rule_set=steady, rule_key="spike@1", parameters={"threshold": "0.3"},
        effective_from=date(2026, 2, 1),
    )  # fmt: skip
    RuleSetUse.objects.create(
        rule_set=steady, delivery_point=channel.delivery_point, effective_from=date(2026, 1, 5)
    )
    RuleSetting.objects.create(
        channel=channel, rule_key="zero_run@1", parameters={"enabled": False},
        effective_from=date(2026, 1, 1),
    )  # fmt: skip
    response = page(client, channel)
    found = rows(response)
    assert found["V13"].set_by == "rule set Steady load, in use for its point since 2026-01-05"
    assert found["V13"].since == date(2026, 2, 1)
    (changed,) = [each for each in found["V13"].parameters if not each.is_default]
    assert (changed.name, str(changed.value), str(changed.default)) == ("threshold", "0.3", "1.8")
    assert (found["V15"].state, found["V15"].why, found["V15"].set_by) == (
        "off", "switched off", "this channel",
    )  # fmt: skip
    assert "instead of 1.8 times" in response.content.decode()


def test_who_entered_the_parameters_is_named_and_values_are_in_words(client, channel):
    row = RuleSetting.objects.create(
        channel=channel, rule_key="stuck@1", parameters={"min_digits": 4},
        effective_from=date(2026, 1, 1),
    )  # fmt: skip
    record("portfolio.create", row, actor=builders.person("bob"))
    record("portfolio.update", row, actor=builders.person("carla"))
    text = " ".join(page(client, channel).content.decode().split())
    assert "since 2026-01-01, entered by carla</span>" in text
    assert '<strong>Min digits 4</strong> <span class="muted">instead of 5</span>' in text
    assert "Numbers of fewer digits, in the finest step of the source, are not judged" in text
    assert "Hold after 1,440 min" in text
    assert "Actions none" in text
    assert "All kinds no" in text
    assert "Min peak ratio" not in text
    assert re.search(r"Min load \d+(\.\d+)? %", text)
    for raw in ("{}", ">Share 0<", "False"):
        assert raw not in text


def test_one_state_alone(client, channel):
    response = page(client, channel, only="off")
    assert {row.state for row in rows(response).values()} == {"off"}


def test_only_who_configures_is_led_to_the_parameters(client, channel):
    assert "Set for this channel" not in page(client, channel).content.decode()
    text = page(client, channel, role="administrator").content.decode()
    assert "rule_key=spike%401" in text
    assert f"channel={channel.pk}" in text


def test_a_channel_that_nothing_was_judged_of_has_its_page(client):
    response = page(client, make_channel("NEW/KWH"))
    assert "nothing was judged yet" in response.content.decode()


def test_an_unknown_channel_is_not_found(client):
    made = make_channel("NEW/KWH")
    made.code = "NO/SUCH"
    assert page(client, made).status_code == 404


def test_queries_are_bounded(client, channel, django_assert_max_num_queries):
    page(client, channel)
    with django_assert_max_num_queries(45):
        client.get(reverse("office-rules", args=[channel.code]))
