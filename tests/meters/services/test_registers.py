"""Register reads and stated multipliers: stored once, judged, held, released."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from meters.models import Finding, ImportFile, Installation, QuarantinedRecord, RegisterRead
from meters.queries import final_series, open_findings, raw_series
from meters.queries.registers import registers_shown
from meters.services import ingest_file, map_quarantine, replay, reread_file, validate_days
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Status
from tests.meters import builders
from tests.meters.builders import ACTOR, NOW, cases, install, long_csv, make_channel, make_profile
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
    ("reads", "capacity", "code", "words"),
    [
        ([("99990", 5), ("00310", 5)], Decimal(100), None, ""),
        ([("99990", 5), ("00310", 5)], None, "REGISTER_UNPROVEN", "no capacity that would prove"),
        ([("00105.4", 5), ("99110.5", 5)], Decimal(100), "REGISTER_RAN_BACK", "back by 994.9"),
        ([("00105", 5), ("50000", 5)], Decimal(100), "REGISTER_IMPLAUSIBLE", "forward by 49895"),
        ([("100240", 6), ("00310", 5)], Decimal(100), "V28", "had 6 dials and has 5 now"),
    ],
)
def test_each_read_is_judged_against_the_one_before(kwh, reads, capacity, code, words):
    channel = make_channel("M/KWH", capacity_kw=capacity)
    builders.ingest(rows(reads[0]), profile_code=kwh)
    receipt = builders.ingest(rows(*reads), name="next.csv", profile_code=kwh)
    assert receipt["error_count"] == 0
    if code is None:
        assert open_codes() == []
        return
    (finding,) = Finding.objects.all()
    assert (finding.rule_code, finding.severity, finding.channel_id) == (code, "HOLD", channel.pk)
    assert words in finding.message
    assert (finding.start_utc, finding.end_utc) == (START, START + timedelta(days=1))


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
    assert finding.message == "The source states 31, the register says 172 (38841 to 39013)."
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


# -- F06: the multiplier that the file states -------------------------------------------------


def cmep(constant, units="KWH"):
    return (
        f"MEPMD01,20080501,S,,T,,202603020000,M,OK,E,{units},{constant},00000015,2,"
        "202603010615,R0,10,,R0,11\n"
    )


@pytest.fixture
def utc():
    """Return a profile for CMEP in UTC."""
    return make_profile("CMEP", format="cmep@1", zone="UTC").code


@pytest.mark.parametrize(
    ("installed", "stated", "held"),
    [(None, "1.0", False), (None, "400.0", True), (Decimal(400), "400", False),
     (Decimal(400), "1", True)],
)  # fmt: skip
def test_intervals_must_state_what_they_will_be_multiplied_by(utc, installed, stated, held):
    channel = make_channel("M/KWH", multiplier=installed)
    builders.ingest(cmep(stated), name="file.txt", profile_code=utc)
    assert raw_series(channel.pk, START, START + timedelta(minutes=30))[0].total() == 21
    assert open_codes() == (["F06"] if held else [])
    if held:
        (finding,) = Finding.objects.all()
        serial = Installation.objects.get().meter.serial
        wanted = f"{installed or 1}"
        assert finding.severity == "HOLD"
        assert finding.message.startswith(
            f"file.txt states the multiplier {Decimal(stated).normalize():f}; meter {serial} is "
            f"installed with {wanted}, and "
        )


def test_registers_may_state_the_ratios_or_one_where_the_source_applies_them(kwh):
    applied = make_channel("A/KWH", installed_from=None)
    row = install(applied, START - timedelta(days=9), None, Decimal(400))
    row.multiplier_applied_by_source = True
    row.save()
    for stated in ("400", "1"):
        name = f"{stated}.csv"
        text = rows(("00310", 5), meter="A", multiplier=stated)
        builders.ingest(text, name=name, profile_code=kwh)
    assert open_codes(rule_code="F06") == []
    builders.ingest(rows(("00310", 5), meter="A", multiplier="40"), name="b.csv", profile_code=kwh)
    assert open_codes(rule_code="F06") == ["F06"]


def test_a_remove_read_belongs_to_the_meter_that_goes(kwh):
    channel = make_channel("M/KWH", installed_from=None)
    change = START + timedelta(days=1)
    install(channel, START - timedelta(days=9), change, Decimal(400))
    install(channel, change + timedelta(minutes=12), None, Decimal(200))
    text = rows(("00310", 5), ("00311", 5), kinds=["SCHEDULED", "REMOVE"], multiplier="400")
    builders.ingest(text, profile_code=kwh)
    assert open_codes() == []


def test_reading_again_after_the_installation_was_mended_releases(utc):
    channel = make_channel("M/KWH", multiplier=Decimal(40))
    builders.ingest(cmep("400"), profile_code=utc)
    file = ImportFile.objects.get()
    reread_file(file.pk, now=NOW, actor=ACTOR, reason="looked again")
    assert open_codes() == ["F06"]
    Installation.objects.filter(channel=channel).update(ct_ratio=400)
    reread_file(file.pk, now=NOW, actor=ACTOR, reason="ratio corrected")
    (finding,) = Finding.objects.all()
    assert finding.state == "CLOSED"
    assert finding.reason == "The file was read again and this was no longer found."


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
