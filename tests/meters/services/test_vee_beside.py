"""Cross checks: channels judged beside each other, registers, acceptances, what follows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from meters.models import Channel, Finding, ReadingBlock, RuleSetting
from meters.queries import final_series
from meters.services import accept_finding, revalidate, validate_days
from meters.services.publishing.followup import validate_receipt
from poweroptix.kernel.quality import Status
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, install, long_csv, make_channel, make_profile, person

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)  # local midnight in Chicago
DAY = date(2026, 3, 3)
HOUR = timedelta(hours=1)


def level(count=96, base=100):
    """Return readings that differ from one to the next."""
    return [f"{base + (i * 7 % 13) / 100:.2f}" for i in range(count)]


def beside(channel, *, role="CHECK", minutes=15, quantity="KWH", unit="kWh", code=""):
    other = Channel.objects.create(
        delivery_point=channel.delivery_point, code=f"{code or role}-{channel.code}", unit=unit,
        minutes=minutes, direction=channel.direction, quantity=quantity, role=role,
    )  # fmt: skip
    install(other, builders.LONG_AGO, None)
    return other


def judge(*channels, first=DAY, last=DAY):
    return validate_days([c.pk for c in channels], first, last, now=NOW, actor=ACTOR)


def codes(channel, **which):
    rows = Finding.objects.filter(channel=channel).exclude(state="CLOSED").filter(**which)
    return sorted(rows.values_list("rule_code", flat=True))


def status_at(channel, hours):
    return final_series(channel.pk, START, START + timedelta(days=1))[0].status[int(hours * 4)]


def test_main_and_check_meter_are_compared_in_one_run_in_any_order():
    channel = make_channel()
    check = beside(channel)
    off = level()
    off[40] = "103.00"
    builders.ingest(long_csv(channel.code, START, level()))
    builders.ingest(long_csv(check.code, START, off))
    judge(check, channel)
    assert (codes(channel), codes(check)) == (["V21"], [])
    assert status_at(channel, 10) == Status.SUSPECT
    again = judge(channel, check)
    assert (again.blocks, again.followed) == (0, 0)
    assert codes(channel) == ["V21"]


def test_what_rests_on_a_channel_follows_it_and_nothing_else_does():
    channel, stranger = make_channel(), make_channel("TEN-BRAVO/DEL_KWH")
    check = beside(channel)
    for each in (channel, stranger):
        builders.ingest(long_csv(each.code, START, level()))
    judge(channel, stranger)
    versions = ReadingBlock.objects.filter(channel=stranger.pk).count()
    off = level()
    off[40] = "103.00"
    receipt = builders.ingest(long_csv(check.code, START, off))
    (summary,) = validate_receipt(receipt, now=NOW, actor=ACTOR)
    assert (summary.channels, summary.followed) == (1, 1)
    assert codes(channel) == ["V21"]
    assert ReadingBlock.objects.filter(channel=stranger.pk).count() == versions


def test_one_edited_interval_costs_its_own_days_and_those_that_rest_on_it():
    channel, stranger = make_channel(), make_channel("TEN-BRAVO/DEL_KWH")
    check = beside(channel)
    days = 10
    for each in (channel, check, stranger):
        builders.ingest(long_csv(each.code, START, level(96 * days)))
    judge(channel, check, stranger, last=DAY + timedelta(days=days - 1))
    at = START + timedelta(days=4, hours=10)
    summary = revalidate(check.pk, at, at + HOUR, now=NOW, actor=ACTOR)
    assert (summary.channels, summary.followed, summary.days, summary.blocks) == (1, 1, 1, 0)
    # A local day of Chicago lies on two UTC days, each with a raw and a final block; the check
    # meter is read for itself and beside the main one.
    assert summary.read == 3 * 2 * 2


def test_the_control_system_may_count_power_over_shorter_intervals():
    channel = make_channel()
    scada = beside(channel, role="SCADA", minutes=5, quantity="KW", unit="kW")
    builders.ingest(long_csv(channel.code, START, level()))
    builders.ingest(long_csv(scada.code, START, ["430"] * 288, minutes=5, unit="kW"))
    judge(channel, scada)
    (finding,) = Finding.objects.filter(channel=channel, rule_code="V22")
    assert finding.severity == "WARN"
    assert finding.metric.quantize(Decimal("0.1")) == Decimal("7.4")  # 430 kW x 24 h


def test_a_reading_beside_a_silent_meter_is_told_though_both_come_at_once():
    channel = make_channel()
    reactive = beside(channel, role="MAIN", quantity="KVARH", unit="kVArh", code="Q")
    values = level()
    values[40:44] = ["0"] * 4
    builders.ingest(long_csv(channel.code, START, values))
    builders.ingest(long_csv(reactive.code, START, level(base=20), unit="kVArh"))
    judge(channel, reactive)
    assert codes(channel) == ["V17"]


def test_an_estimate_that_the_check_meter_contradicts_is_held_and_never_loops():
    channel = make_channel()
    RuleSetting.objects.create(
        rule_key="check_meter@1", parameters={"enabled": False}, effective_from=date(2026, 1, 1)
    )
    check = beside(channel)
    builders.ingest(long_csv(channel.code, START, level()[:40]))
    builders.ingest(long_csv(channel.code, START + 11 * HOUR, level()[44:]))
    other = level()
    other[40:44] = ["140.00"] * 4
    builders.ingest(long_csv(check.code, START, other))
    summary = judge(channel, check)
    assert summary.estimated == 4
    found = Finding.objects.filter(channel=channel, rule_code="POST_EST_FAIL")
    assert {row.detail["rule"] for row in found} >= {"V21"}
    assert status_at(channel, 10) == Status.SUSPECT
    assert judge(channel, check).blocks == 0


# -- registers --------------------------------------------------------------------------------

REGISTER = "meter_id,channel,read_time,register,digits,multiplier,read_type\n"


def read_registers(channel, *reads):
    """Ingest (instant, text) of a register; return what the validation of the file did."""
    if not builders.ImportProfile.objects.filter(code="REG").exists():
        make_profile("REG", format="register_csv@1", unit="kWh")
    meter, name = channel.code.split("/")
    lines = [f"{meter},{name},{at.isoformat()},{text},6,,SCHEDULED\n" for at, text in reads]
    receipt = builders.ingest(REGISTER + "".join(lines), profile_code="REG", name=f"{reads}.csv")
    return validate_receipt(receipt, now=NOW, actor=ACTOR)


def three_days(capacity="4000"):
    channel = make_channel("M/KWH", capacity_kw=Decimal(capacity))
    builders.ingest(long_csv(channel.code, START, level(288)))
    judge(channel, last=DAY + timedelta(days=2))
    return channel


def test_a_sum_check_looks_back_to_the_read_before_and_holds_all_between():
    channel = three_days()
    end = START + timedelta(days=3)
    read_registers(channel, (START, "001000"), (end, "030900"))
    (finding,) = Finding.objects.filter(channel=channel, rule_code="V20")
    assert (finding.start_utc, finding.end_utc) == (START, end)
    series = final_series(channel.pk, START, end)[0]
    assert set(series.status.tolist()) == {Status.SUSPECT}
    assert judge(channel, first=date(2026, 3, 5), last=date(2026, 3, 5)).blocks == 0
    assert codes(channel) == ["V20"]


def test_a_register_that_meets_the_intervals_raises_nothing():
    channel = three_days()
    total = final_series(channel.pk, START, START + timedelta(days=3))[0].total()
    read_registers(channel, (START, "001000"), (START + timedelta(days=3), f"{1000 + total:06.0f}"))
    assert codes(channel) == []


def test_a_sum_check_that_is_accepted_still_leaves_the_other_rules():
    channel = three_days()
    end = START + timedelta(days=3)
    read_registers(channel, (START, "001000"), (end, "030900"))
    finding = Finding.objects.get(rule_code="V20")
    accept(finding)
    assert set(final_series(channel.pk, START, end)[0].status.tolist()) == {Status.VERIFIED}
    spiky = level()
    spiky[20] = "500"
    builders.ingest(long_csv(channel.code, START, spiky))
    judge(channel, last=DAY + timedelta(days=2))
    assert "V13" in codes(channel, state="OPEN")


def accept(finding):
    actor = person("ann")
    accept_finding(
        finding, reason_code="FIELD_VISIT", comment="Seen on site.", actor=actor, now=NOW
    )


# -- acceptances ------------------------------------------------------------------------------


def spiked():
    channel = make_channel()
    values = level()
    values[40] = "400"
    builders.ingest(long_csv(channel.code, START, values))
    judge(channel)
    finding = Finding.objects.get(channel=channel, rule_code="V13")
    accept(finding)
    return channel, values, finding


def test_an_acceptance_stands_when_rules_run_again():
    channel, _, finding = spiked()
    assert status_at(channel, 10) == Status.VERIFIED
    assert judge(channel).blocks == 0
    finding.refresh_from_db()
    assert finding.state == "ACCEPTED"
    assert codes(channel) == ["V13"]


def test_the_same_values_sent_again_leave_an_acceptance_alone():
    channel, values, finding = spiked()
    builders.ingest(long_csv(channel.code, START, values), name="again.csv")
    judge(channel)
    finding.refresh_from_db()
    assert finding.state == "ACCEPTED"


def test_other_values_void_an_acceptance_and_the_finding_opens_anew():
    channel, values, finding = spiked()
    values[40] = "420"
    builders.ingest(long_csv(channel.code, START, values), name="later.csv")
    judge(channel)
    finding.refresh_from_db()
    assert (finding.state, finding.reason) == (
        "CLOSED", "The readings have changed since they were accepted.",
    )  # fmt: skip
    (opened,) = Finding.objects.filter(channel=channel, rule_code="V13", state="OPEN")
    assert opened.start_utc == finding.start_utc
    assert status_at(channel, 10) == Status.SUSPECT


# -- cost -------------------------------------------------------------------------------------


def test_queries_do_not_grow_with_the_channels(django_assert_max_num_queries):
    def points(count, name):
        made = []
        for number in range(count):
            channel = make_channel(f"{name}{number}/KWH")
            made += [channel, beside(channel), beside(channel, role="SCADA", minutes=5)]
        for each in made:
            step = each.minutes
            builders.ingest(
                long_csv(each.code, START, level(1440 // step), minutes=step), name=each.code
            )
        return made

    few, many = points(1, "F"), points(8, "M")
    with django_assert_max_num_queries(70) as once:
        judge(*few)
    with django_assert_max_num_queries(len(once.captured_queries) + 60):
        judge(*many)
