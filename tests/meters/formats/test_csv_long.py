"""Long CSV: samples, both clock changes, hostile files, and the laws of the reader."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.formats import Profile, formats, row_error_policy
from meters.formats.csv_long import _Reader
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status
from tests.meters.cases import (
    CASES,
    as_dict,
    blocks,
    errors,
    example,
    expected,
    needs_cases,
    read,
    read_file,
    remarks,
    total,
)

HEAD = "meter_id,channel,interval_start,interval_seconds,value,unit,status"
NAIVE = Profile(
    zone="America/New_York",
    label="END",
    unit="kWh",
    options={
        "columns": {
            "MeterID": "meter_id",
            "Read Date/Time (Hour Ending, local)": "interval_start",
            "kWh": "value",
        },
        "channel": "DEL_KWH",
        "interval_seconds": "900",
        "stamp_format": "%m/%d/%Y %H:%M",
        "thousands": ",",
    },
)


def row(start="2026-03-02T00:00:00Z", value="1.5", *, meter="GEN-01", channel="DEL_KWH",
        seconds="900", unit="kWh", status="A"):  # fmt: skip
    return f"{meter},{channel},{start},{seconds},{value},{unit},{status}"


def csv(*rows, head=HEAD):
    return "\n".join([head, *rows]) + "\n"


def only_error(text, profile=None):
    (error,) = [e for e in errors(read("csv_long@1", text, profile)) if e.code != "R110"]
    assert error.message.isprintable()
    assert len(error.message) <= 300
    return error


@needs_cases
def test_offset_sample():
    want = expected("csv/")["csv/long_iso_offset_fallback_15min.csv"]
    items = read_file("csv_long@1", "vee/csv/long_iso_offset_fallback_15min.csv")
    found = {b.channel_text: b for b in blocks(items)}
    assert len(items) == 2
    for name in ("DEL", "REC"):
        block = found[f"GEN-01/{name}_KWH"]
        assert block.count == want[f"{name}_n"]
        assert total([block]) == Decimal(want[f"{name}_total"])
    block = found["GEN-01/DEL_KWH"]
    assert str(block.start_utc) == want["first_utc"]
    assert str(block.end_utc - dt.timedelta(minutes=15)) == want["last_start_utc"]


@needs_cases
def test_zone_less_sample_gives_identical_readings():
    name = "csv/long_naive_local_ending_fallback_15min.csv"
    want = expected("csv/")[name]
    local = as_dict(read_file("csv_long@1", f"vee/{name}", NAIVE))
    exact = as_dict(read_file("csv_long@1", "vee/csv/long_iso_offset_fallback_15min.csv"))
    assert len(local) == want["n"] == 100
    assert local == {key: each for key, each in exact.items() if key[0] == "GEN-01/DEL_KWH"}


@needs_cases
def test_every_row_of_the_zone_less_sample_may_cross_a_window():
    path = "vee/csv/long_naive_local_ending_fallback_15min.csv"
    whole = as_dict(read_file("csv_long@1", path, NAIVE))
    options = {**NAIVE.options, "window_rows": 1}
    profile = Profile(zone=NAIVE.zone, label="END", unit="kWh", options=options)
    reader = _Reader(profile)
    data = (CASES / path).read_bytes().splitlines(keepends=True)
    items = []
    from meters.formats._csv import roles_of
    from meters.formats._text import split_line
    from meters.formats.csv_long import KNOWN, REQUIRED

    names = split_line(data[0].decode().rstrip(), 1)
    reader.header = roles_of(names, profile, KNOWN, REQUIRED)
    for number, line in enumerate(data[1:], 2):
        items += list(reader._chunk(line.replace(b"\r\n", b"\n"), number))
        items += list(reader.window.flush(last=False))
    items += list(reader.window.flush(last=True))
    assert as_dict(items) == whole
    assert errors(items) == []


@needs_cases
def test_ending_labels_at_fall_back():
    case = example("T-ending-ambiguous")
    rows = [
        row(f"2025-11-02T{label}", str(n))
        for n, label in enumerate(case["given"]["labels"])
    ]  # fmt: skip
    items = read("csv_long@1", csv(*rows), Profile(zone=case["given"]["tz"], label="END"))
    (block,) = blocks(items)
    starts = [block.start_utc + dt.timedelta(minutes=15 * n) for n in range(block.count)]
    assert [f"{start:%H:%MZ}" for start in starts] == [e["start_utc"] for e in case["expect"]]
    assert block.values.tolist() == [n * 10**6 for n in range(11)]


def hour(label, minutes=(0, 15, 30, 45)):
    return [row(f"2025-11-02T{label}:{m:02d}") for m in minutes]


LOCAL = Profile(zone="America/New_York")


def test_one_copy_of_the_repeated_hour_is_left_out():
    items = read("csv_long@1", csv(*hour("00"), *hour("01"), *hour("02")), LOCAL)
    assert {e.code for e in errors(items)} == {"R005", "R110"}
    assert sum(e.code == "R005" for e in errors(items)) == 4
    assert "happens twice" in errors(items)[0].message


def test_an_incomplete_copy_of_the_repeated_hour_is_left_out():
    text = csv(*hour("00"), *hour("01"), *hour("01", (0, 30, 45)), *hour("02"))
    items = read("csv_long@1", text, LOCAL)
    assert {e.code for e in errors(items)} == {"R005", "R110"}


def test_a_shuffled_fall_back_day_is_refused_and_another_day_is_not():
    text = csv(*hour("02"), *hour("00"), *hour("01"), *hour("01"))
    assert {e.code for e in errors(read("csv_long@1", text, LOCAL))} == {"R302"}
    plain = [row(f"2025-11-04T{h:02d}:00") for h in (3, 1, 2)]
    assert errors(read("csv_long@1", csv(*plain), LOCAL)) == []


def test_spring_labels_that_do_not_exist():
    error = only_error(csv(row("2025-03-09T02:15")), LOCAL)
    assert (error.code, error.line) == ("R004", 2)
    assert "2025-03-09 02:15 does not exist" in error.message
    ending = Profile(zone="America/New_York", label="END")
    assert only_error(csv(row("2025-03-09T02:00")), ending).code == "R004"
    allowed = Profile(zone="America/New_York", label="END", options={"jump_label": True})
    (block,) = blocks(read("csv_long@1", csv(row("2025-03-09T02:00")), allowed))
    assert block.start_utc == dt.datetime(2025, 3, 9, 6, 45, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "F001"), ("  \n\n", "F001"), ("\ufeff", "F001"),
        (csv(row()).encode("utf-16"), "F004"), (csv(row(meter="GÉ")).encode("latin-1"), "F004"),
        (csv(row()).encode()[:-1] + b"\xc3", "F004"), (csv(row(value="1\0")), "F005"),
        (csv(row(), head=HEAD.replace("value", "kwh")), "F008"),
        (csv(row(), head=HEAD.replace(",value", "")), "F006"),
        (csv(row(), head=HEAD + ",value"), "F007"), (csv(row(), head=HEAD + ",=cmd|x"), "F008"),
        ("<!DOCTYPE html><html></html>", "F009"), ('{"a": 1}', "F009"), ("<a/>", "F009"),
        (csv(row(), head=HEAD).replace(",", ";"), "F010"), (csv(row()).replace(",", "\t"), "F010"),
        (csv(row(meter='"open')), "F011"), (csv(row(meter='"a"b')), "F011"),
        (csv(row(meter="x" * 200_000)), "F011"),
        (",".join(f"c{n}" for n in range(1000)) + "\n", "F013"), (HEAD + "\n", "F014"),
        (HEAD, "F015"), (csv(row())[:-1], "F015"), (csv(row())[:-8], "F015"),
    ],
)  # fmt: skip
def test_faults_of_the_envelope_refuse_the_file(text, code):
    with pytest.raises(Refused) as caught:
        read("csv_long@1", text)
    assert caught.value.code == code
    assert caught.value.message.isprintable()
    assert len(caught.value.message) <= 300


def test_a_limit_of_rows_can_be_set():
    with pytest.raises(Refused) as caught:
        read("csv_long@1", csv(row(), row()), Profile(options={"max_rows": 1}))
    assert caught.value.code == "F012"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (row() + ",extra", "R001"), ("GEN-01,DEL_KWH", "R001"), (row(meter="x" * 300), "R009"),
        ("", "R001"),
        (row(meter="GEN\u200b-01"), "R202"), (row(meter="GEN\xa001"), "R202"),
        (row(meter="GEN\u202e01"), "R202"), (row(meter=""), "R202"), (row(meter=" G"), "R202"),
        (row("2025-03-02T00:00:00"), "R003"), (row("01/02/2025"), "R002"), (row("45000"), "R002"),
        (row("1740000000"), "R002"), (row("2025-01-01T24:00:00Z"), "R002"),
        (row("2025-01-01T00:60:00Z"), "R002"), (row("2025-01-01T00:00:60Z"), "R002"),
        (row("2025-01-01T00:00:00+25:00"), "R002"), (row("2025-02-30T00:00:00Z"), "R002"),
        (row("٢٠٢٥-01-01T00:00:00Z"), "R002"), (row("0001-01-01T00:00:00+14:00"), "R002"),
        (row("infinity"), "R002"), (row(""), "R002"), (row("2025-W01-1"), "R002"),
        (row("2025-01-01"), "R002"), (row("2025-01-01T00:00:00.5Z"), "R002"),
        (row("2026-03-02T00:00:01Z"), "R006"), (row("2026-03-02T00:05:00Z"), "R006"),
        (row(seconds="901"), "R006"), (row(seconds="0900"), "R006"), (row(seconds=""), "R006"),
        (row(value=""), "R100"), (row(value="1_000"), "R101"), (row(value="１"), "R101"),
        (row(value="0x1"), "R101"), (row(value="1.5 kWh"), "R101"), (row(value="=1+1"), "R101"),
        (row(value="NaN"), "R102"), (row(value="#REF!"), "R102"), (row(value="9" * 150), "R103"),
        (row(value="0.1234567"), "R103"), (row(value='"1,234.5"'), "R104"),
        (row(value='"1,5"'), "R104"), (row(value="1e1000000"), "R106"),
        (row(value="1.23E+05"), "R106"), (row(status="Z"), "R203"), (row(status=""), "R203"),
        (row(unit="bushel"), "R204"), (row(unit="USD"), "R204"), (row(unit=""), "R204"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_named_with_line_and_code(line, code):
    good = row("2026-03-09T00:00:00Z", "7")
    items = read("csv_long@1", csv(good, line))
    (error,) = errors(items)
    assert (error.code, error.line) == (code, 3)
    assert error.message.isprintable()
    assert len(error.message) <= 300
    assert total(blocks(items)) == 7


def test_a_faulty_row_takes_its_channel_day_with_it_and_no_other():
    text = csv(
        row("2026-03-02T00:00:00Z"), row("2026-03-02T00:15:00Z", "x"),
        row("2026-03-02T00:15:00Z", "2", meter="GEN-02"), row("2026-03-03T00:00:00Z", "3"),
    )  # fmt: skip
    items = read("csv_long@1", text)
    assert sorted((e.code, e.line) for e in errors(items)) == [("R101", 3), ("R110", 2)]
    assert total(blocks(items)) == 5


def test_a_meter_may_be_named_na_or_have_leading_zeros():
    items = read("csv_long@1", csv(row(meter="NA"), row(meter="00123"), row(meter="1E5")))
    assert {b.channel_text.split("/")[0] for b in blocks(items)} == {"NA", "00123", "1E5"}


def test_two_values_for_one_instant_reject_both_also_over_offsets():
    text = csv(row("2026-03-02T06:00:00Z"), row("2026-03-02T00:00:00-06:00", "2"))
    items = read("csv_long@1", text)
    assert [(e.code, e.line) for e in errors(items)] == [("R301", 2), ("R301", 3)]
    assert "lines 2, 3 give 2026-03-02T06:00Z different values" in errors(items)[0].message
    assert blocks(items) == []


@needs_cases
def test_example_of_identical_and_conflicting_duplicates():
    case = example("G2")
    rows = [row(f"2026-03-0{2 + n // 2}T{clock}:00Z", value)
            for n, (clock, value) in enumerate(case["given"]["rows"])]  # fmt: skip
    items = read("csv_long@1", csv(*rows))
    assert len(remarks(items)) == case["expect"]["identical_dropped"]
    assert len({e.message.split(":")[1] for e in errors(items)}) == case["expect"]["conflicting"]
    assert total(blocks(items)) == 500


def test_two_of_three_alike_are_still_a_conflict_and_a_null_withdraws_nothing():
    items = read("csv_long@1", csv(row(value="1"), row(value="1"), row(value="2")))
    assert blocks(items) == []
    items = read("csv_long@1", csv(row(value="1"), row(value="", status="N")))
    assert errors(items) == []
    assert total(blocks(items)) == 1


def test_the_last_value_wins_where_the_profile_says_so():
    items = read("csv_long@1", csv(row(value="1"), row(value="2")), Profile(on_duplicate="last"))
    assert total(blocks(items)) == 2


def test_a_reading_that_comes_again_after_the_window_is_not_taken(monkeypatch):
    monkeypatch.setattr(
        "meters.formats._text.chunks.__kwdefaults__", {"size": 4096, "final_break": True}
    )
    start = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    stamps = [f"{start + dt.timedelta(minutes=15 * n):%Y-%m-%dT%H:%M:%SZ}" for n in range(600)]
    rows = [row(stamp, str(n)) for n, stamp in enumerate(stamps)]
    items = read("csv_long@1", csv(*rows, rows[3]), Profile(options={"window_rows": 100}))
    (error,) = errors(items)
    assert (error.code, error.line) == ("R301", 602)
    assert len(as_dict(items)) == 600


def test_status_letters_flags_and_the_profiles_own_letters():
    head = HEAD + ",flags"
    stamps = [f"2026-03-02T00:{m:02d}:00Z" for m in (0, 15, 30, 45)]
    rows = [row(s, status=q) + f",{f}" for s, q, f in zip(
        stamps, ("A", "E", "N", "K"), ("", "POWER_FAIL;CLOCK", "", ""), strict=True)]  # fmt: skip
    (block,) = blocks(
        read("csv_long@1", csv(*rows, head=head), Profile(quality_map={"K": "EDITED"}))
    )
    assert block.status.tolist() == [Status.RAW, Status.ESTIMATED, Status.MISSING, Status.EDITED]
    assert block.method.tolist() == [Method.NONE, Method.SOURCE, Method.NONE, Method.SOURCE]
    assert block.values[2] == MISSING
    assert block.flags == [(1, 2, "CLOCK", {}), (1, 2, "POWER_FAIL", {})]
    (error,) = errors(read("csv_long@1", csv(row() + ",SMOKE", head=head)))
    assert (error.code, error.field) == ("R203", "flags")


def test_units_lengths_and_holes_make_blocks_of_their_own():
    text = csv(
        row("2026-03-02T00:00:00Z", "2", unit="MWh"), row("2026-03-02T00:45:00Z", "3", unit="MWh"),
        row("2026-03-02T01:00:00Z", "4", seconds="3600", channel="REC"),
    )  # fmt: skip
    found = blocks(read("csv_long@1", text))
    assert [(b.minutes, b.count, int(b.values[0])) for b in found] == [
        (15, 1, 2_000_000_000), (15, 1, 3_000_000_000), (60, 1, 4_000_000),
    ]  # fmt: skip


def test_rows_in_any_order_give_the_same_when_times_are_absolute():
    rng = random.Random(5)
    start = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    rows = [
        row(f"{start + dt.timedelta(minutes=15 * n):%Y-%m-%dT%H:%M:%SZ}", str(n), meter=f"G{m}")
        for m in range(3) for n in range(200)
    ]  # fmt: skip
    ordered = as_dict(read("csv_long@1", csv(*rows)))
    rng.shuffle(rows)
    assert as_dict(read("csv_long@1", csv(*rows))) == ordered
    assert len(ordered) == 600


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GEN-01", "a meter", "ß-7", "M" * 70]),
            st.integers(0, 5000),
            st.decimals(-10**9, 10**9, places=4),
            st.sampled_from(["Z", "+00:00", "-05:00", "+05:30"]),
        ),
        min_size=1, max_size=60, unique_by=lambda each: (each[0], each[1]),
    )
)  # fmt: skip
def test_round_trip_and_agreement_of_the_two_paths(given_rows):
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    want, rows, quoted = {}, [], []
    for meter, n, value, offset in given_rows:
        moment = start + dt.timedelta(minutes=15 * n)
        zone = dt.datetime.fromisoformat(f"2026-01-01T00:00:00{offset.replace('Z', '+00:00')}")
        text = moment.astimezone(zone.tzinfo).strftime("%Y-%m-%dT%H:%M:%S") + offset
        want[f"{meter}/DEL_KWH", int(moment.timestamp())] = (int(value * 10**6), Status.RAW)
        rows.append(row(text, f"{value:f}", meter=meter))
        quoted.append(row(text, f'"{value:f}"', meter=f'"{meter}"'))
    fast = as_dict(read("csv_long@1", csv(*rows)))
    assert fast == want
    assert as_dict(read("csv_long@1", csv(*quoted))) == want


def test_a_file_cut_anywhere_is_refused_or_only_lacks_whole_rows():
    rows = [row(f"2026-03-02T0{n}:00:00Z", f"{n}23.456") for n in range(5)]
    data = csv(*rows).encode()
    whole = as_dict(read("csv_long@1", data))
    for size in range(len(data)):
        if data[:size].endswith(b"\n") and size > len(HEAD) + 1:
            part = as_dict(read("csv_long@1", data[:size]))
            assert part.items() <= whole.items()
            continue
        with pytest.raises(Refused):
            read("csv_long@1", data[:size])


def test_unknown_zone_sniff_and_default_policy():
    with pytest.raises(Refused, match="does not exist"):
        read("csv_long@1", csv(row()), Profile(zone="Mars/Base"))
    reader = formats.get("csv_long@1")
    assert reader.sniff(csv(row()).encode())
    assert not reader.sniff(b"100,NEM12,x")
    assert row_error_policy(reader, Profile()) == "refuse_file"
    assert row_error_policy(reader, Profile(on_row_error="quarantine")) == "quarantine"
