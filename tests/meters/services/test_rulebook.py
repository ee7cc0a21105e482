"""Who sets the parameters of a rule: house, campus, rule sets, channel; each from a day on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from meters.models import Finding, RuleSet, RuleSetting, RuleSetUse, Source
from meters.services import validate_days
from meters.services.judging.rulebook import Settings
from meters.services.judging.subjects import subjects_of
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_campus, make_channel

pytestmark = pytest.mark.django_db
OLD, NEW = date(2026, 1, 1), date(2026, 3, 10)
SPIKE = "spike@1"


def setting(threshold, day=OLD, **owner):
    return RuleSetting.objects.create(
        rule_key=SPIKE, parameters={"threshold": threshold}, effective_from=day, **owner
    )


def steady(threshold="0.3", day=OLD):
    rule_set = RuleSet.objects.create(code="steady", name="Steady load")
    setting(threshold, day, rule_set=rule_set)
    return rule_set


def threshold_of(channel, day=NEW):
    subjects = subjects_of([channel.pk])
    book = Settings(subjects.values()).book(subjects[channel.pk], day)
    return {key: given for key, _, given in book.rules}[SPIKE].threshold


def test_each_owner_counts_above_the_one_before():
    channel = make_channel()
    assert threshold_of(channel) == Decimal("1.8")
    setting("1.7")
    assert threshold_of(channel) == Decimal("1.7")
    setting("1.6", campus=make_campus())
    assert threshold_of(channel) == Decimal("1.6")
    rule_set = steady()
    assert threshold_of(channel) == Decimal("1.6")  # nobody uses the set
    RuleSetUse.objects.create(
        rule_set=rule_set, delivery_point=channel.delivery_point, effective_from=OLD
    )
    assert threshold_of(channel) == Decimal("0.3")
    setting("1.4", channel=channel)
    assert threshold_of(channel) == Decimal("1.4")


def test_a_set_of_a_source_holds_for_the_channels_that_it_delivers():
    channel, other = make_channel(), make_channel("TEN-BRAVO/DEL_KWH")
    source = Source.objects.create(code="ami", name="AMI", kind="push@1")
    channel.source = source
    channel.save()
    RuleSetUse.objects.create(rule_set=steady(), source=source, effective_from=OLD)
    assert (threshold_of(channel), threshold_of(other)) == (Decimal("0.3"), Decimal("1.8"))


def test_a_use_begins_on_its_day_and_ends_with_the_next_one():
    channel = make_channel()
    rule_set = steady()
    owner = {"delivery_point": channel.delivery_point}
    RuleSetUse.objects.create(rule_set=rule_set, effective_from=date(2026, 3, 1), **owner)
    RuleSetUse.objects.create(rule_set=None, effective_from=NEW, **owner)
    found = [threshold_of(channel, date(2026, 2, 28)), threshold_of(channel, date(2026, 3, 1)),
             threshold_of(channel, date(2026, 3, 9)), threshold_of(channel, NEW)]  # fmt: skip
    assert found == [Decimal("1.8"), Decimal("0.3"), Decimal("0.3"), Decimal("1.8")]


def test_an_old_month_is_judged_again_by_the_parameters_of_its_days():
    channel = make_channel()
    rule_set = steady(day=date(2026, 3, 4))
    RuleSetUse.objects.create(
        rule_set=rule_set, delivery_point=channel.delivery_point, effective_from=OLD
    )
    day = [f"{100 + i % 7}" for i in range(96)]
    day[40] = "150"  # 0.4 above the third highest: passes 1.8, fails 0.3
    start = datetime(2026, 3, 3, 6, tzinfo=UTC)
    builders.ingest(long_csv(channel.code, start, day * 2))
    for _ in range(2):
        validate_days([channel.pk], date(2026, 3, 3), date(2026, 3, 4), now=NOW_LATER, actor=ACTOR)
        (spike,) = Finding.objects.filter(rule_code="V13", state="OPEN")
        assert spike.start_utc == start + timedelta(days=1, hours=10)


NOW_LATER = NOW + timedelta(days=1)


def test_a_use_names_one_owner_and_a_setting_too():
    channel, rule_set = make_channel(), steady()
    with pytest.raises(IntegrityError, match="rule_set_use_one_owner"), transaction.atomic():
        RuleSetUse.objects.create(rule_set=rule_set, effective_from=OLD)
    with pytest.raises(ValidationError, match="Name a campus, a rule set or a channel"):
        RuleSetting(
            rule_set=rule_set, channel=channel, rule_key=SPIKE, effective_from=NEW
        ).full_clean()


def test_two_queries_however_many_channels(django_assert_num_queries):
    subjects = subjects_of([make_channel(f"C{n}/KWH").pk for n in range(20)])
    with django_assert_num_queries(2):
        settings = Settings(subjects.values())
        assert len({settings.book(s, NEW).digest for s in subjects.values()}) == 1
