"""What a file says of its readings reaches the rules: flags in, findings and statuses out."""

from datetime import UTC, date, datetime, timedelta

import pytest

from meters.models import Finding
from meters.queries import final_series
from meters.services import validate_days
from poweroptix.kernel.quality import Status
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, make_channel

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 3)
START = datetime(2026, 3, 3, 6, tzinfo=UTC)  # local midnight in Chicago
QUARTER = timedelta(minutes=15)


def judged(values, flags):
    """Return the findings and final statuses of one day of a tenant with flags per interval."""
    channel = make_channel()
    meter, _, name = channel.code.rpartition("/")
    lines = ["meter_id,channel,interval_start,interval_seconds,value,unit,status,flags"]
    for n, value in enumerate(values):
        stamp = f"{START + n * QUARTER:%Y-%m-%dT%H:%M:%SZ}"
        lines.append(f"{meter},{name},{stamp},900,{value},kWh,A,{flags.get(n, '')}")
    builders.ingest("\n".join(lines) + "\n")
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    found = [
        (f.rule_code, f.severity, (f.start_utc - START) // QUARTER, (f.end_utc - START) // QUARTER)
        for f in Finding.objects.order_by("start_utc", "rule_code")
    ]
    return found, final_series(channel.pk, START, START + timedelta(days=1))[0].status


def test_flags_estimate_hold_and_warn():
    values = [100 + n % 7 for n in range(96)]
    flags = {10: "OVERFLOW", 20: "LONG", 30: "RESET", 40: "LOAD_CONTROL", 50: "POWER_FAIL"}
    found, status = judged(values, flags)
    assert found == [
        ("V09", "ESTIMATE", 10, 11),
        ("V09", "HOLD", 20, 21),
        ("V09", "WARN", 30, 31),
    ]
    assert status[10] == Status.ESTIMATED
    assert status[20] == Status.SUSPECT
    assert {int(status[n]) for n in (30, 40, 50)} == {int(Status.VALIDATED)}


def test_a_clock_event_holds_its_day():
    found, status = judged([100 + n % 7 for n in range(96)], {33: "CLOCK"})
    assert found == [("V09", "HOLD", 0, 96)]
    assert set(status.tolist()) == {int(Status.SUSPECT)}


@pytest.mark.parametrize(("flag", "codes"), [("", ["V15"]), ("POWER_FAIL", [])])
def test_a_power_failure_excuses_the_zeros_of_a_load(flag, codes):
    values = [100 + n % 7 for n in range(40)] + [0] * 9 + [100 + n % 7 for n in range(47)]
    found, _ = judged(values, dict.fromkeys(range(40, 49), flag))
    assert [code for code, *_ in found] == codes
