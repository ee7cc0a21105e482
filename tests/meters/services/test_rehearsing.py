"""A dry run says what ingest then does, and stores nothing; a preview shows how rows are read."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from openpyxl import Workbook

from meters.models import (
    Finding,
    ImportFile,
    ImportProfile,
    Publication,
    QuarantinedRecord,
    ReadingBlock,
    RegisterRead,
)
from meters.services.arriving.files import as_profile
from meters.services.arriving.previewing import look, preview
from meters.services.arriving.rehearsing import rehearse
from poweroptix.kernel.errors import Refused
from tests.meters import builders
from tests.meters.builders import NOW, long_csv, make_channel, make_profile

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
REGISTERS = "meter_id,channel,read_time,register,digits,multiplier,read_type,unit\n"


def unsaved(name="sample.csv", source="ami", key="csv_long@1"):
    """Return a file that is not stored."""
    return ImportFile(name=name, source=source, format=key, received_at=NOW)


def dry(text, row=None, **more):
    row = row or ImportProfile(code="P", format="csv_long@1", on_row_error="quarantine")
    data = text if isinstance(text, bytes) else text.encode()
    file = unsaved(key=row.format)
    return rehearse(io.BytesIO(data), file, as_profile(row, NOW), now=NOW, **more)


def shown(text, row):
    data = text if isinstance(text, bytes) else text.encode()
    return preview(io.BytesIO(data), unsaved(key=row.format), as_profile(row, NOW))


def nothing_is_stored(files=0):
    tables = (ReadingBlock, Publication, QuarantinedRecord, RegisterRead, Finding)
    assert [table.objects.count() for table in tables] == [0] * 5
    assert ImportFile.objects.count() == files


def test_a_dry_run_is_the_receipt_without_the_readings():
    channel = make_channel()
    make_profile("P", on_row_error="quarantine")
    text = (
        long_csv(channel.code, START, ["1.5"] * 96)
        + long_csv("GONE/KWH", START, ["1"] * 4).partition("\n")[2]
    )
    told = dry(text)
    nothing_is_stored()
    real = builders.ingest(text, profile_code="P")
    for name in ("channels", "intervals", "quarantined", "errors", "error_count", "registers"):
        assert told[name] == real[name], name
    assert {k: real["stored"][k] for k in told["stored"]} == told["stored"]
    assert (told["stored"]["new"], told["quarantined"][0]["code"]) == (96, "F03")


def test_a_dry_run_compares_with_what_is_there():
    channel = make_channel()
    builders.ingest(long_csv(channel.code, START, ["1.5"] * 96))
    told = dry(long_csv(channel.code, START, ["2.5"] * 4 + ["1.5"] * 92 + ["7"] * 4))
    assert told["stored"] == {"new": 4, "same": 92, "replaced": 4, "ignored": 0}
    assert [row["code"] for row in told["findings"]] == ["V03"]
    assert Finding.objects.count() == 0


def test_a_file_that_would_be_refused_is_walked_to_its_end():
    channel = make_channel()
    text = long_csv(channel.code, START, ["1.5"] * 8).replace(",1.5,", ",x,", 2)
    told = dry(text, ImportProfile(code="P", format="csv_long@1"))
    assert told["refused"]["code"].startswith("R10")
    assert "Line 2" in told["refused"]["message"]
    assert told["error_count"] >= 2
    nothing_is_stored()


def test_a_dry_run_judges_registers():
    make_channel("M/KWH")
    rows = "M,KWH,{},{},5,,SCHEDULED,kWh\n"
    days = [(START + timedelta(days=n)).isoformat() for n in range(3)]
    text = REGISTERS + rows.format(days[0], "99990") + rows.format(days[1], "00010")
    told = dry(text + rows.format(days[2], "00030"), ImportProfile(format="register_csv@1"))
    first, second = told["registers"][0]["moves"]
    assert (first["advance"], first["rollover"], first["held"]["code"]) == (
        "20",
        True,
        "REGISTER_UNPROVEN",
    )
    assert (second["advance"], second["rollover"], "held" in second) == ("20", False, False)
    nothing_is_stored()


def test_a_profile_that_contradicts_the_installation_is_told():
    channel = make_channel(multiplier=Decimal(100))
    options = {"multiplier_applied": True}
    row = ImportProfile(code="P", format="csv_long@1", options=options)
    told = dry(long_csv(channel.code, START, ["1.5"] * 96), row)
    assert [one["code"] for one in told["findings"]] == ["F06"]
    assert "multiplied already" in told["findings"][0]["message"]
    row.options = {"multiplier_applied": False}
    assert dry(long_csv(channel.code, START, ["1.5"] * 96), row)["findings"] == []


def test_a_preview_shows_label_instant_value_and_quality():
    make_channel("M1/KWH")
    text = (
        "meter_id,channel,interval_start,interval_seconds,value,unit,status\n"
        "M1,KWH,2026-03-01T00:15,900,2,MWh,K\n"
        "M1,KWH,2026-03-01T00:30,900,,MWh,N\n"
    )
    row = ImportProfile(code="P", format="csv_long@1", zone="America/Chicago", label="END")
    row.quality_map = {"K": "EDITED"}
    seen = shown(text, row)
    first, second = seen.rows
    assert first.start_utc == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert first.label == "2026-03-01 00:15 -0600"
    assert (first.value, first.unit, first.status, first.method, first.channel) == (
        Decimal(2000), "kWh", "EDITED", "SOURCE", "M1/KWH",
    )  # fmt: skip
    assert first.raw.startswith("M1,KWH,2026-03-01T00:15")
    assert first.line == 2
    assert (second.value, second.status) == (None, "MISSING")
    assert seen.is_whole
    assert not seen.faults
    nothing_is_stored()


def test_a_preview_tells_refusals_with_line_and_reason():
    row = ImportProfile(code="P", format="csv_long@1", on_row_error="quarantine")
    text = long_csv("GONE/KWH", START, ["1", "x", "3"])
    seen = shown(text, row)
    codes = {fault.code for fault in seen.faults}
    assert "R110" in codes or "F03" in codes
    assert any(fault.line == 3 and "Line 3" in fault.message for fault in seen.faults)
    naive = text.replace("+00:00", "").replace("Z,", ",")
    assert any("zone" in fault.message for fault in shown(naive, row).faults)


def test_a_wrong_envelope_is_shown_not_raised():
    seen = shown(b"\xff\xfeh", ImportProfile(code="P", format="csv_long@1"))
    assert seen.refused is not None
    assert "UTF-16" in seen.refused.message
    assert seen.error_count == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": 5}, "columns is 5"),
        ({"accept_lengths": "5"}, "accept_lengths is 5"),
        ({"accept_lengths": [7]}, "accept_lengths is [7]"),
        ({"header_row": True}, "header_row is True"),
        ({"ignore_columns": "kWh"}, "ignore_columns is kWh"),
    ],
)
def test_options_that_no_reader_could_use_are_refused(options, said):
    row = ImportProfile(code="P", format="csv_long@1", options=options)
    with pytest.raises(Refused, match="Import profile P") as refused:
        as_profile(row, NOW)
    assert said in refused.value.message


def test_a_quality_that_is_no_status_is_refused_and_not_stored():
    row = ImportProfile(code="P", format="csv_long@1", quality_map={"K": "PERHAPS"})
    seen = shown(long_csv("A/B", START, ["1"]), row)
    assert "'K' is mapped to 'PERHAPS', which is no status" in seen.refused.message


def workbook(*rows, sheet="Readings"):
    book = Workbook()
    page = book.active
    page.title = sheet
    book.create_sheet("Notes").append(["nothing"])
    for row in rows:
        page.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_shows_its_sheets_and_header_before_it_is_mapped():
    data = workbook(["Plant report"], ["When", "Tag", "kWh"], [datetime(2026, 3, 1), "M1", 2.5])
    row = ImportProfile(code="X", format="xlsx@1", options={"header_row": 2})
    table = look(io.BytesIO(data), "xlsx@1", as_profile(row, NOW))
    assert table.sheets == ("Readings", "Notes")
    assert table.sheet == "Readings"
    assert table.header == ("When", "Tag", "kWh")
    assert table.top[0][0] == "Plant report"
    assert "interval_start" in table.required


@pytest.mark.parametrize(
    ("policy", "value"), [("refuse", None), ("first", Decimal(1)), ("last", Decimal(2))]
)
def test_duplicates_follow_the_named_policy(policy, value):
    row = ImportProfile(code="P", format="csv_long@1", on_row_error="quarantine")
    row.on_duplicate = policy
    one = long_csv("A/B", START, ["1"])
    seen = shown(one + long_csv("A/B", START, ["2"]).partition("\n")[2], row)
    assert [each.value for each in seen.rows] == ([] if value is None else [value])
    told = [fault.message for fault in seen.faults if fault.code in ("R301", "W301")]
    assert told
    assert policy == "refuse" or f"the {policy} is taken" in told[0]
