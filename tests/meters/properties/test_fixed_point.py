"""Judging comes to rest: a month judged twice is as it was, and estimates are doubted once."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from meters.models import Finding, ReadingBlock, RuleSetting
from meters.queries import final_series
from meters.services import accept_finding, validate_days
from meters.services.judging.judge import Judging
from poweroptix.kernel.period import Period
from poweroptix.kernel.quality import Status
from tests.meters import builders
from tests.meters.builders import ACTOR, long_csv, make_channel
from tests.meters.services.campus import LATER, read

pytestmark = pytest.mark.django_db
MONTH = Period.month("America/Chicago", "2026-03")  # 743 hours: the clock goes forward on the 8th
QUARTER = timedelta(minutes=15)


def restless(seed=7):
    """Return a month of a load with gaps, spikes, zeros, a stuck meter and one value too high."""
    chance = random.Random(seed)
    values = [Decimal(chance.randrange(90_000, 110_000)) / 1000 for _ in range(743 * 4)]
    values[200:204] = [None] * 4  # an hour
    values[700:760] = [None] * 60  # fifteen hours
    values[1000] = Decimal(400)  # a spike
    values[1500] = Decimal(9999)  # above the limit
    values[1700:1740] = [Decimal(0)] * 40
    values[2000:2012] = [Decimal("101.5")] * 12
    return values


def send(channel, values, name="month.csv"):
    lines = long_csv(channel.code, MONTH.start_utc, values).splitlines(keepends=True)
    kept = "".join(line for line in lines if ",None," not in line)
    return builders.ingest(kept, now=LATER, name=name)


def judge(channel, first=None, last=None):
    first, last = first or MONTH.first_date, last or MONTH.last_date
    return validate_days([channel.pk], first, last, now=LATER, actor=ACTOR)


def standing(channel):
    """Return all that a judgement leaves behind: readings, and findings with their state."""
    series = final_series(channel.pk, MONTH.start_utc, MONTH.end_utc)[0]
    findings = Finding.objects.filter(channel=channel).order_by("pk")
    told = [
        (f.pk, f.rule_code, f.severity, f.start_utc, f.end_utc, f.state, f.metric, f.message,
         f.worksheet)
        for f in findings
    ]  # fmt: skip
    return series.digest(), told, ReadingBlock.objects.filter(channel_id=channel.pk).count()


@pytest.fixture
def channel():
    made = make_channel("REST/KWH", capacity_kw=Decimal(2000))
    send(made, restless())
    read(made, (MONTH.start_utc, "000000.0", "SCHEDULED"), (MONTH.end_utc, "296500.0", "SCHEDULED"))
    return made


def test_a_month_judged_twice_is_as_it_was(channel):
    summary = judge(channel)
    assert summary.estimated >= 65
    before = standing(channel)
    codes = {told[1] for told in before[1]}
    assert {"V01", "V11", "V13", "V15", "V16"} <= codes, codes
    again = judge(channel)
    assert (again.blocks, again.followed) == (0, 0)
    assert standing(channel) == before


def test_a_month_judged_day_by_day_in_any_order_changes_nothing_either(channel):
    judge(channel)
    before = standing(channel)
    days = MONTH.days()
    random.Random(3).shuffle(days)
    for day in days[:8]:
        assert judge(channel, day, day).blocks == 0, day
    assert standing(channel) == before


def test_estimates_are_doubted_once_and_what_is_doubted_is_not_estimated_again(
    channel, monkeypatch
):
    asked = {"estimate": 0, "once_more": 0}

    def counting(name):
        real = getattr(Judging, name)

        def counted(self, *args):
            asked[name] += 1
            return real(self, *args)

        monkeypatch.setattr(Judging, name, counted)

    counting("estimate")
    counting("once_more")
    # What is estimated fails the same rule again: a limit below the load itself.
    RuleSetting.objects.create(
        rule_key="high_limit@1", parameters={"factor": "0.4"}, effective_from=date(2026, 1, 1),
        channel=channel,
    )  # fmt: skip
    judge(channel)
    assert asked == {"estimate": 1, "once_more": 1}


def test_an_acceptance_stands_until_the_value_changes_and_falls_when_it_does(channel):
    judge(channel)
    finding = Finding.objects.get(channel=channel, rule_code="V13")
    at = (finding.start_utc - MONTH.start_utc) // QUARTER
    accept_finding(
        finding, reason_code="ACTUAL_LOAD", comment="The tenant tested a chiller.", actor=ACTOR,
        now=LATER,
    )  # fmt: skip
    assert final_series(channel.pk, MONTH.start_utc, MONTH.end_utc)[0].status[at] == Status.VERIFIED
    rest = standing(channel)
    for _ in range(2):
        assert judge(channel).blocks == 0
    assert standing(channel) == rest

    elsewhere = restless()
    elsewhere[10] += 1  # another day of the same channel
    send(channel, elsewhere, "elsewhere.csv")
    judge(channel)
    finding.refresh_from_db()
    assert finding.state == "ACCEPTED"

    changed = list(elsewhere)
    changed[1000] = Decimal(420)
    send(channel, changed, "changed.csv")
    judge(channel)
    finding.refresh_from_db()
    assert (finding.state, finding.reason) == (
        "CLOSED", "The readings have changed since they were accepted.",
    )  # fmt: skip
    (opened,) = Finding.objects.filter(channel=channel, rule_code="V13", state="OPEN")
    assert opened.start_utc == finding.start_utc
    assert judge(channel).blocks == 0
