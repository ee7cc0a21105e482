"""Profiles beside a sample, dry runs, workbooks by clicks, and the quarantine of all files."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook

from meters.models import (
    Campus,
    Channel,
    ChannelAlias,
    ImportFile,
    ImportProfile,
    QuarantinedRecord,
    ReadingBlock,
)
from meters.pages import import_profiles
from meters.queries import raw_series
from poweroptix.accounts.services import create_user
from poweroptix.audit.actor import Actor
from poweroptix.audit.models import AuditEvent
from poweroptix.jobs.models import Job
from poweroptix.jobs.services import drain
from tests.meters import builders
from tests.meters.builders import long_csv, make_channel, make_profile

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
NEW = "office-import-profile-new"
LIVE = {"HTTP_HX_REQUEST": "true"}
PLAIN = {
    "format": "csv_long@1", "label": "BEGIN", "sign": "1", "on_duplicate": "refuse",
    "on_row_error": "quarantine",
}  # fmt: skip


@pytest.fixture
def analyst(client):
    return logged_in(client, "ana", "analyst")


def logged_in(client, name, role):
    client.force_login(create_user(name, None, role=role, actor=Actor.system("test")))
    return client


def text_of(answer):
    return answer.content.decode()


def sample(text, name="sample.csv"):
    return SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())


def workbook():
    book = Workbook()
    page = book.active
    page.title = "Readings"
    book.create_sheet("Notes").append(["nothing"])
    page.append(["Plant report"])
    page.append(["When", "Tag", "Energy MWh", "Remark"])
    for n in range(4):
        when = datetime(2026, 3, 1) + timedelta(minutes=15 * (n + 1))
        page.append([when, "M1", (5 + n) / 10, "fine"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


MAPPED = {
    "mapped": "1",
    "column": ["When", "Tag", "Energy MWh", "Remark"],
    "role": ["interval_start", "meter_id", "value", "-"],
    "fixed-channel": "KWH",
    "fixed-interval_seconds": "900",
}
SHEET = PLAIN | {
    "code": "PLANT-XLSX", "format": "xlsx@1", "zone": "America/Chicago", "label": "END",
    "unit": "MWh", "header_row": "2", "sheet": "Readings",
}  # fmt: skip


def test_a_change_is_shown_and_nothing_is_stored(analyst):
    make_channel("M1/KWH")
    text = long_csv("M1/KWH", START, ["2", "x"])
    answer = analyst.post(
        reverse(NEW), PLAIN | {"code": "P", "unit": "MWh", "sample": sample(text)}, **LIVE
    )
    page = text_of(answer)
    assert answer.status_code == 200
    assert "Line 3" in page
    assert "2026-03-01" not in page  # the faulty row takes its channel-day with it
    good = sample(long_csv("M1/KWH", START, ["2", "3"]))
    page = text_of(analyst.post(reverse(NEW), PLAIN | {"code": "P", "sample": good}, **LIVE))
    assert "2026-03-01 06:00 +0000" in page
    assert "<h1>" not in page
    assert (ImportProfile.objects.count(), ImportFile.objects.count()) == (0, 0)


def test_a_workbook_is_mapped_looked_at_rehearsed_and_read(analyst):
    channel = make_channel("M1/KWH")
    blank = text_of(analyst.post(reverse(NEW), SHEET | {"sample": sample(workbook(), "b.xlsx")}))
    assert "Not found yet" in blank
    assert "interval_start" in blank
    asked = SHEET | MAPPED
    page = text_of(
        analyst.post(reverse(NEW), asked | {"sample": sample(workbook(), "b.xlsx")}, **LIVE)
    )
    assert "2026-03-01 00:15 -0600" in page
    assert "Not found yet" not in page
    dry = analyst.post(
        reverse(NEW), asked | {"action": "dry", "sample": sample(workbook(), "b.xlsx")}, **LIVE
    )
    assert "Nothing has been stored." in text_of(dry)
    assert "2,600.000" in text_of(dry)
    assert ReadingBlock.objects.count() == ImportFile.objects.count() == 0
    asked |= {"action": "save_read", "reason": "New plant", "sample": sample(workbook(), "b.xlsx")}
    answer = analyst.post(reverse(NEW), asked, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("office-job", args=[Job.objects.get().pk])
    drain(60)
    series = raw_series(channel.pk, START, START + timedelta(hours=1))[0]
    assert series.values.tolist() == [500_000_000, 600_000_000, 700_000_000, 800_000_000]
    kept = ImportProfile.objects.get()
    assert kept.options == {
        "sheet": "Readings",
        "header_row": 2,
        "columns": {"When": "interval_start", "Tag": "meter_id", "Energy MWh": "value"},
        "ignore_columns": ["Remark"],
        "channel": "KWH",
        "interval_seconds": "900",
    }
    assert ImportFile.objects.get().profile_code == "PLANT-XLSX"
    again = text_of(analyst.get(reverse("office-import-profile", args=[kept.pk])))
    assert 'value="Readings"' in again


@pytest.mark.parametrize("pressed", ["dry", "save", "save_read"])
def test_a_change_shows_the_sample_again_whatever_was_pressed_last(analyst, pressed):
    make_channel("M1/KWH")
    good = sample(long_csv("M1/KWH", START, ["2", "3"]))
    asked = PLAIN | {"code": "P", "sample": good, "action": pressed, "reason": "Long enough"}
    page = text_of(analyst.post(reverse(NEW), asked, **LIVE, HTTP_HX_TARGET="look"))
    assert "First readings of each channel" in page
    assert "Nothing has been stored." not in page
    assert (ImportProfile.objects.count(), Job.objects.count()) == (0, 0)


def test_saving_keeps_both_versions_with_person_and_reason(analyst):
    row = make_profile("P", unit="kWh")
    address = reverse("office-import-profile", args=[row.pk])
    asked = PLAIN | {"code": "P", "unit": "MWh", "quality": "K = EDITED", "accept_lengths": "5"}
    refused = analyst.post(address, asked | {"action": "save", "reason": "x"})
    assert "Say in a few words" in text_of(refused)
    analyst.post(address, asked | {"action": "save", "reason": "They send MWh"})
    row.refresh_from_db()
    assert (row.unit, row.quality_map) == ("MWh", {"K": "EDITED"})
    assert row.options == {"accept_lengths": [5]}
    event = AuditEvent.objects.get(action="profile.change")
    assert (event.before["unit"], event.after["unit"]) == ("kWh", "MWh")
    assert (event.actor_name, event.reason) == ("ana", "They send MWh")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("quality", "K EDITED", "is not letter = STATUS"),
        ("quality", "K = PERHAPS", "which is no status"),
        ("accept_lengths", "5 min", "Write minutes such as 5, 15."),
        ("accept_lengths", "7", "accept_lengths is [7]"),
        ("more", "{", "This is not JSON."),
        ("more", "[1]", "Names with values are needed"),
        ("more", '{"columns": 5}', "columns is 5"),
        ("zone", "Mars/Base", "Mars/Base"),
        ("unit_factor", "-1", "unit factor is above 0"),
        ("header_row", "0", "greater than or equal to 1"),
        ("on_duplicate", "maybe", "valid choice"),
    ],
)
def test_what_no_reader_could_use_is_said_at_its_field(analyst, field, value, said):
    answer = analyst.post(reverse(NEW), PLAIN | {"code": "P", field: value, "action": "save"})
    assert answer.status_code == 400
    assert said in text_of(answer).replace("&#x27;", "'")
    assert ImportProfile.objects.count() == 0


def test_a_sample_that_is_too_large_is_refused(analyst, monkeypatch):
    monkeypatch.setattr(import_profiles, "SAMPLE_BYTES", 10)
    text = long_csv("M1/KWH", START, ["2"])
    answer = analyst.post(reverse(NEW), PLAIN | {"code": "P", "sample": sample(text)}, **LIVE)
    assert "is larger than" in text_of(answer)


def test_a_large_kept_file_is_rehearsed_by_a_job(analyst, monkeypatch):
    monkeypatch.setattr(import_profiles, "REHEARSED_AT_ONCE_BYTES", 10)
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, ["1.5"] * 96))
    file = ImportFile.objects.get()
    row = make_profile("P")
    address = reverse("office-import-profile", args=[row.pk])
    asked = PLAIN | {"code": "P", "unit": "MWh", "file": file.pk, "action": "dry"}
    answer = analyst.post(address, asked, **LIVE)
    job = Job.objects.get(kind="rehearse_file")
    assert reverse("office-rehearsal", args=[job.pk]) in text_of(answer)
    drain(60)
    page = text_of(analyst.get(reverse("office-rehearsal", args=[job.pk])))
    assert "Nothing has been stored." in page
    assert "144,000.000" in page  # 96 x 1.5 MWh
    assert set(ReadingBlock.objects.values_list("version", flat=True)) == {1}
    row.refresh_from_db()
    assert row.unit == ""


def test_a_viewer_sees_the_editor_and_cannot_save(client):
    logged_in(client, "vi", "viewer")
    assert client.get(reverse(NEW)).status_code == 200
    assert client.post(reverse(NEW), PLAIN | {"code": "P", "action": "save"}).status_code == 403


def test_the_receipt_shows_what_registers_advanced(analyst):
    make_channel("M/KWH")
    make_profile("R", format="register_csv@1", unit="kWh", on_row_error="quarantine")
    head = "meter_id,channel,read_time,register,digits,multiplier,read_type\n"
    rows = [f"M,KWH,2026-03-0{n}T06:00:00Z,{text},5,,SCHEDULED\n"
            for n, text in ((1, "99990"), (2, "00010"))]  # fmt: skip
    builders.ingest(head + "".join(rows), profile_code="R")
    page = text_of(analyst.get(reverse("office-import", args=[ImportFile.objects.get().pk])))
    for said in ("99990", "00010", "passed zero", "REGISTER_UNPROVEN", "Register reads of M/KWH"):
        assert said in page


# -- quarantine -----------------------------------------------------------------------------------


def unknown(text="GONE/KWH", source="ami", day=0):
    start = START + timedelta(days=day)
    builders.ingest(long_csv(text, start, ["1"] * 4), source=source)


LIST = "office-quarantines"


def test_unknown_names_of_all_files_are_mapped_together_and_read(analyst):
    one, two = make_channel("A/KWH"), make_channel("B/KWH", campus=Campus.objects.get())
    unknown("OLD-A/KWH", day=0)
    unknown("OLD-A/KWH", day=1)
    unknown("OLD-B/KWH", day=2)
    page = text_of(analyst.get(reverse(LIST)))
    assert page.count('placeholder="code of a channel"') == 2
    first = {t: QuarantinedRecord.objects.filter(channel_text=t).earliest("pk").pk
             for t in ("OLD-A/KWH", "OLD-B/KWH")}  # fmt: skip
    asked = {f"channel-{first['OLD-A/KWH']}": "A/KWH", f"channel-{first['OLD-B/KWH']}": "B/KWH"}
    answer = analyst.post(
        reverse(LIST), asked | {"action": "map", "reason": "Renamed"}, follow=True
    )
    assert "OLD-A/KWH is A/KWH; OLD-B/KWH is B/KWH. 3 files read again." in text_of(answer)
    drain(60)
    assert ChannelAlias.objects.count() == 2
    assert not QuarantinedRecord.objects.exclude(state="REPLAYED").exists()
    values = raw_series(one.pk, START + timedelta(days=1), START + timedelta(days=1, hours=1))[0]
    assert values.values.tolist() == [1_000_000] * 4
    assert raw_series(two.pk, START + timedelta(days=2), START + timedelta(days=2, hours=1))[0]
    assert "Nothing in quarantine" in text_of(analyst.get(reverse(LIST)))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"action": "map"}, "Name the channel of at least one"),
        ({"action": "map", "channel-{pk}": "NOWHERE"}, "There is no channel 'NOWHERE'"),
        ({"action": "dismiss", "reason": "old"}, "Choose at least one record."),
        ({"action": "dismiss", "pick": "{pk}"}, "Say why this record is not needed."),
        ({"action": "replay"}, "No mapped record waits"),
        ({"action": "burn"}, "Map, replay or dismiss"),
    ],
)
def test_a_refusal_says_what_to_do(analyst, asked, said):
    unknown()
    pk = QuarantinedRecord.objects.get().pk
    filled = {key.format(pk=pk): value.format(pk=pk) for key, value in asked.items()}
    answer = analyst.post(reverse(LIST), filled)
    assert answer.status_code == 400
    assert said in text_of(answer).replace("&#x27;", "'")
    assert QuarantinedRecord.objects.get().state == "OPEN"


def test_chosen_records_are_dismissed_with_a_reason(analyst):
    unknown("X/KWH")
    unknown("Y/KWH")
    picks = list(QuarantinedRecord.objects.values_list("pk", flat=True))
    asked = {"action": "dismiss", "pick": picks, "reason": "Meters of the neighbour"}
    answer = analyst.post(reverse(LIST), asked, follow=True)
    assert "2 records dismissed." in text_of(answer)
    row = QuarantinedRecord.objects.latest("pk")
    assert (row.state, row.decided_by, row.reason) == (
        "DISMISSED", "user:ana", "Meters of the neighbour",
    )  # fmt: skip


def test_the_list_is_searched_filtered_sorted_and_taken_away(analyst):
    unknown("X/KWH", source="ami")
    unknown("Y/KWH", source="hist")
    found = analyst.get(reverse(LIST) + "?q=X%2FKWH&sort=-received_at")
    assert [item["row"].channel_text for item in found.context["shown"]] == ["X/KWH"]
    table = text_of(analyst.get(reverse(LIST) + "?export=csv&source=hist"))
    assert "Y/KWH" in table
    assert "X/KWH" not in table
    assert analyst.get(reverse(LIST) + "?code=NOPE").status_code == 404


def test_an_operator_of_nothing_cannot_map(client):
    unknown()
    logged_in(client, "vi", "viewer")
    page = text_of(client.get(reverse(LIST)))
    assert "code of a channel" not in page
    assert client.post(reverse(LIST), {"action": "replay"}).status_code == 403


def test_the_channel_of_a_record_is_chosen_and_never_guessed(analyst):
    make_channel("A/KWH")
    unknown("X/KWH")
    file = ImportFile.objects.get()
    page = text_of(analyst.get(reverse("office-import", args=[file.pk])))
    assert 'required><option value="">choose…</option><option' in page
    pk = QuarantinedRecord.objects.get().pk
    asked = {"channel": "", "reason": "Renamed"}
    assert analyst.post(reverse("office-quarantine", args=[pk]), asked).status_code == 404
    assert not ChannelAlias.objects.exists()


def late_file(profile):
    """Send two readings that end after the receipt if their hours are read as UTC-06."""
    rows = "meter_id,channel,interval_start,interval_seconds,value,unit\nA,KWH,{},900,1,kWh\n"
    builders.ingest(rows.format("2026-04-02T10:00"), profile_code=profile)
    return ImportFile.objects.get()


def test_a_record_in_the_future_asks_for_a_right_profile_not_for_a_channel(analyst):
    make_channel("A/KWH")
    make_profile("P", zone="Etc/GMT+6")
    file = late_file("P")
    row = QuarantinedRecord.objects.get()
    assert (row.code, row.can_be_mapped) == ("F08", False)
    for page in (reverse("office-import", args=[file.pk]), reverse(LIST)):
        text = text_of(analyst.get(page))
        assert "set zone and label of the profile right and read the file again" in text
        assert 'name="channel' not in text
    channel = Channel.objects.get().pk
    asked = {"channel": channel, "reason": "Renamed"}
    answer = analyst.post(reverse("office-quarantine", args=[row.pk]), asked, follow=True)
    assert "No channel mends that" in text_of(answer)
    assert not ChannelAlias.objects.exists()
    ImportProfile.objects.update(zone="Etc/UTC")
    again = {"profile": "P", "reason": "The hours are UTC"}
    analyst.post(reverse("office-read-again", args=[file.pk]), again)
    drain(60)
    row.refresh_from_db()
    assert row.state == "REPLAYED"
    assert row.decided_by.startswith(f"job:reread_file/{file.pk}/")


def test_a_mapped_record_that_lies_in_the_future_is_not_offered_a_channel_again(analyst):
    channel = make_channel("A/KWH")
    make_profile("P", zone="Etc/GMT+6")
    ChannelAlias.objects.all().delete()
    Channel.objects.filter(pk=channel.pk).update(code="B/KWH")
    file = late_file("P")
    row = QuarantinedRecord.objects.get()
    asked = {"channel": channel.pk, "reason": "Renamed"}
    analyst.post(reverse("office-quarantine", args=[row.pk]), asked)
    drain(60)
    row.refresh_from_db()
    assert (row.code, row.state, row.can_be_mapped) == ("F08", "OPEN", False)
    assert "what to do stands below" in text_of(
        analyst.get(reverse("office-import", args=[file.pk]))
    )
