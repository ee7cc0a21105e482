"""The page of a file: what is missing, what was replaced, and what rules found on it."""

import io
import json
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from meters.models import Finding, ImportFile, ImportProfile, QuarantinedRecord
from meters.services import map_quarantine, validate_days
from meters.services.arriving.files import as_profile
from meters.services.arriving.rehearsing import rehearse
from meters.services.arriving.tallies import Tally
from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from poweroptix.jobs.services import drain
from poweroptix.kernel.errors import Refused
from tests.meters import builders
from tests.meters.builders import long_csv, make_channel
from tests.meters.services.test_vee import ACTOR, DAY, NOW, START

pytestmark = pytest.mark.django_db
QUARTER = timedelta(minutes=15)


@pytest.fixture
def analyst(client):
    client.force_login(create_user("ana", None, role="analyst", actor=Actor.system("test")))
    return client


def page_of(client, file):
    return client.get(reverse("office-import", args=[getattr(file, "pk", file)]))


def shown(client, file):
    return " ".join(page_of(client, file).content.decode().split())


def judge(channel):
    return validate_days([channel.pk], DAY, DAY, now=NOW, actor=ACTOR)


def with_hole(code, first, count):
    """Return a flat day of 96 quarters without some of them."""
    before = long_csv(code, START, ["100"] * first)
    after = long_csv(code, START + (first + count) * QUARTER, ["100"] * (96 - first - count))
    return before + after.partition("\n")[2]


def test_a_hole_inside_a_file_is_counted_placed_and_followed(analyst):
    channel = make_channel()
    receipt = builders.ingest(with_hole(channel.code, 12, 12))
    (row,) = receipt["channels"]
    assert (row["intervals"], row["missing"], row["absent"]) == (84, 0, 12)
    assert row["holes"] == [
        {"from_utc": "2026-03-03T09:00:00Z", "to_utc": "2026-03-03T12:00:00Z", "intervals": 12}
    ]
    before = shown(analyst, receipt["file"])
    assert "no value for 12 intervals, 2026-03-03 03:00 to 06:00 CST" in before
    assert "What rules found" not in before
    judge(channel)
    page = page_of(analyst, receipt["file"])
    (found,) = page.context["judged"]["rows"]
    one = found["one"]
    assert (one.rule_code, one.findings, one.intervals, one.state) == ("V01", 1, 12, "OPEN")
    assert "waits for a person" in page.content.decode()
    assert found["link"] == reverse("office-finding", args=[one.finding_id])
    assert f'<a href="{found["link"]}">Gap (V01)</a>' in page.content.decode()


def test_a_gap_that_was_estimated_says_by_which_method(analyst):
    channel = make_channel()
    receipt = builders.ingest(with_hole(channel.code, 12, 4))
    judge(channel)
    page = page_of(analyst, receipt["file"])
    (found,) = page.context["judged"]["rows"]
    assert (found["one"].intervals, found["one"].method) == (4, "INTERPOLATE")
    assert "estimated by interpolate" in page.content.decode()
    assert page.context["judged"]["open"] == 0


def test_intervals_that_came_empty_count_as_missing(analyst):
    channel = make_channel()
    text = long_csv(channel.code, START, ["100"] * 40)
    empty = long_csv(channel.code, START + 40 * QUARTER, ["0"] * 4, status="N")
    receipt = builders.ingest(text + empty.partition("\n")[2])
    (row,) = receipt["channels"]
    assert (row["missing"], row["absent"], row["holes"][0]["intervals"]) == (4, 0, 4)
    (arrived,) = page_of(analyst, receipt["file"]).context["arrived"]
    assert (arrived["lacking"], arrived["unlisted"]) == (4, 0)


def test_a_receipt_from_before_holes_were_counted_is_still_shown(analyst):
    channel = make_channel()
    receipt = builders.ingest(with_hole(channel.code, 12, 12))
    file = ImportFile.objects.get(pk=receipt["file"])
    for name in ("absent", "holes"):
        del file.receipt["channels"][0][name]
    file.save()
    assert "no value for" not in shown(analyst, file)


def test_what_this_file_raised_is_told_apart_from_what_was_open_before(analyst):
    channel = make_channel(capacity_kw=Decimal(1000))
    day_before, later = START - timedelta(days=1), NOW + timedelta(hours=1)
    builders.ingest(long_csv(channel.code, day_before, ["100"] * 96))
    Finding.objects.create(
        channel=channel, rule_code="V15", severity="HOLD", message="Zero.", created_at=NOW,
        start_utc=day_before, end_utc=day_before + QUARTER,
    )  # fmt: skip
    receipt = builders.ingest(long_csv(channel.code, START, ["0.1"] * 95 + ["0.2"]), now=later)
    validate_days([channel.pk], DAY, DAY, now=later, actor=ACTOR)
    own = Finding.objects.get(rule_code="F10")
    page = page_of(analyst, receipt["file"])
    told = page.context["judged"]
    assert [(one["title"], one["count"]) for one in told["by_rule"] if "F10" in one["title"]] == [
        ("Implausible unit (F10)", 1)
    ]
    assert page.context["older_findings"] == 1
    text = " ".join(page.content.decode().split())
    assert f"This file raised {told['open']} open exception" in text
    assert "1 open exception on these channels is not of this file." in text
    listed = analyst.get(told["link"]).content.decode()
    assert own.message.partition(":")[0] in listed
    assert "Zero." not in listed
    (link,) = [one["link"] for one in told["by_rule"] if "F10" in one["title"]]
    assert own.message.partition(":")[0] in analyst.get(link).content.decode()
    assert analyst.get(reverse("office-findings"), {"file": 987654}).status_code == 404


def test_a_resend_says_whose_readings_it_replaces_and_by_how_much(analyst):
    channel = make_channel(multiplier=Decimal(2))
    older = builders.ingest(long_csv(channel.code, START, ["100"] * 96))
    assert older["replaces"] == []
    text = long_csv(channel.code, START, ["100"] * 90 + ["112.5"] * 6 + ["7"] * 4)
    told = rehearse(
        io.BytesIO(text.encode()),
        ImportFile(name="b.csv", source="test", format="csv_long@1", received_at=NOW),
        as_profile(ImportProfile(code="P", format="csv_long@1"), NOW),
        now=NOW,
    )
    newer = builders.ingest(text, name="b.csv")
    row = {"code": channel.code, "unit": "kWh", "file": older["file"], "intervals": 6}
    assert newer["replaces"] == told["replaces"] == [row | {"difference": "75"}]
    assert newer["stored"] == told["stored"] | {"blocks": newer["stored"]["blocks"]}
    page = shown(analyst, newer["file"])
    link = reverse("office-import", args=[older["file"]])
    assert (
        f'replaces 6 readings of <a href="{link}">file #{older["file"]}</a>, +75.000 kWh as sent, '
        "+150.000 kWh times the multiplier" in page
    )
    assert "<dt>Replaced</dt><dd>6</dd>" in page


def test_what_is_replaced_is_told_file_by_file():
    channel, other = make_channel(), make_channel("TEN-BRAVO/DEL_KWH")
    first = builders.ingest(long_csv(channel.code, START, ["1"] * 4))
    second = builders.ingest(long_csv(channel.code, START + 4 * QUARTER, ["2"] * 4))
    third = builders.ingest(long_csv(other.code, START, ["3"] * 4))
    text = long_csv(channel.code, START, ["0"] * 8)
    text += long_csv(other.code, START, ["4"] * 4).partition("\n")[2]
    found = builders.ingest(text)["replaces"]
    assert [(r["code"], r["file"], r["intervals"], r["difference"]) for r in found] == [
        (channel.code, first["file"], 4, "-4"),
        (channel.code, second["file"], 4, "-8"),
        (other.code, third["file"], 4, "4"),
    ]


def test_counts_kept_with_a_window_go_on_where_they_stopped():
    tally = Tally(Counter(new=3, replaced=2), Counter({(7, 9): 2}), Counter({(7, 9): -5}))
    again = Tally.from_json(json.loads(json.dumps(tally.to_json())))
    assert again == tally
    assert again.plus(tally).lost == {(7, 9): 4}
    assert again.plus(tally).changed_micro == {(7, 9): -10}
    assert Tally.from_json({}).stored() == {"new": 0, "same": 0, "replaced": 0, "ignored": 0}


def test_the_job_of_a_reading_is_titled_by_the_name_of_its_file(analyst):
    channel = make_channel()
    text = long_csv(channel.code, START, ["100"] * 4)
    sent = {"source": "ami", "files": SimpleUploadedFile("september.csv", text.encode())}
    answer = analyst.post(reverse("office-upload"), sent)
    waiting = analyst.get(answer.url).content.decode()
    assert "<h1>Ingest file: september.csv</h1>" in waiting
    assert ImportFile.objects.get().sha256 not in waiting
    assert ("Open the file" in waiting, "Open the outcome" in waiting) == (True, False)
    drain(60)
    assert "Open the outcome" in analyst.get(answer.url).content.decode()


def test_a_file_in_another_unit_says_that_nothing_was_taken_and_offers_no_mapping(analyst):
    channel = make_channel()
    receipt = builders.ingest(long_csv(channel.code, START, ["100"] * 4, unit="kVArh"))
    record = QuarantinedRecord.objects.get()
    assert (receipt["intervals"], record.code, record.can_be_mapped) == (0, "F04", False)
    text = shown(analyst, receipt["file"])
    assert "<strong>Nothing was taken.</strong>" in text
    assert "Map and read" not in text
    assert "correct the unit of the channel, then read the file again." in text
    with pytest.raises(Refused, match="No mapping mends that: set the unit"):
        map_quarantine(record, channel, actor=ACTOR, now=NOW, reason="try")
    good = builders.ingest(long_csv(channel.code, START, ["100"] * 4))
    assert "Nothing was taken." not in shown(analyst, good["file"])
