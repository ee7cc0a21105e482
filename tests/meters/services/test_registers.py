"""Register reads and stated multipliers: stored once, judged, held, released."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from meters.models import (
    Finding,
    GeneratingUnit,
    ImportFile,
    QuarantinedRecord,
    RegisterRead,
)
from meters.queries import final_series, open_findings, raw_series
from meters.queries.registers import registers_shown
from meters.services import ingest_file, map_quarantine, replay, validate_days
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, cases, long_csv, make_channel, make_profile
from tests.meters.services import campus

pytestmark = pytest.mark.django_db
HEAD = "meter_id,channel,read_time,register,digits,multiplier,read_type\n"
START = datetime(2026, 3, 1, 6, tzinfo=UTC)


@pytest.fixture
def kwh():
    """Return a profile that says the unit."""
    return make_profile("REG", format="register_csv@1", unit="kWh", on_row_error="quarantine").code


def rows(*reads, meter="M", kinds=None, multiplier=""):
    """Return a file of daily reads (text, dials)."""
    lines = []
    for day, (text, digits) in enumerate(reads):
        at = (START + timedelta(days=day)).isoformat()
        kind = kinds[day] if kinds else "SCHEDULED"
        lines.append(f"{meter},KWH,{at},{text},{digits},{multiplier},{kind}\n")
    return HEAD + "".join(lines)


def open_codes(**which):
    return sorted(Finding.objects.filter(state="OPEN", **which).values_list("rule_code", flat=True))


def test_reads_are_stored_as_written_and_only_once(kwh):
    channel = make_channel("M/KWH")
    receipt = builders.ingest(rows(("00310", 5), ("00311.5", 5)), profile_code=kwh)
    assert receipt["registers"] == [
        {
            "code": "M/KWH",
            "text": "M/KWH",
            "reads": 2,
            "first": {"read_at_utc": "2026-03-01T06:00:00Z", "register": "00310"},
            "last": {"read_at_utc": "2026-03-02T06:00:00Z", "register": "00311.5"},
            "moves": [
                {
                    "previous": {"read_at_utc": "2026-03-01T06:00:00Z", "register": "00310"},
                    "this": {"read_at_utc": "2026-03-02T06:00:00Z", "register": "00311.5"},
                    "read_type": "SCHEDULED",
                    "advance": "1.5",
                    "factor": "1",
                    "quantity": "1.5",
                    "unit": "kWh",
                    "rollover": False,
                    "line": 3,
                }
            ],
        }
    ]
    again = rows(("00310", 5), ("00311.5", 5), ("00312", 5))
    builders.ingest(again, name="again.csv", profile_code=kwh)
    stored = RegisterRead.objects.filter(channel=channel)
    assert [(r.text, r.digits, r.decimals, r.line) for r in stored] == [
        ("00310", 5, 0, 2), ("00311.5", 5, 1, 3), ("00312", 5, 0, 4),
    ]  # fmt: skip
    assert open_codes() == []


def test_an_interrupted_file_doubles_no_read(kwh, monkeypatch):
    make_channel("M/KWH")
    file = builders.receive(rows(("99990", 5), ("00310", 5)), profile_code=kwh)

    def stop(_):
        raise RuntimeError("the power went out")

    with monkeypatch.context() as broken:
        broken.setattr("meters.services.arriving.ingest._Reading._finish", stop)
        with pytest.raises(RuntimeError, match="power went out"):
            ingest_file(file.pk, now=NOW, actor=ACTOR)
    ingest_file(file.pk, now=NOW, actor=ACTOR)
    assert [r.text for r in RegisterRead.objects.all()] == ["99990", "00310"]
    assert open_codes() == ["REGISTER_UNPROVEN"]


def test_another_read_of_one_instant_is_a_new_row_and_a_warning(kwh):
    make_channel("M/KWH")
    builders.ingest(rows(("00310", 5)), profile_code=kwh)
    builders.ingest(rows(("00320", 5)), name="late.csv", profile_code=kwh)
    assert [r.text for r in RegisterRead.objects.all()] == ["00310", "00320"]
    (finding,) = Finding.objects.all()
    assert (finding.rule_code, finding.severity) == ("V03", "WARN")
    assert finding.message == "The source sent 00320 for a read that it had sent as 00310."


@pytest.mark.parametrize(
    ("reads", "capacity", "code", "limits", "words"),
    [
        ([("99990", 5), ("00310", 5)], Decimal(100), None, (None, None), ""),
        (
            [("99990", 5), ("00310", 5)], None, "REGISTER_UNPROVEN", (Decimal(320), None),
            "The register passed zero, forward by 320: 320 kWh, and the point has no capacity that "
            "would prove it.",
        ),
        (
            [("00105.4", 5), ("99110.5", 5)], Decimal(100), "REGISTER_RAN_BACK",
            (Decimal("99005.1"), Decimal(2400)),
            "The register went back by 994.9, or forward by 99005.1: 99005.1 kWh, and the point "
            "can carry 2400 kWh in that time.",
        ),
        (
            [("00105", 5), ("50000", 5)], Decimal(100), "REGISTER_IMPLAUSIBLE",
            (Decimal(49895), Decimal(2400)),
            "The register went forward by 49895: 49895 kWh, and the point can carry 2400 kWh in "
            "that time.",
        ),
        (
            [("100240", 6), ("00310", 5)], Decimal(100), "V28", (Decimal(5), Decimal(6)),
            "The register had 6 dials and has 5 now: another meter needs a REMOVE and an INSTALL "
            "read.",
        ),
    ],
)  # fmt: skip
def test_each_read_is_judged_against_the_one_before(kwh, reads, capacity, code, limits, words):
    channel = make_channel("M/KWH", capacity_kw=capacity)
    builders.ingest(rows(reads[0]), profile_code=kwh)
    receipt = builders.ingest(rows(*reads), name="next.csv", profile_code=kwh)
    assert receipt["error_count"] == 0
    if code is None:
        assert open_codes() == []
        return
    (finding,) = Finding.objects.all()
    assert (finding.rule_code, finding.severity, finding.channel_id) == (code, "HOLD", channel.pk)
    assert finding.message == words
    assert (finding.metric, finding.threshold) == limits
    assert (finding.start_utc, finding.end_utc) == (START, START + timedelta(days=1))


def test_the_capacity_of_the_unit_bounds_a_register_whose_point_has_none(kwh):
    channel = make_channel("M/KWH", capacity_kw=None)
    point = channel.delivery_point
    point.generating_unit = GeneratingUnit.objects.create(
        campus=point.campus, code="G1", name="G1", technology="SOLAR", nameplate_kw=Decimal(100)
    )
    point.save()
    builders.ingest(rows(("99990", 5), ("00310", 5)), profile_code=kwh)
    assert open_codes() == []
    jump = rows(("00310", 5)).replace(START.date().isoformat(), "2026-03-03")
    builders.ingest(jump.replace("00310", "50310"), name="jump.csv", profile_code=kwh)
    (finding,) = Finding.objects.all()
    assert finding.rule_code == "REGISTER_IMPLAUSIBLE"
    assert finding.message.startswith("The register went forward by 50000: 50000 kWh, and the")


def test_exchange_with_both_reads_is_no_finding_and_without_one_is(kwh):
    make_channel("M/KWH")
    reads = [("099900", 6), ("100240", 6), ("99990", 5)]
    whole = rows(*reads, kinds=["SCHEDULED", "REMOVE", "INSTALL"])
    builders.ingest(whole, profile_code=kwh)
    assert open_codes() == []
    make_channel("N/KWH")
    half = rows(*reads, kinds=["SCHEDULED", "SCHEDULED", "INSTALL"], meter="N")
    builders.ingest(half, profile_code=kwh)
    assert open_codes() == ["REGISTER_EXCHANGE"]


def test_published_nem13_quantity_that_is_not_the_advance_is_held():
    make_channel("NEM1311002/11")
    make_channel("NEM1313042/11")
    for name in ("aemo_delta_ne_quantity_CNRGYMDP_11.csv", "aemo_rollover5_CNRGYMDP_13.csv"):
        builders.ingest(cases("vee", "nem13", name).read_bytes(), name=name)
    (finding,) = Finding.objects.all()
    assert finding.rule_code == "REGISTER_QUANTITY"
    assert finding.message == (
        "The source states 31 kWh, the register says 172 kWh (38841 to 39013): 141 kWh apart, less "
        "than 1 kWh passes."
    )
    assert (finding.metric, finding.threshold) == (Decimal(141), Decimal(1))
    assert RegisterRead.objects.count() == 4


def test_reads_of_an_unknown_channel_wait_and_are_replayed(kwh):
    receipt = builders.ingest(rows(("00310", 5)), profile_code=kwh)
    assert [(row["code"], row["line_first"]) for row in receipt["quarantined"]] == [("F03", 2)]
    channel = make_channel("REAL/KWH")
    file = ImportFile.objects.get()
    record = QuarantinedRecord.objects.get(import_file=file)
    map_quarantine(record, channel, actor=ACTOR, now=NOW, reason="that meter")
    replay(file, now=NOW, actor=ACTOR)
    assert [r.channel_id for r in RegisterRead.objects.all()] == [channel.pk]


def test_wrong_unit_and_future_reads_are_quarantined(kwh):
    make_channel("M/KWH", unit="kVArh")
    make_channel("F/KWH")
    future = f"F,KWH,{(NOW + timedelta(days=1)).isoformat()},00310,5,,SCHEDULED\n"
    receipt = builders.ingest(rows(("00310", 5)) + future, profile_code=kwh)
    assert {(r["channel"], r["code"]) for r in receipt["quarantined"]} == {
        ("M/KWH", "F04"),
        ("F/KWH", "F08"),
    }
    assert RegisterRead.objects.count() == 0


def test_reads_are_compared_with_the_last_one_before_and_not_with_unseen_ones(kwh):
    make_channel("M/KWH", capacity_kw=Decimal(1))
    builders.ingest(rows(("00100", 5), ("00110", 5)), profile_code=kwh)
    broken = rows(("00999", 5)).replace("2026-03-01", "2026-03-03") + "M,KWH,never,1,5,,SCHEDULED\n"
    strict = make_profile("STRICT", format="register_csv@1", unit="kWh").code
    with pytest.raises(Refused, match="read_time 'never' is not a time stamp"):
        builders.ingest(broken, name="broken.csv", profile_code=strict)
    assert open_codes() == []
    late = rows(("00120", 5)).replace("2026-03-01", "2026-03-04")
    builders.ingest(late, name="late.csv", profile_code=kwh)
    assert open_codes() == []
    high = rows(("00500", 5)).replace("2026-03-01", "2026-03-05")
    builders.ingest(high, name="high.csv", profile_code=kwh)
    (finding,) = Finding.objects.filter(state="OPEN")
    assert finding.rule_code == "REGISTER_IMPLAUSIBLE"
    assert finding.start_utc == START + timedelta(days=3)


@pytest.mark.parametrize("statement", ["UPDATE {} SET text = '1'", "DELETE FROM {}"])
def test_reads_are_only_added(kwh, statement):
    make_channel("M/KWH")
    builders.ingest(rows(("00310", 5)), profile_code=kwh)
    with (
        pytest.raises(IntegrityError, match="rows of meters_registerread are kept as they are"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format("meters_registerread"))


# -- F05: shorter intervals -------------------------------------------------------------------


def test_shorter_intervals_are_summed_only_where_the_profile_says_so():
    channel = make_channel("M/KWH", minutes=15)
    text = long_csv(channel.code, START + timedelta(minutes=5), ["1.5"] * 7, minutes=5)
    receipt = builders.ingest(text)
    (refused,) = receipt["quarantined"]
    assert (refused["code"], refused["intervals"]) == ("F05", 7)
    assert "name their length in accept_lengths of the profile" in refused["message"]
    profile = make_profile("FIVE", options={"accept_lengths": [5]}).code
    receipt = builders.ingest(text, source="other", profile_code=profile)
    assert receipt["quarantined"] == []
    series = raw_series(channel.pk, START, START + timedelta(minutes=45))[0]
    # The first quarter lacks its first part, the last one two: a part is no sum.
    assert series.decimals() == [None, Decimal("4.5"), None]
    (row,) = receipt["channels"]
    assert (row["intervals"], row["missing"], row["minutes"]) == (3, 2, 15)


def test_longer_intervals_are_never_cut():
    channel = make_channel("M/KWH", minutes=15)
    profile = make_profile("HOUR", options={"accept_lengths": [60]}).code
    text = long_csv(channel.code, START, ["4"], minutes=60)
    receipt = builders.ingest(text, profile_code=profile)
    assert [row["code"] for row in receipt["quarantined"]] == ["F05"]


def test_sums_keep_the_worst_status_and_are_judged_as_usual():
    channel = make_channel("M/KWH", minutes=15)
    profile = make_profile("FIVE", options={"accept_lengths": [5]}).code
    text = long_csv(channel.code, START, ["1"] * 288, minutes=5).replace(",A", ",E", 1)
    builders.ingest(text, profile_code=profile)
    series = raw_series(channel.pk, START, START + timedelta(hours=24))[0]
    assert series.total() == 288
    assert series.status[:2].tolist() == [Status.ESTIMATED, Status.RAW]
    summary = validate_days([channel.pk], START.date(), START.date(), now=NOW, actor=ACTOR)
    assert summary.findings == {}


# -- registers of time-of-use periods ----------------------------------------------------------


def test_registers_of_periods_are_kept_apart_and_must_add_up_to_the_total():
    channel = make_channel("TOU/KWH")
    midnight, following = campus.local("2025-06-17"), campus.local("2025-06-18")
    campus.quiet()
    campus.store_day(channel, "2025-06-17", ["1.5"])
    head = "meter_id,channel,read_time,register,digits,multiplier,read_type,bucket"
    rows = [
        f"TOU,KWH,{at.isoformat()},{text},6,,SCHEDULED,{bucket}"
        for bucket, texts in {
            "": ("001000.0", "001144.0"), "PEAK": ("000600.0", "000650.0"),
            "REST": ("000400.0", "000494.0"),
        }.items()
        for at, text in zip((midnight, following), texts, strict=True)
    ]  # fmt: skip
    make_profile("TOU", format="register_csv@1", unit="kWh")

    def send(lines, name):
        text = "\n".join([head, *lines]) + "\n"
        receipt = builders.ingest(text, name=name, profile_code="TOU", now=campus.LATER)
        assert receipt["error_count"] == 0, receipt
        campus.judge(channel, first="2025-06-17")
        return receipt

    receipt = send(rows, "registers.csv")
    assert RegisterRead.objects.filter(channel=channel).count() == 6
    (counted,) = receipt["registers"]
    assert (counted["reads"], counted["last"]["register"]) == (6, "001144.0")
    assert not open_findings(channel_ids=[channel.pk]).exists()

    send([rows[3].replace("000650.0", "000651.0")], "peak.csv")
    assert {f.rule_code for f in open_findings(channel_ids=[channel.pk])} == {"V20T", "V03"}
    found = open_findings(channel_ids=[channel.pk]).get(rule_code="V20T")
    assert (found.severity, found.metric, found.threshold) == ("HOLD", Decimal(1), Decimal("0.2"))
    assert found.message == (
        "The registers PEAK, REST advanced together by 145 kWh, the total register by 144 kWh: "
        "1 kWh apart, allowed are 0.2 kWh."
    )
    series = final_series(channel.pk, midnight, following)[0]
    assert (series.total(), series.worst_status) == (Decimal(144), Status.SUSPECT)
    shown = registers_shown(channel, midnight, following)
    assert [each.text for each in shown] == ["001000.0", "001144.0"]
