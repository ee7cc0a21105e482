"""October 2026 of the demonstration: what an analyst finds there, and how it is mended."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.db import connection

from meters.models import (
    AcceptReason,
    Channel,
    ClockCheck,
    DeliveryPoint,
    EditAction,
    Finding,
    FindingState,
    Interruption,
    QuarantinedRecord,
    ReasonCode,
    Source,
)
from meters.queries import final_series
from meters.queries.sources import sources
from meters.queries.work import holds_month
from meters.services import accept_finding, edit_readings, ingest_file, receive_file
from meters.services.collecting.sources import collect_due
from meters.services.judging.validate import revalidate
from meters.services.publishing.followup import validate_receipt
from poweroptix.audit.actor import Actor
from poweroptix.demo import records
from poweroptix.demo.build import Demo, begin, receive
from poweroptix.demo.flows import ZONE, generate
from poweroptix.demo.substation import DIRTY, reread_sheet
from poweroptix.doctor import examine
from poweroptix.jobs.services import run_now
from poweroptix.kernel.period import Period

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
OCTOBER = Period.month(ZONE, DIRTY)
LATER = OCTOBER.end_utc + timedelta(days=5)
CHARLIE = "TEN-CHARLIE/DEL_KWH"
CHECK = "TEN-CHARLIE-CHK/DEL_KWH"
#: The register of CHARLIE has seven dials: 7,752,723 on the first, 1,666,084 on the last midnight.
ADVANCED_KWH = 10_000_000 - 7_752_723 + 1_666_084
OUTAGE = (datetime(2026, 10, 22, 8, tzinfo=UTC), datetime(2026, 10, 22, 9, tzinfo=UTC))


@pytest.fixture
def demo(settings, tmp_path):
    """Build October alone; one build serves every question, because it takes seconds."""
    settings.METERS_INBOXES = [str(tmp_path / "inbox")]
    built = Demo(print, "demo")
    begin(built)
    source = records.install(OCTOBER.start_utc - timedelta(days=28))
    assert receive(built, generate(), DIRTY, [], source) == []
    return built


def test_an_analyst_finds_october_and_mends_it(demo):
    what_the_rules_say()
    beside_the_rules()
    the_folder_has_nothing_new()
    the_stuck_input_gives_way_to_the_check_meter(demo)
    the_fuse_of_the_check_meter_is_accepted(demo)
    the_outage_explains_the_zeros()
    the_sheet_replaces_the_estimates(demo)
    assert Counter(open_ones().values_list("rule_code", flat=True)) == {"V03": 1, "V13": 2}
    assert not open_ones().filter(holds_month()).exists()
    assert [one for one in examine(connection, only=["meters"]) if not one.holds] == []


def open_ones():
    return Finding.objects.filter(state=FindingState.OPEN)


def what_the_rules_say():
    """Ten exceptions, six of which hold the month; what was estimated is none."""
    rows = open_ones().values_list("rule_code", "channel__code")
    assert Counter(rows) == {
        ("V13", "GRIDTIE001/E1"): 1,
        ("V13", "GRIDTIE001/F1"): 1,
        ("V15", CHARLIE): 1,
        ("V15", CHECK): 1,
        ("V16", CHARLIE): 1,
        ("V21", CHARLIE): 2,
        ("V21D", CHARLIE): 2,
        ("POST_EST_FAIL", CHARLIE): 1,
    }
    assert open_ones().filter(holds_month()).count() == 6
    made = Finding.objects.filter(state=FindingState.ESTIMATED, channel__code=CHARLIE)
    assert Counter(made.values_list("rule_code", "estimate_method")) == {
        ("V01", "CHECK_METER"): 1,
        ("V11", "CHECK_METER"): 1,
    }
    assert "17,006.545 kWh apart" in open_ones().get(rule_code="POST_EST_FAIL").message


def beside_the_rules():
    """One name nobody knows, and a laboratory of which nothing came."""
    record = QuarantinedRecord.objects.get()
    assert (record.code, record.channel_text) == ("F03", "TEN-DELTA/DEL_KWH")
    assert ClockCheck.objects.get().drift_s == Decimal("1.4")
    health = dict(sources(LATER).values_list("code", "health"))
    assert [code for code, said in health.items() if said != "GOOD"] == ["gas-laboratory"]
    assert health["gas-laboratory"] == "LATE"


def the_folder_has_nothing_new():
    """The looks of the story fit a real one: the file is known, and taken no second time."""
    source = Source.objects.get(code=records.FOLDER)
    told = [(run.outcome, run.seen, run.taken) for run in source.runs.order_by("pk")]
    assert told == [("FAILED", 0, 0), ("DONE", 0, 0), ("DONE", 1, 1), ("DONE", 1, 0)]
    job = run_now(collect_due(source))
    assert (job.state, job.result["outcome"], job.result["seen"]) == ("done", "DONE", 1)
    assert [job.result[name] for name in ("taken", "refused", "passed", "error")] == [0, 0, 0, ""]


def the_stuck_input_gives_way_to_the_check_meter(demo):
    """One edit answers stuck value, both comparisons with the check meter, and the register."""
    stuck = open_ones().get(rule_code="V16")
    assert "stands 41 times in a row" in stuck.message
    edit_readings(
        stuck.channel, stuck.start_utc, stuck.end_utc, EditAction.COPY_CHANNEL, source=CHECK,
        reason_code=ReasonCode.METER_FAULT, comment="The pulse input stuck.",
        actor=demo.people["analyst"], approver=demo.people["operator"], now=LATER,
    )  # fmt: skip
    left = open_ones().filter(channel=stuck.channel).order_by("start_utc", "rule_code")
    assert list(left.values_list("rule_code", flat=True)) == ["V21", "V21D", "V15"]
    assert abs(total() - ADVANCED_KWH) < 2


def the_fuse_of_the_check_meter_is_accepted(demo):
    for finding in open_ones().filter(rule_code__in=["V21", "V21D"]):
        assert f"{finding.start_utc:%d}" == "20"
        accept_finding(
            finding, reason_code=AcceptReason.OTHER_METER, comment="A fuse of the check meter.",
            actor=demo.people["analyst"], now=LATER,
        )  # fmt: skip


def the_outage_explains_the_zeros():
    """The feeder was open: both meters showed zero, and so did the reactive energy."""
    point = DeliveryPoint.objects.get(code="TEN-CHARLIE")
    Interruption.objects.create(
        delivery_point=point, during=OUTAGE, cause="CUSTOMER", comment="A breaker was exchanged.",
        recorded_by="user:operator", recorded_at=LATER,
    )  # fmt: skip
    for channel in point.channels.all():
        assert final_series(channel.pk, *OUTAGE)[0].total() == 0
        revalidate(channel.pk, *OUTAGE, now=LATER, actor=Actor.system("test"))
    assert not open_ones().filter(rule_code="V15").exists()


def the_sheet_replaces_the_estimates(demo):
    """What the crew read from the meter's memory; the month then meets the register."""
    sheet, actor = reread_sheet(generate()), demo.people["analyst"]
    kept = receive_file(
        BytesIO(sheet.content), name=sheet.name, source=sheet.source, profile_code=sheet.profile,
        now=LATER, actor=actor,
    )  # fmt: skip
    validate_receipt(ingest_file(kept.pk, now=LATER, actor=actor), now=LATER, actor=actor)
    assert not Finding.objects.filter(state=FindingState.ESTIMATED, channel__code=CHARLIE).exists()
    assert total() == Decimal("3913361.415")
    assert abs(total() - ADVANCED_KWH) < 1


def total():
    channel = Channel.objects.get(code=CHARLIE)
    return final_series(channel.pk, OCTOBER.start_utc, OCTOBER.end_utc)[0].total()
