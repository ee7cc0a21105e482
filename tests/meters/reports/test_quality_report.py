"""The quality report: figures worked by hand, its forms, and its queries."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.urls import reverse

from meters.calc.availability import Outage
from meters.calc.quality_report import (
    ChannelRow,
    EditRow,
    FinalRow,
    FindingRow,
    Header,
    LateRow,
    OutageRow,
    build_report,
)
from meters.queries.quality import quality_report
from meters.reports.files import quality_csv, quality_json, quality_pdf
from meters.reports.quality import summary, tables
from meters.services import edit_readings, validate_days
from poweroptix.kernel.period import Period
from tests.meters.builders import ACTOR, NOW, ingest, long_csv, make_campus, make_channel

START = datetime(2026, 3, 1, 6, tzinfo=UTC)
END = datetime(2026, 4, 1, 5, tzinfo=UTC)
MADE = datetime(2026, 4, 10, tzinfo=UTC)
HEADER = Header("CAP", "Cap", "America/Chicago", "2026-03", START, END, MADE)


def a_channel(code="A", **more):
    said = {
        "unit": "kWh",
        "received": 6,
        "counts": {"A": 6, "E": 2, "M": 1, "X": 1},
        "energy": {"A": Decimal(600), "E": Decimal(150), "M": Decimal(50)},
        "methods": {"LIKE_DAY": (2, Decimal(150))},
    } | more
    return ChannelRow(code, **said)


def test_shares_of_intervals_and_energy():
    row = a_channel()
    assert (row.expected, row.received_ratio) == (10, Fraction(6, 10))
    assert [row.share(name) for name in "AEMX"] == [
        Fraction(6, 10), Fraction(2, 10), Fraction(1, 10), Fraction(1, 10),
    ]  # fmt: skip
    assert row.energy_share("E") is None, "one interval is missing: the whole is unknown"
    whole = a_channel(counts={"A": 6, "E": 2, "M": 1})
    assert whole.energy_share("E") == Fraction(150, 800)


def test_totals_are_those_of_the_balance():
    report = build_report(
        HEADER, channels=[a_channel("B"), a_channel("A"), a_channel("F", is_balance=False)]
    )
    assert [row.code for row in report.channels] == ["A", "B", "F"]
    assert (report.total.expected, report.total.received, report.total.total) == (20, 12, 1600)
    (line,) = report.methods
    assert (line.method, line.channels, line.intervals, line.energy) == ("LIKE_DAY", 3, 6, 450)


def test_a_computed_channel_receives_nothing_and_only_energy_adds_up():
    computed, level = a_channel("B", received=None), a_channel("C", is_energy=False)
    report = build_report(HEADER, channels=[a_channel(), computed, level])
    complete, energy = tables(report)[:2]
    assert [row[2] for row in complete.rows] == [Fraction(6, 10), None, Fraction(6, 10)]
    assert [row[0] for row in energy.rows] == ["A", "B"]


def test_a_state_of_charge_is_no_energy(db):
    make_channel("BAT/SOC", quantity="SOC", unit="ratio", kind="STORAGE")
    (row,) = report_of().channels
    assert (row.is_energy, row.received) == (False, 0)


def test_findings_by_rule_state_and_age():
    found = [
        FindingRow("V01", "Gap", "Open", MADE - timedelta(days=7), None),
        FindingRow("V01", "Gap", "Open", MADE - timedelta(days=6), None),
        FindingRow("V01", "Gap", "Estimated", MADE - timedelta(days=40),
                   MADE - timedelta(days=39, hours=1)),
    ]  # fmt: skip
    report = build_report(HEADER, channels=[], findings=found)
    assert [(one.state, one.by_age, one.count) for one in report.findings] == [
        ("Estimated", (1, 0, 0, 0), 1),
        ("Open", (0, 1, 1, 0), 2),
    ]


def test_edits_by_person_and_reason():
    edits = [
        EditRow("user:ann", "user:bob", "Meter faulty", Decimal("-12.5"), "kWh"),
        EditRow("user:ann", "", "Meter faulty", Decimal("2"), "kWh"),
        EditRow("user:ann", "", "Outage confirmed", None, "kWh"),
    ]
    found = build_report(HEADER, channels=[], edits=edits).edits
    assert [(one.count, one.confirmed, one.change) for one in found] == [
        (2, 1, Decimal("-10.5")),
        (1, 0, None),
    ]


def test_late_channels_come_with_the_oldest_day_first():
    late = [
        LateRow("B", 26, 1, 4, date(2026, 3, 9), 30),
        LateRow("A", 26, 2, 5, date(2026, 3, 5), 126),
    ]
    report = build_report(HEADER, channels=[], late=late)
    table = next(one for one in tables(report) if one.key == "late_channels")
    assert table.rows == (("A", 26, 2, 5, "2026-03-05", 126), ("B", 26, 1, 4, "2026-03-09", 30))


def test_time_to_final_and_interruptions():
    finals = [FinalRow("A", [60, 180, 600, 120, None]), FinalRow("B", [None])]
    outages = [
        OutageRow("P", Outage(START, START + timedelta(minutes=90), True)),
        OutageRow("P", Outage(START + timedelta(minutes=60), START + timedelta(hours=2), False)),
    ]
    report = build_report(HEADER, channels=[], finals=finals, outages=outages)
    first, second = report.finals
    assert (first.days, first.waiting, first.median_hours, first.longest_hours) == (
        5, 1, Decimal("2.5"), Decimal(10),
    )  # fmt: skip
    assert (second.waiting, second.median_hours) == (1, None)
    (line,) = report.outages
    assert (line.minutes.total, line.minutes.planned, line.minutes.unplanned) == (120, 60, 60)


def test_every_cell_of_the_file_says_what_it_is():
    report = build_report(HEADER, channels=[a_channel()], finals=[FinalRow("A", [60])])
    rows = list(csv.reader(io.StringIO(quality_csv(report).decode())))
    assert rows[0] == ["table", "item", "measure", "value", "unit"]
    assert ["completeness", "A", "Received", "0.600000", "ratio"] in rows
    assert ["energy", "A", "Energy with a value", "800", "kWh"] in rows
    assert ["energy", "A", "Estimated", "", "ratio"] in rows
    assert ["estimates", "Like day / kWh", "Energy", "150", "kWh"] in rows
    assert ["time_to_final", "A", "Median (h)", "1", "hours"] in rows
    document = json.loads(quality_json(report))
    assert document["format"] == "quality_report@1"
    assert [one["key"] for one in document["tables"]] == [one.key for one in tables(report)]


def test_the_head_never_rounds_a_gap_away():
    row = a_channel(received=99_999, counts={"A": 99_999, "X": 1}, methods={})
    facts = {name: value for name, value, _of in summary(build_report(HEADER, channels=[row]))}
    assert facts["Received"] == "over 99.99 %"
    assert facts["Missing"] == "under 0.01 %"
    assert facts["Edited"] == "0 %"


@pytest.mark.parametrize("paper", ["letter", "a4"])
def test_paper_is_the_same_every_time(paper):
    report = build_report(HEADER, channels=[a_channel()])
    pdf = quality_pdf(report, paper)
    assert pdf.startswith(b"%PDF-")
    assert pdf == quality_pdf(report, paper)


@pytest.fixture
def month(db):
    """A local month of hourly readings of 10 kWh; two hours of 5 March never came."""
    channel = make_channel(minutes=60)
    rows = long_csv(channel.code, START, [Decimal(10)] * 743, minutes=60).splitlines(keepends=True)
    del rows[1 + 4 * 24 + 3 : 1 + 4 * 24 + 5]
    ingest("".join(rows), now=END + timedelta(hours=31))
    return channel


def judged(channel, now=NOW):
    validate_days([channel.pk], date(2026, 3, 1), date(2026, 3, 31), now=now, actor=ACTOR)


def report_of(now=MADE):
    campus = make_campus()
    return quality_report(campus, Period.month(campus.zone, "2026-03"), now=now, titles={})


def test_a_month_of_readings(month):
    judged(month, now=END + timedelta(hours=48))
    report = report_of()
    (row,) = report.channels
    assert (row.expected, row.received) == (743, 741)
    assert (row.counts["A"], row.counts["E"], row.counts["X"]) == (741, 2, 0)
    assert (row.energy["A"], row.energy["E"]) == (7410, 20)
    assert sum(count for count, _energy in row.methods.values()) == 2
    (late,) = report.late
    assert (late.code, late.days, late.missing) == (row.code, 1, 2)
    assert late.oldest == date(2026, 3, 5)
    end = datetime(2026, 3, 6, 6, tzinfo=UTC)  # of the day, the grace of 26 hours after it
    assert late.hours_late == (MADE - end) // timedelta(hours=1) - 26
    (final,) = report.finals
    assert (final.days, final.waiting) == (31, 0)
    # Thirty days of 24 hours lie between the end of 1 March and the end of the month, less the
    # hour that the clock skipped; the 31st waited 48 hours.
    assert (final.median_hours, final.longest_hours) == (48 + 15 * 24, 48 + 30 * 24 - 1)
    (gap,) = report.findings
    assert (gap.rule_code, gap.state, gap.by_age) == ("V01", "Estimated", (1, 0, 0, 0))


def test_days_that_have_not_ended_are_not_counted(month):
    judged(month)
    (final,) = report_of(now=datetime(2026, 3, 3, 6, tzinfo=UTC)).finals
    assert final.days == 2


def test_an_edit_stands_in_the_month(month):
    judged(month)
    edit_readings(
        month, START, START + timedelta(hours=1), "SET", operand=Decimal("12"),
        reason_code="METER_FAULT", comment="read on site", actor=ACTOR, now=NOW,
    )  # fmt: skip
    (line,) = report_of().edits
    assert (line.reason, line.count, line.change) == ("Meter faulty", 1, Decimal(2))


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 5])
def test_as_many_questions_for_many_channels(django_assert_max_num_queries, count):
    for n in range(count):
        channel = make_channel(f"T-{n}/X", minutes=60)
        ingest(long_csv(channel.code, START, [Decimal(1)] * 24, minutes=60), name=f"{n}.csv")
    with django_assert_max_num_queries(10):
        assert len(report_of().channels) == count


def test_the_page_and_its_files(client, month):
    judged(month)
    client.force_login(get_user_model().objects.create_user("ann", role="auditor"))
    url = reverse("office-quality")
    page = client.get(url, {"month": "2026-03"}).content.decode()
    assert "Completeness by channel" in page
    assert "Nobody edited a reading" in page
    for form, kind in (("csv", "text/csv"), ("json", "application/json"), ("pdf", "pdf")):
        sent = client.get(url, {"month": "2026-03", "export": form})
        assert kind in sent["Content-Type"]
        assert f"quality_CAP_2026-03.{form}" in sent["Content-Disposition"]
    assert client.get(url, {"export": "doc", "month": "2026-03"}).status_code == 404
    assert client.get(url, {"campus": "NOWHERE"}).status_code == 404
    assert client.get(url, {"month": "March"}).status_code == 400


def test_the_command(month, tmp_path, capsys):
    judged(month)
    call_command("quality_report", "CAP", "2026-03", "--pdf", "--csv", "--folder", str(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "quality_CAP_2026-03.csv",
        "quality_CAP_2026-03.pdf",
    ]
    call_command("quality_report", "CAP", "2026-03", "--json")
    assert '"format": "quality_report@1"' in capsys.readouterr().out


@pytest.mark.django_db
def test_the_command_refuses_an_unknown_campus(capsys):
    with pytest.raises(SystemExit, match="1"):
        call_command("quality_report", "NOWHERE", "2026-03")
    assert "There is no campus NOWHERE" in capsys.readouterr().err
