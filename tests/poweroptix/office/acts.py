"""What the tests of the back office do to the campus."""

from datetime import date, timedelta

from meters.models import Channel, Finding, ImportFile, ReasonCode
from meters.queries import final_series, open_findings
from meters.services import accept_finding, validate_days
from poweroptix.kernel.period import Period
from tests.factories.campus import HEAD, MARCH, NOW, SYSTEM, ZONE, deliver

DAY = date(2026, 3, 18)


def finding(code, severity, rule="V13"):
    return Finding.objects.create(
        channel=Channel.objects.get(code=code),
        rule_code=rule,
        severity=severity,
        start_utc=MARCH.start_utc + timedelta(days=1),
        end_utc=MARCH.start_utc + timedelta(days=2),
        message="stands out",
        created_at=NOW,
    )


def check_channel(main):
    """Add a check meter beside a main channel."""
    like = Channel.objects.get(code=main)
    return Channel.objects.create(
        delivery_point=like.delivery_point,
        code=f"{main}/CHECK",
        quantity="KWH",
        direction="DELIVERED",
        unit="kWh",
        minutes=15,
        role="CHECK",
    )


def refused_file(number):
    return ImportFile.objects.create(
        sha256=f"{number:064x}", source="many", name=f"{number}.csv", size=1, path="x",
        state="REFUSED", received_at=NOW, receipt={}, uploaded_by="user:operator",
    )  # fmt: skip


def halve_the_engine(world):
    """Let the engine's meter count half on one day, in a file that comes later."""
    period = Period.day(ZONE, DAY)
    engine = Channel.objects.get(code="GEN-1/DEL_KWH")
    series, _pins = final_series(engine.pk, period.start_utc, period.end_utc)
    rows = [HEAD] + [
        f"GEN-1,DEL_KWH,{series.grid.start_of(at):%Y-%m-%dT%H:%M:%SZ},900,{kwh / 2:.3f},kWh,A"
        for at, kwh in enumerate(series.decimals())
    ]
    at = NOW + timedelta(hours=1)
    deliver("half.csv", "\n".join([*rows, ""]).encode(), now=at, source="half")
    validate_days([engine.pk], DAY, DAY, now=at, actor=SYSTEM)
    for held in open_findings(channel_ids=[engine.pk]):
        accept_finding(held, reason_code=ReasonCode.ACTUAL_LOAD, comment="Half the pulses.",
                       actor=world.actor("operator"), now=at)  # fmt: skip
