"""What judging itself finds, beside the rules: each with its words, its channel and its place."""

from datetime import timedelta
from decimal import Decimal

import pytest

from meters.models import Finding, Installation, RuleSetting
from poweroptix.kernel.quality import Status
from tests.meters import builders
from tests.meters.builders import long_csv, make_channel
from tests.meters.services.campus import flag
from tests.meters.services.test_vee import DAY, FLAT, START, final, ingest_and_judge
from tests.meters.services.test_vee_beside import beside, judge, level

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def only(code):
    """Return the one open finding of a code."""
    return Finding.objects.get(rule_code=code, state="OPEN")


def place(finding):
    """Return channel, severity, first and last hour of a finding."""
    hours = ((moment - START) / HOUR for moment in (finding.start_utc, finding.end_utc))
    return finding.channel.code, finding.severity, *hours


def test_readings_before_a_meter_was_installed_are_held():
    channel = make_channel(installed_from=START + 12 * HOUR)
    ingest_and_judge(channel, FLAT)
    found = only("F09")
    assert place(found) == (channel.code, "HOLD", 0, 12)
    assert found.message == "Readings arrived while no meter was installed."
    assert found.fix == "Enter the installation, or dismiss the readings."


def test_a_ratio_that_needs_more_decimals_holds_its_channel_and_no_other():
    odd = make_channel("ODD/KWH", multiplier=Decimal("103.916667"))
    plain = make_channel("PLAIN/KWH", multiplier=Decimal(400))
    for channel in (odd, plain):
        builders.ingest(long_csv(channel.code, START, ["1.1", *["1.2"] * 95]))
    judge(odd, plain)
    found = only("MULTIPLIER")
    assert place(found) == ("ODD/KWH", "HOLD", 0, 24)
    assert found.message == (
        "Reading 1 times 103.916667 has more than 6 decimals; use a multiplier with fewer "
        "decimals. The readings are left out."
    )
    assert found.fix.startswith("Correct the ratios of the installation, or let the source")
    assert final(odd).missing.all()
    assert final(plain).total() == Decimal("46040")
    Installation.objects.filter(channel=odd).update(ct_ratio=Decimal("103.9"))
    judge(odd)
    found.refresh_from_db()
    assert found.state == "CLOSED"
    assert final(odd).total() == Decimal("11958.89")


def test_a_forward_estimate_is_held():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, FLAT[:40]))
    builders.ingest(long_csv(channel.code, START + 10 * HOUR, FLAT[:56], status="E"))
    flag(channel, START + 10 * HOUR, "FORWARD", 14 * 60)
    judge(channel)
    found = only("FORWARD_ESTIMATE")
    assert place(found) == (channel.code, "HOLD", 10, 24)
    assert found.message == "The source sent forward estimates, not readings."
    assert found.fix == "Wait for the readings, or enter values."
    assert final(channel).status[[39, 40, 95]].tolist() == [10, Status.SUSPECT, Status.SUSPECT]


def test_a_substitute_replaces_the_forward_estimate_that_was_held():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, FLAT, status="E"))
    flag(channel, START, "FORWARD", 24 * 60)
    judge(channel)
    assert final(channel).status[0] == Status.SUSPECT
    receipt = builders.ingest(long_csv(channel.code, START, ["90"] * 96, status="E"))
    assert receipt["stored"]["replaced"] == 96


def test_what_the_source_doubts_is_held():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, FLAT[:40]))
    builders.ingest(long_csv(channel.code, START + 10 * HOUR, FLAT[:4], status="?"))
    builders.ingest(long_csv(channel.code, START + 11 * HOUR, FLAT[:52]))
    judge(channel)
    found = only("SOURCE_SUSPECT")
    assert place(found) == (channel.code, "HOLD", 10, 11)
    assert found.message == "The source marks these readings as suspect."
    assert found.fix == "Ask the source, or accept them."


def test_an_estimate_that_fails_a_rule_says_which_and_where():
    channel = make_channel()
    RuleSetting.objects.create(
        rule_key="check_meter@1", parameters={"enabled": False}, effective_from=DAY
    )
    check = beside(channel)
    builders.ingest(long_csv(channel.code, START, level()[:40]))
    builders.ingest(long_csv(channel.code, START + 11 * HOUR, level()[44:]))
    other = level()
    other[40:44] = ["140.00"] * 4
    builders.ingest(long_csv(check.code, START, other))
    judge(channel, check)
    found = Finding.objects.get(rule_code="POST_EST_FAIL", detail__rule="V21")
    assert place(found) == (channel.code, "HOLD", 10, 11)
    assert found.message.startswith(f"The estimate fails V21: {check.code} shows 140 kWh where")
    assert found.message.endswith("(limit 0.5 %).")
