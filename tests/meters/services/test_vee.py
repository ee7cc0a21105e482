"""Raw readings become final ones; findings stay in step; people's decisions stand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from meters.models import Channel, Finding, GeneratingUnit, ReadingBlock, RuleSetting, VeeRun
from meters.queries import final_series, open_findings, trace
from meters.services import accept_finding, validate_days
from meters.services.publishing.followup import validate_receipt
from poweroptix.kernel.errors import Conflict, Forbidden, NotFoundError, Refused
from poweroptix.kernel.quality import Method, Status
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, install, long_csv, make_channel

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)  # local midnight in Chicago
DAY = date(2026, 3, 3)
FLAT = ["100"] * 96


def ingest_and_judge(channel, values, start=START, **more):
    receipt = builders.ingest(long_csv(channel.code, start, values), **more)
    return validate_receipt(receipt, now=NOW, actor=ACTOR)


def final(channel, start=START, hours=24):
    return final_series(channel.pk, start, start + timedelta(hours=hours))[0]


def with_gap(first, count):
    """Return rows of a flat day with a hole, as two files' worth of values."""
    return FLAT[:first], first + count, FLAT[first + count :]


def ingest_gap(channel, first, count):
    before, at, after = with_gap(first, count)
    builders.ingest(long_csv(channel.code, START, before))
    builders.ingest(long_csv(channel.code, START + timedelta(minutes=15 * at), after))
    return validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)


def test_clean_day_becomes_validated_once():
    channel = make_channel()
    (summary,) = ingest_and_judge(channel, FLAT)
    assert (summary.blocks, summary.estimated, summary.findings) == (2, 0, {})
    series = final(channel)
    assert (series.total(), series.worst_status) == (Decimal(9600), Status.VALIDATED)
    again = validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    assert again.blocks == 0
    assert VeeRun.objects.count() == 2
    assert trace(channel.pk, START).newest(2).raw_version == 1


def test_short_gap_is_interpolated_with_its_worksheet():
    channel = make_channel()
    summary = ingest_gap(channel, 40, 4)
    assert summary.estimated == 4
    series = final(channel)
    assert series.total() == Decimal(9600)
    assert series.status[40:44].tolist() == [Status.ESTIMATED] * 4
    finding = Finding.objects.get(rule_code="V01")
    assert (finding.state, finding.estimate_method) == ("ESTIMATED", "INTERPOLATE")
    assert (finding.metric, finding.threshold) == (Decimal(4), Decimal(0))
    assert finding.worksheet[0]["start_utc"] == "2026-03-03T16:00:00+00:00"
    assert trace(channel.pk, START + timedelta(hours=10)).newest(2).method == Method.INTERPOLATE


def check_of(channel, role="CHECK"):
    point = channel.delivery_point
    check = Channel.objects.create(
        delivery_point=point, code=f"{role}-{channel.code}", unit="kWh", minutes=15,
        direction="DELIVERED", quantity="KWH", role=role,
    )  # fmt: skip
    install(check, builders.LONG_AGO, None)
    return check


def test_gap_is_filled_from_the_check_meter_judged_in_the_same_run():
    channel = make_channel()
    backup, check = check_of(channel, "BACKUP"), check_of(channel)
    before = START - timedelta(days=2)
    builders.ingest(long_csv(channel.code, before, ["100"] * 192 + FLAT[:40]))
    builders.ingest(long_csv(channel.code, START + timedelta(hours=11), FLAT[44:]))
    builders.ingest(long_csv(check.code, before, ["99"] * 288))
    builders.ingest(long_csv(backup.code, before, ["90"] * 288))
    first = DAY - timedelta(days=2)
    ids = [channel.pk, check.pk, backup.pk]
    for key in ("main_check@1", "main_check_day@1"):  # they differ by more than those allow
        RuleSetting.objects.create(rule_key=key, parameters={"enabled": False},
                                   effective_from=date(2026, 1, 1))  # fmt: skip
    summary = validate_days(ids, first, DAY, now=NOW, actor=ACTOR)
    assert summary.estimated == 4
    finding = Finding.objects.get(rule_code="V01")
    assert finding.estimate_method == "CHECK_METER"
    (sheet,) = finding.worksheet
    assert sheet["used"] == [check.code]  # not the backup: its ratio is 11 % off
    assert sheet["ratio"]["k"] == "100/99"
    assert final(channel).total() == Decimal(9600)


def test_sun_is_never_taken_from_another_day():
    channel = make_channel(kind="GENERATOR")
    point = channel.delivery_point
    point.generating_unit = GeneratingUnit.objects.create(
        campus=point.campus, code="PV", name="PV", technology="SOLAR", nameplate_kw=1000
    )
    point.save()
    builders.ingest(long_csv(channel.code, START - timedelta(days=1), FLAT + FLAT[:40]))
    builders.ingest(long_csv(channel.code, START + timedelta(hours=15), FLAT[60:]))
    summary = validate_days([channel.pk], DAY - timedelta(days=1), DAY, now=NOW, actor=ACTOR)
    assert summary.estimated == 0
    assert final(channel).missing_count == 20


def test_late_file_replaces_the_estimate_and_closes_the_finding():
    channel = make_channel()
    ingest_gap(channel, 40, 4)
    ingest_and_judge(channel, ["101"] * 4, START + timedelta(hours=10), name="late.csv")
    assert final(channel).total() == Decimal(9604)
    assert final(channel).worst_status == Status.VALIDATED
    finding = Finding.objects.get(rule_code="V01")
    assert (finding.state, finding.reason) == ("CLOSED", "The rule no longer finds this.")
    assert ReadingBlock.objects.filter(layer=2, day=DAY).count() == 2


def test_long_gap_without_history_stays_open_and_missing():
    channel = make_channel()
    summary = ingest_gap(channel, 20, 40)
    assert (summary.estimated, final(channel).missing_count) == (0, 40)
    finding = open_findings(channel_ids=[channel.pk]).get()
    assert finding.rule_code == "V01"
    assert finding.fix == "Send the readings again, or let them be estimated."


def test_long_gap_takes_like_days():
    channel = make_channel()
    for weeks in (1, 2, 3):
        ingest_and_judge(channel, ["200"] * 96, START - timedelta(days=7 * weeks))
    summary = ingest_gap(channel, 20, 40)
    assert summary.estimated == 40
    series = final(channel)
    assert series.total() == Decimal(56 * 100 + 40 * 200)
    assert Finding.objects.get(rule_code="V01").estimate_method == "AVG_LIKE_DAY"


def test_gap_is_due_two_hours_after_the_day():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, FLAT[:48]), now=START + timedelta(hours=12))
    end = START + timedelta(hours=24)
    early = end + timedelta(hours=2) - timedelta(seconds=1)
    assert validate_days([channel.pk], DAY, DAY, now=early, actor=ACTOR).findings == {}
    later = validate_days([channel.pk], DAY, DAY, now=end + timedelta(hours=2), actor=ACTOR)
    assert later.findings == {"V01": 1}


def test_spike_is_held_until_somebody_accepts_it():
    channel = make_channel()
    ingest_and_judge(channel, [*FLAT[:50], "900", *FLAT[51:]])
    assert final(channel).status[50] == Status.SUSPECT
    finding = Finding.objects.get(rule_code="V13")
    assert (finding.state, finding.metric) == ("OPEN", Decimal(8))
    accepted = accept_finding(
        finding,
        reason_code="ACTUAL_LOAD",
        comment="Tenant tested all chillers",
        actor=ACTOR,
        now=NOW,
    )
    assert accepted.state == "ACCEPTED"
    assert final(channel).status[50] == Status.VERIFIED
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    assert Finding.objects.get(rule_code="V13").state == "ACCEPTED"
    with pytest.raises(Conflict, match="already Accepted as read by test"):
        accept_finding(
            finding, reason_code="OTHER", comment="Once more, please", actor=ACTOR, now=NOW
        )


def test_gap_cannot_be_accepted():
    channel = make_channel()
    ingest_gap(channel, 20, 40)
    finding = Finding.objects.get(rule_code="V01")
    with pytest.raises(Refused, match="A gap has no reading to accept"):
        accept_finding(finding, reason_code="OTHER", comment="Nothing to see", actor=ACTOR, now=NOW)


def test_value_above_the_limit_is_estimated():
    channel = make_channel(capacity_kw=Decimal(500))
    ingest_and_judge(channel, [*FLAT[:50], "900", *FLAT[51:]])
    series = final(channel)
    assert series.values[50] == 100_000_000
    finding = Finding.objects.get(rule_code="V11")
    assert (finding.state, finding.estimate_method) == ("ESTIMATED", "INTERPOLATE")
    assert trace(channel.pk, START + timedelta(minutes=750)).newest(1).quantity == Decimal(900)


def test_implausibly_small_readings_are_held():
    channel = make_channel(capacity_kw=Decimal(500))
    ingest_and_judge(channel, ["0.1"] * 96)
    finding = Finding.objects.get(rule_code="F10")
    assert (finding.severity, finding.metric, finding.threshold) == (
        "HOLD", Decimal("0.1"), Decimal("0.125"),
    )  # fmt: skip
    assert set(final(channel).status.tolist()) == {Status.SUSPECT}


def test_meter_exchange_takes_each_multiplier_in_its_time():
    channel = make_channel(installed_from=None)
    noon = START + timedelta(hours=12)
    install(channel, START, noon, Decimal(400))
    install(channel, noon, None, Decimal(200))
    ingest_and_judge(channel, ["1"] * 96)
    assert final(channel).total() == Decimal(48 * 400 + 48 * 200)


def test_readings_outside_of_an_installation_are_held():
    channel = make_channel(installed_from=START + timedelta(hours=12))
    ingest_and_judge(channel, FLAT)
    finding = Finding.objects.get(rule_code="F09")
    assert (finding.start_utc, finding.end_utc) == (START, START + timedelta(hours=12))
    assert final(channel).status[[0, 47, 48]].tolist() == [70, 70, 10]
    assert not Finding.objects.filter(rule_code="V01").exists()


def test_rule_settings_count_from_their_day_and_most_specific_first():
    channel = make_channel()
    RuleSetting.objects.create(
        rule_key="spike@1", parameters={"threshold": "9"}, effective_from=date(2026, 1, 1)
    )
    ingest_and_judge(channel, [*FLAT[:50], "900", *FLAT[51:]])
    assert not Finding.objects.exists()
    RuleSetting.objects.create(
        channel=channel,
        rule_key="spike@1",
        parameters={"threshold": "0.3"},
        effective_from=DAY,
    )
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    assert Finding.objects.get().threshold == Decimal("0.3")
    RuleSetting.objects.create(
        campus=channel.delivery_point.campus,
        rule_key="spike@1",
        parameters={"enabled": False},
        effective_from=DAY,
    )
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    assert Finding.objects.get().state == "OPEN"


def test_whole_week_of_two_channels_in_one_run_is_bounded(django_assert_max_num_queries):
    channels = [make_channel(f"T-{n}/KWH") for n in range(4)]
    for channel in channels:
        builders.ingest(long_csv(channel.code, START, FLAT * 7))
    ids = [channel.pk for channel in channels]
    with django_assert_max_num_queries(42):
        validate_days(ids, DAY, DAY + timedelta(days=6), now=NOW, actor=ACTOR)
    assert ReadingBlock.objects.filter(layer=2).count() == 32


def test_short_day_of_spring_has_no_gap():
    channel = make_channel()
    day = date(2026, 3, 8)
    start = datetime(2026, 3, 8, 6, tzinfo=UTC)
    ingest_and_judge(channel, FLAT[:92], start)
    assert not Finding.objects.exists()
    assert VeeRun.objects.get().first_day == day


def test_what_cannot_be_validated():
    channel = make_channel()
    with pytest.raises(Refused, match="Validate 1 to 800 days at a time, not 0"):
        validate_days([channel.pk], DAY, DAY - timedelta(days=1), now=NOW, actor=ACTOR)
    with pytest.raises(NotFoundError, match="There is no channel 4711"):
        validate_days([4711], DAY, DAY, now=NOW, actor=ACTOR)
    nobody = type(ACTOR)("user", 1, "ann", role="viewer")
    with pytest.raises(Forbidden, match="may not validate in meters"):
        validate_days([channel.pk], DAY, DAY, now=NOW, actor=nobody)


def test_estimates_ask_the_store_while_other_channels_are_being_written(monkeypatch):
    monkeypatch.setattr("meters.services.judging.chunk.PART_INTERVALS", 1)
    channels = [make_channel(f"P{n}/KWH") for n in range(3)]
    for channel in channels:
        builders.ingest(long_csv(channel.code, START, FLAT[:40]))
        builders.ingest(long_csv(channel.code, START + timedelta(hours=11), FLAT[44:]))
    summary = validate_days([c.pk for c in channels], DAY, DAY, now=NOW, actor=ACTOR)
    assert (summary.blocks, summary.estimated) == (6, 12)
    assert len(summary.publications) == 1
    assert [final(channel).total() for channel in channels] == [Decimal(9600)] * 3
    found = Finding.objects.filter(rule_code="V01")
    assert [row.state for row in found] == ["ESTIMATED"] * 3


def test_a_ratio_applied_twice_is_held_and_nothing_is_estimated():
    channel = make_channel(capacity_kw=Decimal(1000), multiplier=Decimal(400))
    values = [str(100 + n % 7) for n in range(96)]
    (summary,) = ingest_and_judge(channel, values)
    assert summary.estimated == 0
    found = Finding.objects.get(rule_code="V11")
    assert (found.severity, found.state) == ("HOLD", "OPEN")
    assert "as if multiplied by 400 once too often" in found.message
    series = final(channel)
    assert series.worst_status == Status.SUSPECT
    assert series.total() == 400 * sum(Decimal(value) for value in values)
