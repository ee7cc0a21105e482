"""Edits: a reason, a second person above the limit, and they stand until reverted."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from meters.models import Edit, Finding, Publication
from meters.queries import final_series, trace
from meters.services import accept_finding, edit_readings, validate_days
from meters.services.publishing.followup import validate_receipt
from poweroptix.audit.models import AuditEvent
from poweroptix.kernel.errors import Forbidden, Refused
from poweroptix.kernel.quality import Method, Status
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel, person

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 3, 6, tzinfo=UTC)
NOON = START + timedelta(hours=12)
DAY = date(2026, 3, 3)
WHY = {"reason_code": "FIELD_VISIT", "comment": "Read from the display", "now": NOW}


@pytest.fixture
def channel():
    made = make_channel()
    receipt = builders.ingest(long_csv(made.code, START, ["100"] * 96))
    validate_receipt(receipt, now=NOW, actor=ACTOR)
    return made


def final(channel):
    return final_series(channel.pk, START, START + timedelta(hours=24))[0]


def edit(channel, action, operand=None, start=NOON, minutes=15, actor=None, **more):
    number = None if operand is None else Decimal(operand)
    return edit_readings(
        channel, start, start + timedelta(minutes=minutes), action,
        operand=number, actor=actor or person("ann"), **WHY | more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("action", "operand", "after"),
    [("SET", "110.5", "110.5"), ("ADD", "-20", "80"), ("SCALE", "0.33333", "33.333")],
)
def test_edit_makes_a_version_with_its_totals(channel, action, operand, after):
    made = edit(channel, action, operand)
    assert (made.before_total, made.after_total) == (Decimal(100), Decimal(after))
    versions = trace(channel.pk, NOON).versions
    assert [(v.layer, v.version, v.quantity, v.status) for v in versions] == [
        (2, 2, Decimal(after), Status.EDITED),
        (2, 1, Decimal(100), Status.VALIDATED),
        (1, 1, Decimal(100), Status.RAW),
    ]
    event = AuditEvent.objects.get(action="readings.edit")
    assert (event.actor_name, event.reason) == ("ann", "Confirmed on site: Read from the display")
    assert Publication.objects.get(pk=made.publication_id).published_at == NOW


def test_edit_stands_against_rules_and_late_files_until_reverted(channel):
    edit(channel, "SET", "120")
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    receipt = builders.ingest(long_csv(channel.code, NOON, ["130"]), name="late.csv")
    validate_receipt(receipt, now=NOW, actor=ACTOR)
    assert final(channel).total() == Decimal(9620)
    finding = Finding.objects.get(rule_code="LATE_ACTUAL_ON_LOCKED_EDIT")
    assert (finding.state, finding.severity, finding.start_utc) == ("OPEN", "HOLD", NOON)
    assert (finding.channel, finding.end_utc) == (channel, NOON + timedelta(minutes=15))
    assert finding.message == (
        "An actual reading arrived for intervals that a person has edited; the edit stands until "
        "somebody decides."
    )
    edit(channel, "REVERT")
    assert final(channel).total() == Decimal(9630)
    assert final(channel).status[48] == Status.VALIDATED
    finding.refresh_from_db()
    assert finding.state == "CLOSED"


def test_late_actual_under_an_edit_can_be_accepted_as_known(channel):
    edit(channel, "SET", "120")
    builders.ingest(long_csv(channel.code, NOON, ["130"]), name="late.csv")
    finding = Finding.objects.get(rule_code="LATE_ACTUAL_ON_LOCKED_EDIT")
    accept_finding(finding, actor=person("bob"), **WHY)
    assert final(channel).total() == Decimal(9620)


def test_what_is_marked_missing_is_estimated_like_any_gap(channel):
    made = edit(channel, "MARK_MISSING", approver=person("bob"))
    assert (made.before_total, made.after_total) == (Decimal(100), Decimal(0))
    gap = Finding.objects.get(rule_code="V01")
    assert (gap.state, gap.estimate_method, gap.start_utc) == ("ESTIMATED", "INTERPOLATE", NOON)
    taken, estimated = trace(channel.pk, NOON).versions[1::-1]
    assert (taken.status, taken.method, taken.publication.actor) == (
        Status.MISSING, Method.MANUAL, "user:ann",
    )  # fmt: skip
    assert (estimated.status, estimated.quantity) == (Status.ESTIMATED, Decimal(100))
    before = estimated.version
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    assert trace(channel.pk, NOON).versions[0].version == before
    gap.refresh_from_db()
    assert gap.state == "ESTIMATED"


def test_a_late_reading_where_one_was_taken_away_waits_for_a_person(channel):
    edit(channel, "MARK_MISSING", approver=person("bob"))
    receipt = builders.ingest(long_csv(channel.code, NOON, ["130"]), name="late.csv")
    validate_receipt(receipt, now=NOW, actor=ACTOR)
    assert Finding.objects.get(rule_code="LATE_ACTUAL_ON_LOCKED_EDIT").start_utc == NOON
    assert final(channel).total() == Decimal(9600)
    edit(channel, "REVERT")
    assert final(channel).total() == Decimal(9630)
    assert final(channel).status[48] == Status.VALIDATED


def test_what_nothing_can_estimate_stays_missing(channel):
    edit(channel, "MARK_MISSING", start=START, minutes=60 * 24, approver=person("bob"))
    assert final(channel).missing.all()
    assert Finding.objects.get(rule_code="V01").state == "OPEN"
    assert trace(channel.pk, NOON).versions[0].method == Method.MANUAL


def test_large_edit_takes_a_second_person(channel):
    with pytest.raises(Forbidden, match=r"changes TEN-ALFA/DEL_KWH by 200 kWh, more than one"):
        edit(channel, "SET", "300")
    assert not Edit.objects.exists()
    with pytest.raises(Forbidden, match="Somebody else must approve"):
        edit(channel, "SET", "300", approver=person("ann"))
    made = edit(channel, "SET", "300", approver=person("bob"))
    assert (made.actor, made.approver) == ("user:ann", "user:bob")


def test_edit_fills_a_gap_and_answers_its_finding():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, ["100"] * 20))
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    made = edit(channel, "SET", "90", START + timedelta(hours=5), 60 * 19, approver=person("bob"))
    assert made.after_total == Decimal(90 * 76)
    assert Finding.objects.get(rule_code="V01").state == "EDITED"
    validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)
    assert final(channel).total() == Decimal(2000 + 6840)
    assert not Finding.objects.filter(state="OPEN").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": "SET", "operand": "1", "minutes": 0}, "The range holds no interval"),
        ({"action": "DOUBLE"}, "There is no action 'DOUBLE'"),
        ({"action": "SET"}, "The action SET needs a number"),
        ({"action": "REVERT", "operand": "1"}, "The action REVERT takes no number"),
        ({"action": "SET", "operand": "1", "reason_code": "MOOD"}, "There is no reason 'MOOD'"),
        ({"action": "SET", "operand": "1", "comment": "so"}, "Say why in at least 10 characters"),
        ({"action": "SET", "operand": "-1"}, "measures one direction"),
        ({"action": "SET", "operand": "0.0000001"}, "too many decimals"),
        (
            {"action": "SET", "operand": "1", "start": NOON + timedelta(minutes=1)},
            "is not the start of a 15-minute interval",
        ),
    ],
)
def test_what_cannot_be_edited(channel, change, message):
    with pytest.raises(Refused, match=message):
        edit(channel, **change)
    assert final(channel).total() == Decimal(9600)


def test_scaling_needs_values():
    channel = make_channel()
    with pytest.raises(Refused, match="SCALE needs a value in every interval"):
        edit(channel, "SCALE", "2")


def test_viewer_may_not_edit(channel):
    with pytest.raises(Forbidden, match="may not edit in meters"):
        edit(channel, "SET", "1", actor=person("eve", "viewer"))
