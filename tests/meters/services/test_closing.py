"""The checks of a month as a whole: earlier months beside it, acceptances, the gate."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from meters.models import Channel, Finding, Installation, RuleSetting, VeeRun
from meters.services import accept_finding, close_checks, validate_days
from meters.services.judging.closing import past_period
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.series import Series
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel, person
from tests.meters.services.campus import read

pytestmark = pytest.mark.django_db
FEBRUARY = datetime(2026, 2, 1, 6, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, 6, tzinfo=UTC)


def hours(count, base):
    """Return hourly readings that change from one to the next."""
    return [f"{base + i % 11}" for i in range(count)]


def two_months(before=400, after=400):
    channel = make_channel(minutes=60)
    february, march = hours(28 * 24, before), hours(31 * 24 - 1, after)
    builders.ingest(long_csv(channel.code, FEBRUARY, february + march, minutes=60))
    days = (date(2026, 2, 1), date(2026, 3, 31))
    validate_days([channel.pk], *days, now=NOW, actor=ACTOR)
    return channel


def close(channel, label="2026-03"):
    return close_checks([channel.pk], label, now=NOW, actor=ACTOR)


def codes(channel, **which):
    rows = Finding.objects.filter(channel=channel, **which).exclude(state="CLOSED")
    return sorted(rows.values_list("rule_code", flat=True))


def test_a_month_like_the_one_before_raises_nothing_and_is_on_record():
    channel = two_months()
    assert close(channel).to_json() == {"period": "2026-03", "channels": 1, "findings": {}}
    run = VeeRun.objects.filter(channel=channel).first()
    assert (run.first_day, run.last_day) == (date(2026, 3, 1), date(2026, 3, 31))
    assert run.counts == {"closing": "2026-03", "findings": {}}


def test_more_than_twice_the_month_before_is_told_by_peak_and_by_usage():
    channel = two_months(after=1000)
    assert close(channel).findings == {"V18": 1, "V25": 1}
    usage = Finding.objects.get(rule_code="V25")
    assert (usage.start_utc, usage.end_utc) == (MARCH, datetime(2026, 4, 1, 5, tzinfo=UTC))
    assert usage.severity == "WARN"
    assert "2026-02" in usage.message


def test_days_judged_later_leave_the_findings_of_the_month_alone():
    channel = two_months(after=1000)
    close(channel)
    summary = validate_days(
        [channel.pk], date(2026, 3, 10), date(2026, 3, 10), now=NOW, actor=ACTOR
    )
    assert (summary.days, summary.blocks) == (1, 0)
    assert VeeRun.objects.first().first_day == date(2026, 3, 10)  # not widened to the month
    assert codes(channel) == ["V18", "V25"]


def test_nothing_used_in_service_holds_and_an_acceptance_stands_until_readings_change():
    channel = make_channel(minutes=60)
    RuleSetting.objects.create(
        rule_key="zero_run@1", parameters={"enabled": False}, effective_from=date(2020, 1, 1)
    )
    zeros = ["0"] * (31 * 24 - 1)
    builders.ingest(long_csv(channel.code, MARCH, zeros, minutes=60))
    days = (date(2026, 3, 1), date(2026, 3, 31))
    validate_days([channel.pk], *days, now=NOW, actor=ACTOR)
    close(channel)
    finding = Finding.objects.get(rule_code="V26")
    assert finding.severity == "HOLD"
    words = {"reason_code": "FIELD_VISIT", "comment": "The hall is empty."}
    accept_finding(finding, **words, actor=person("ann"), now=NOW)
    close(channel)
    finding.refresh_from_db()
    assert finding.state == "ACCEPTED"
    builders.ingest(long_csv(channel.code, MARCH, ["0", "3"], minutes=60), name="more.csv")
    validate_days([channel.pk], *days, now=NOW, actor=ACTOR)
    close(channel)
    finding.refresh_from_db()
    assert finding.state == "CLOSED"


def test_use_out_of_service_holds():
    channel = two_months()
    Channel.objects.filter(pk=channel.pk).update(is_active=False)
    close(channel)
    assert codes(channel, severity="HOLD") == ["V26"]


def test_a_month_that_is_not_over_is_refused():
    channel = two_months()
    with pytest.raises(Refused, match="2026-04 is not over in America/Chicago; it ends"):
        close(channel, "2026-04")


def test_totals_of_an_earlier_period_say_what_was_measured():
    grid = Grid(MARCH, 60, 4)
    series = Series.of(grid, [Decimal(1), Decimal(3), Decimal(2), None], "kWh")
    past = past_period("2026-02", series)
    assert (past.total, past.peak, past.hours) == (Decimal(6), Decimal(3), Decimal(3))
    assert past.valid_ratio == Decimal("0.75")
    assert past_period("2026-02", Series.absent(grid, "kWh")) is None


def test_queries_do_not_grow_with_the_channels(django_assert_max_num_queries):
    made = []
    for number in range(12):
        channel = make_channel(f"C{number}/KWH", minutes=60)
        builders.ingest(
            long_csv(channel.code, MARCH, hours(24, 400), minutes=60), name=channel.code
        )
        made.append(channel.pk)
    with django_assert_max_num_queries(45) as one:
        close_checks(made[:1], "2026-03", now=NOW, actor=ACTOR)
    with django_assert_max_num_queries(len(one.captured_queries) + 60):
        close_checks(made, "2026-03", now=NOW + timedelta(hours=1), actor=ACTOR)


def test_a_register_too_coarse_for_its_sum_check_is_told_when_the_month_closes():
    channel = two_months()
    Installation.objects.filter(channel=channel).update(ct_ratio=40)
    read(
        channel, (MARCH, "000000", "SCHEDULED"), (MARCH + timedelta(days=9), "000002", "SCHEDULED")
    )
    assert close(channel).findings == {"V20R": 1}
    (found,) = Finding.objects.filter(rule_code="V20R")
    assert (found.severity, found.metric) == ("WARN", Decimal(80))
    assert found.message.startswith("2 steps of the register are 80 kWh, above 0.5 % of an average")
    assert (found.start_utc, found.end_utc) == (MARCH, datetime(2026, 4, 1, 5, tzinfo=UTC))
