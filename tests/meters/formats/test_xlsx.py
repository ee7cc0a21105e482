"""Workbooks: the same readings as the CSV of the same table, and every refusal."""

import io
import zipfile
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from openpyxl import Workbook

from meters.formats import Profile, formats
from meters.opening import open_members
from poweroptix.kernel.errors import Refused
from tests.meters.cases import as_dict, blocks, errors, read, total

HEAD = ["meter_id", "channel", "interval_start", "interval_seconds", "value", "unit", "status"]
START = datetime(2026, 3, 2)
CHICAGO = Profile(zone="America/Chicago")


def saved(*rows, title="Readings", before=(), more=()):
    """Return a workbook with these rows, below some others."""
    book = Workbook()
    sheet = book.active
    sheet.title = title
    for row in (*before, *rows):
        sheet.append(row)
    for name in more:
        book.create_sheet(name)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def row(n, value, start=START):
    return ["GEN-01", "DEL_KWH", start + timedelta(minutes=15 * n), 900, value, "kWh", "A"]


def test_cells_are_the_text_of_the_csv():
    values = [2505, 2505.5, 0.1, 0.1 + 0.2, 123456.789012, "1.25", -3]
    found = read("xlsx@1", saved(HEAD, *[row(n, v) for n, v in enumerate(values)]), CHICAGO)
    assert errors(found) == []
    (block,) = blocks(found)
    assert [Decimal(v).scaleb(-6) for v in block.values.tolist()] == [
        Decimal(text) for text in ("2505", "2505.5", "0.1", "0.3", "123456.789012", "1.25", "-3")
    ]
    assert block.start_utc == datetime(2026, 3, 2, 6, tzinfo=UTC)
    assert block.lines.tolist() == [2, 3, 4, 5, 6, 7, 8]


def test_sheet_header_row_and_columns_come_from_the_profile():
    head = ["Meter", "When", "Energy"]
    data = saved(
        head, ["GEN-01", START, 1.5], ["GEN-01", START + timedelta(minutes=15), 2],
        before=[["Report of March"], []], title="March", more=("Notes",),
    )  # fmt: skip
    profile = Profile(
        zone="America/Chicago",
        unit="kWh",
        options={
            "sheet": "March",
            "header_row": 3,
            "columns": {"Meter": "meter_id", "When": "interval_start", "Energy": "value"},
            "channel": "DEL_KWH",
            "interval_seconds": "900",
        },
    )
    (block,) = blocks(read("xlsx@1", data, profile))
    assert total([block]) == Decimal("3.5")
    assert block.lines.tolist() == [4, 5]


def test_wide_layout():
    labels = [time(n // 4, n % 4 * 15) for n in range(96)]
    head = ["meter_id", "channel", "date", "unit", *labels]
    data = saved(head, ["M", "KWH", START, "kWh", *range(96)])
    profile = Profile(zone="America/Chicago", options={"layout": "wide"})
    (block,) = blocks(read("xlsx@1", data, profile))
    assert (block.count, total([block])) == (96, Decimal(sum(range(96))))


def test_the_repeated_hour_is_settled_as_in_the_csv():
    autumn = datetime(2026, 11, 1)
    labels = [0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 8]
    rows = [row(n, at, autumn) for at, n in enumerate(labels)]
    text = "\n".join(",".join(map(str, [*r[:2], r[2].isoformat(), *r[3:]])) for r in rows)
    csv = ",".join(HEAD) + "\n" + text + "\n"
    found = read("xlsx@1", saved(HEAD, *rows), CHICAGO)
    assert as_dict(found) == as_dict(read("csv_long@1", csv, CHICAGO))
    assert len(as_dict(found)) == 13


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        ("#N/A", "R102", "value '#N/A' is not a finite number"),
        (None, "R100", "value is empty"),
        (True, "R101", "value 'TRUE' is not a plain decimal number"),
        (0.1234567, "R103", "has too many digits"),
        ("1,5", "R104", "has a comma"),
    ],
)
def test_faulty_cell_names_the_row_of_the_sheet(value, code, words):
    data = saved(HEAD, row(0, 1), row(1, value), before=[["title"], ["subtitle"]])
    found = read("xlsx@1", data, Profile(zone="America/Chicago", options={"header_row": 3}))
    error = next(e for e in errors(found) if e.code != "R110")
    assert (error.code, error.line) == (code, 5)
    assert "Line 5" in error.message
    assert words in error.message


def test_blank_rows_count_between_readings_and_not_behind_them():
    found = read("xlsx@1", saved(HEAD, row(0, 1), [], row(1, 2), [], []), CHICAGO)
    assert [(e.code, e.line) for e in errors(found)] == [("R001", 3)]


@pytest.mark.parametrize(
    ("data", "options", "code", "words"),
    [
        (saved(HEAD, row(0, 1), more=("B",)), {}, "F030", "has 2 sheets; it has Readings, B"),
        (saved(HEAD, row(0, 1)), {"sheet": "X"}, "F030", "no sheet 'X'; it has Readings"),
        (saved(HEAD, row(0, 1)), {"layout": "tall"}, "F030", "Layout 'tall' .* not long or wide"),
        (saved(HEAD, row(0, 1)), {"header_row": 0}, "F030", "header_row '0' .* is not 1 to 1000"),
        (saved(HEAD), {}, "F014", "a header but no rows"),
        (saved(HEAD, row(0, 1)), {"header": ["value"]}, "F030", "name that row in header_row"),
        (saved(), {}, "F001", "The file is empty"),
        (saved(HEAD, row(0, "1\n2")), {}, "F011", "Row 2: a cell has a line break inside"),
        (saved(["meter_id", "no"], ["M", 1]), {}, "F008", "Column 'no' is not known"),
        (b"PK\x03\x04 xl/ cut", {}, "F031", "The workbook cannot be opened"),
    ],
)
def test_refusals(data, options, code, words):
    with pytest.raises(Refused, match=words) as refused:
        read("xlsx@1", data, Profile(zone="America/Chicago", options=options))
    assert refused.value.code == code


def repacked(data, change):
    """Return a workbook with some part changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def test_declared_entities_are_refused():
    def evil(name, part):
        return part.replace(b"<workbook", b'<!DOCTYPE x [<!ENTITY a "b">]><workbook', 1)

    with pytest.raises(Refused, match=r"'xl/workbook.xml' of the workbook declares entities"):
        read("xlsx@1", repacked(saved(HEAD, row(0, 1)), evil), CHICAGO)


def test_a_sheet_damaged_behind_its_head_is_refused():
    data = saved(HEAD, *[row(n, 1) for n in range(3000)])

    def cut(name, part):
        return part[: len(part) // 2] if name.endswith("sheet1.xml") else part

    with pytest.raises(Refused, match="The workbook cannot be opened") as refused:
        read("xlsx@1", repacked(data, cut), CHICAGO)
    assert refused.value.code == "F031"


def test_rows_far_below_are_not_searched_for():
    def far(name, part):
        return part.replace(b'3"', b'99999999"') if name.endswith("sheet1.xml") else part

    data = repacked(saved(HEAD, row(0, 1), row(1, 2)), far)
    with pytest.raises(Refused, match="more than 1000 blank rows; delete them") as refused:
        read("xlsx@1", data, CHICAGO)
    assert refused.value.code == "F012"


def test_a_bomb_is_refused(monkeypatch):
    monkeypatch.setattr("meters.formats.xlsx.UNPACKED_BYTES", 1000)
    with pytest.raises(Refused, match="unpacks to"):
        read("xlsx@1", saved(HEAD, row(0, 1)), CHICAGO)


def test_a_workbook_is_one_file_and_no_archive():
    data = saved(HEAD, row(0, 1))
    (member,) = open_members(io.BytesIO(data), "march.xlsx")
    assert (member.name, member.stream.read()) == ("march.xlsx", data)
    assert formats.get("xlsx@1").sniff(data[:4096])
    assert not formats.get("xlsx@1").sniff(b"PK\x03\x04 readings.csv")
