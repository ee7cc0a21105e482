"""Files once, twice, late, broken, interrupted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from meters.models import (
    Edit,
    Finding,
    ImportFile,
    Publication,
    QuarantinedRecord,
    ReadingBlock,
    ReadingNote,
)
from meters.queries import raw_series, trace
from meters.services import (
    ingest_file,
    map_quarantine,
    published,
    replay,
    reread_file,
    set_profile,
    validate_days,
)
from meters.services.publishing.followup import validate_receipt
from poweroptix.kernel.errors import Conflict, NotFoundError, Refused
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, long_csv, make_channel, make_profile, receive

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
DAY = ["1.5"] * 96


def raw(channel, start=START, hours=24):
    return raw_series(channel.pk, start, start + timedelta(hours=hours))[0]


def test_same_bytes_again_is_the_same_file():
    channel = make_channel()
    first = receive(long_csv(channel.code, START, DAY))
    again = receive(long_csv(channel.code, START, DAY), name="copy.csv")
    assert (again.pk, again.is_duplicate, first.is_duplicate) == (first.pk, True, False)
    one = ingest_file(first.pk, now=NOW, actor=ACTOR)
    assert ingest_file(first.pk, now=NOW, actor=ACTOR) == one
    assert ImportFile.objects.count() == 1


def test_same_values_in_other_bytes_make_no_version():
    channel = make_channel()
    text = long_csv(channel.code, START, DAY)
    builders.ingest(text)
    receipt = builders.ingest(text.replace("1.5", "1.50"))
    assert receipt["stored"] == {"new": 0, "same": 96, "replaced": 0, "ignored": 0, "blocks": 0}
    assert set(ReadingBlock.objects.values_list("version", flat=True)) == {1}


def test_late_file_makes_a_new_version_and_warns():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, DAY))
    receipt = builders.ingest(long_csv(channel.code, START, ["1.5"] * 95 + ["2"]), name="late.csv")
    assert receipt["stored"]["replaced"] == 1
    assert raw(channel).total() == Decimal("144.5")
    last = trace(channel.pk, START + timedelta(minutes=15 * 95 + 3))
    assert [(v.version, v.quantity, v.import_file.name, v.line) for v in last.versions] == [
        (2, Decimal("2"), "late.csv", 97),
        (1, Decimal("1.5"), "file.csv", 97),
    ]
    (finding,) = Finding.objects.filter(rule_code="V03")
    assert (finding.metric, finding.threshold) == (Decimal("33.333334"), Decimal("0.1"))
    assert finding.message == (
        "The source sent other values for readings that it had sent before, up to 33.333334 % "
        "apart (0.1 % pass)."
    )


def test_a_change_across_midnight_is_one_finding_with_the_largest_change():
    channel = make_channel()
    values = ["1.5"] * 192
    builders.ingest(long_csv(channel.code, START, values))
    values[94:98] = ["2", "2", "3", "2"]
    builders.ingest(long_csv(channel.code, START, values), name="late.csv")
    (finding,) = Finding.objects.filter(rule_code="V03")
    assert finding.start_utc == START + timedelta(minutes=15 * 94)
    assert finding.end_utc == START + timedelta(minutes=15 * 98)
    assert finding.metric == Decimal("100")
    assert finding.message.endswith("it had sent before, up to 100 % apart (0.1 % pass).")


def test_later_null_never_withdraws_a_value():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, DAY))
    rows = long_csv(channel.code, START, DAY).replace("1.5,kWh,A", "0,kWh,N")
    receipt = builders.ingest(rows)
    assert receipt["channels"][0]["missing"] == 96
    assert raw(channel).total() == Decimal("144")


def test_estimate_never_replaces_an_actual_that_is_final():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, DAY))
    validate_days([channel.pk], START.date(), START.date(), now=NOW, actor=ACTOR)
    receipt = builders.ingest(long_csv(channel.code, START, ["9"] * 96, status="E"))
    assert receipt["stored"]["ignored"] == 96
    assert raw(channel).total() == Decimal("144")


def test_rows_of_two_files_share_a_day_and_keep_their_lines():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, DAY[:40]), name="a.csv")
    builders.ingest(long_csv(channel.code, START + timedelta(hours=10), DAY[:56]), name="b.csv")
    assert raw(channel).missing_count == 0
    seen = [
        trace(channel.pk, START + timedelta(minutes=15 * slot)).newest(1) for slot in (0, 39, 40)
    ]
    assert [(v.import_file.name, v.line) for v in seen] == [
        ("a.csv", 2),
        ("a.csv", 41),
        ("b.csv", 2),
    ]


def test_unknown_channel_waits_is_mapped_and_replayed():
    known = make_channel()
    text = (
        long_csv(known.code, START, DAY)
        + "\n".join(long_csv("GHOST/KWH", START, DAY).splitlines()[1:])
        + "\n"
    )
    receipt = builders.ingest(text)
    assert receipt["quarantined"] == [
        {
            "channel": "GHOST/KWH",
            "code": "F03",
            "message": "There is no channel 'GHOST/KWH'. Map it or create it, then replay.",
            "line_first": 98,
            "line_last": 193,
            "intervals": 96,
        }
    ]
    record = QuarantinedRecord.objects.get()
    file = ImportFile.objects.get()
    with pytest.raises(Conflict, match="Nothing of"):
        replay(file, actor=ACTOR, now=NOW)
    channel = make_channel("TEN-BETA/DEL_KWH")
    covered = map_quarantine(record, channel, actor=ACTOR, now=NOW, reason="Same meter")
    assert covered == 1
    again = replay(file, actor=ACTOR, now=NOW)
    assert again["stored"]["new"] == 96
    record.refresh_from_db()
    assert record.state == "REPLAYED"
    assert raw(channel).total() == Decimal("144")
    assert trace(channel.pk, START).newest(1).line == 98
    later = builders.ingest(long_csv("GHOST/KWH", START + timedelta(days=1), DAY))
    assert later["quarantined"] == []


def test_future_unit_and_length_are_quarantined_each_with_its_reason():
    late = make_channel("A/KWH")
    make_channel("B/KWH", unit="kVArh", quantity="KVARH")
    make_channel("C/KWH", minutes=30)
    begin = datetime(2026, 4, 2, 6, tzinfo=UTC)
    rows = "".join(
        "\n".join(long_csv(code, begin, DAY).splitlines()[0 if code == "A/KWH" else 1 :]) + "\n"
        for code in ("A/KWH", "B/KWH", "C/KWH")
    )
    receipt = builders.ingest(rows)
    found = {row["channel"]: (row["code"], row["intervals"]) for row in receipt["quarantined"]}
    assert found == {"A/KWH": ("F08", 72), "B/KWH": ("F04", 96), "C/KWH": ("F05", 96)}
    assert receipt["intervals"] == 24
    assert raw(late, begin, 6).missing_count == 0


def test_changed_interval_length_goes_to_the_successor():
    old = make_channel("D/KWH")
    new = make_channel("D/KWH/30", minutes=30, successor_of=old)
    builders.ingest(long_csv("D/KWH", START, DAY))
    builders.ingest(long_csv("D/KWH", START + timedelta(days=1), ["3"] * 48, minutes=30))
    assert raw(old).total() == raw(new, START + timedelta(days=1)).total() == Decimal("144")


def test_wrong_record_refuses_our_csv_and_leaves_nothing_visible():
    channel = make_channel()
    text = long_csv(channel.code, START, [*DAY[:50], "x", *DAY[:45]])
    with pytest.raises(Refused, match="Line 52"):
        builders.ingest(text)
    file = ImportFile.objects.get()
    assert file.state == "REFUSED"
    assert file.receipt["refused"]["message"].startswith("file.csv: Line 52")
    assert raw(channel).missing_count == 96
    assert Publication.objects.get().withdrawn_at is not None


def test_refused_file_is_read_again_after_its_profile_is_mended():
    channel = make_channel()
    lines = long_csv(channel.code, START, DAY).replace(",kWh,", ",furlong,")
    with pytest.raises(Refused, match="furlong"):
        builders.ingest(lines)
    file = ImportFile.objects.get()
    make_profile("UNIT", unit="kWh")
    set_profile(file, "UNIT", actor=ACTOR, reason="The unit is kWh")
    ingest_file(file.pk, now=NOW, actor=ACTOR)
    assert raw(channel).total() == Decimal("144")


def test_wrong_unit_is_read_again_with_another_profile():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, DAY))
    file = ImportFile.objects.get()
    make_profile("MEGA", unit="MWh")
    set_profile(file, "MEGA", actor=ACTOR, reason="The source sends MWh")
    read = reread_file(file.pk, now=NOW, actor=ACTOR, reason="The source sends MWh")
    validate_receipt(read, now=NOW, actor=ACTOR)
    judged = Publication.objects.order_by("pk").last()
    assert judged.reason == f"File #{file.pk}, read again: The source sends MWh"
    assert raw(channel).total() == Decimal("144000")
    assert not Finding.objects.filter(rule_code="V03").exists()  # somebody asked for the change
    file.refresh_from_db()
    assert Decimal(file.receipt["channels"][0]["total"]) == 144
    (again,) = file.receipt["again"]
    assert Decimal(again["channels"][0]["total"]) == 144_000
    assert (again["profile"], again["reason"]) == ("MEGA", "The source sends MWh")


def test_flags_become_notes():
    channel = make_channel()
    text = long_csv(channel.code, START, DAY).splitlines()
    text[0] += ",flags"
    rows = [line + "," for line in text[1:]]
    rows[10] = rows[10] + "POWER_FAIL"
    builders.ingest("\n".join([text[0], *rows]) + "\n")
    (note,) = ReadingNote.objects.all()
    assert (note.code, note.start_utc) == ("POWER_FAIL", START + timedelta(minutes=150))


def test_listeners_hear_of_a_publication():
    channel, heard = make_channel(), []
    published.append(lambda *said: heard.append(said))
    try:
        builders.ingest(long_csv(channel.code, START, DAY))
    finally:
        published.pop()
    ((ids, first, last, publication),) = heard
    assert ids == [channel.pk]
    assert (first, last) == (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    assert publication.published_at == NOW


def test_listeners_hear_of_what_an_interrupted_attempt_had_written(monkeypatch):
    channels, heard = [make_channel(f"C{n}/KWH") for n in range(2)], []
    one, other = (long_csv(channel.code, START, DAY) for channel in channels)
    text = one + other.partition("\n")[2]
    file = receive(text)

    def stop(_):
        raise RuntimeError("the power went out")

    with monkeypatch.context() as broken:
        broken.setattr("meters.services.arriving.ingest._Reading._finish", stop)
        with pytest.raises(RuntimeError, match="power went out"):
            ingest_file(file.pk, now=NOW, actor=ACTOR)
    published.append(lambda *said: heard.append(said))
    try:
        receipt = ingest_file(file.pk, now=NOW, actor=ACTOR)
    finally:
        published.pop()
    assert receipt["stored"]["blocks"] == 4
    assert Publication.objects.count() == 1
    ((ids, first, last, _),) = heard
    assert ids == [channel.pk for channel in channels]
    assert (first, last) == (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))


def test_unknown_names_are_told():
    with pytest.raises(NotFoundError, match="There is no profile 'NOPE'"):
        receive("x", profile_code="NOPE")
    with pytest.raises(NotFoundError, match="There is no import file #99"):
        ingest_file(99, now=NOW, actor=ACTOR)
    with pytest.raises(Refused, match="none of our formats"):
        receive("what is this\n")


def test_upload_limit():
    with pytest.raises(Refused, match="larger than 0 MB"):
        receive(long_csv("A/B", START, DAY), limit_bytes=100)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE meters_readingblock SET version = version + 1",
        "DELETE FROM meters_readingblock",
        "TRUNCATE meters_readingblock",
    ],
)
def test_blocks_are_only_added(statement):
    builders.ingest(long_csv(make_channel().code, START, DAY))
    with (
        pytest.raises((IntegrityError, ProgrammingError), match=r"refused|permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert ReadingBlock.objects.count() == 2
    assert Edit.objects.count() == 0


def test_days_compared_in_parts_come_out_as_compared_at_once(monkeypatch):
    channel = make_channel()
    hours = [Decimal(n % 7) for n in range(96 * 5)]
    builders.ingest(long_csv(channel.code, START, hours))
    validate_days([channel.pk], START.date(), START.date(), now=NOW, actor=ACTOR)
    changed = [Decimal(9) if n % 96 < 3 else value for n, value in enumerate(hours)]
    at_once = builders.ingest(long_csv(channel.code, START, changed[:-100]), name="one.csv")
    assert at_once["stored"]["replaced"] == 12
    monkeypatch.setattr("meters.services.arriving.merging.PART_DAYS", 1)
    back = builders.ingest(long_csv(channel.code, START, hours[:-100]), name="two.csv")
    assert back["stored"] == at_once["stored"]
    assert Finding.objects.filter(rule_code="V03").count() == 4
    series = raw(channel, hours=120)
    assert series.decimals() == hours
