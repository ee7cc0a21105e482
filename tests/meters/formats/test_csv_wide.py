"""Wide CSV: the sample, hours that repeat or do not exist, labels, and hostile rows."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meters.formats import Profile, formats
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Status
from tests.meters.cases import (
    as_dict,
    blocks,
    errors,
    expected,
    needs_cases,
    read,
    read_file,
    remarks,
    total,
)

NEW_YORK = Profile(zone="America/New_York", unit="kWh", options={"channel": "DEL_KWH"})
HE = ",".join(["HE1", "HE2", "HE2X", *(f"HE{n}" for n in range(3, 25))])
CLOCK = ",".join(f"{m // 60:02d}:{m % 60:02d}" for m in range(0, 1440, 15))


def wide(*rows, head="meter_id,date," + HE):
    return "\n".join([head, *rows]) + "\n"


def cells(count, first=0):
    return ",".join(str(first + n) for n in range(count))


@needs_cases
def test_sample_with_quality_columns():
    want = expected("csv/")["csv/wide_96_with_flags.csv"]
    profile = Profile(zone="America/Chicago", options={"channel": "GEN_KWH"})
    (block,) = blocks(read_file("csv_wide@1", "vee/csv/wide_96_with_flags.csv", profile))
    assert block.count == want["n"]
    assert total([block]) == Decimal(want["total"])
    assert int((block.status == Status.ESTIMATED).sum()) == want["E"]
    assert int(block.values.max()) == int(Decimal(want["max"]) * 10**6)
    assert block.start_utc == dt.datetime(2025, 6, 15, 5, tzinfo=dt.UTC)


def test_hours_of_both_clock_changes():
    spring = "LOAD-01,2025-03-09,100,101,,," + cells(21, 103)
    autumn = "LOAD-01,2025-11-02,100,101,500," + cells(22, 103)
    found = as_dict(read("csv_wide@1", wide(spring, autumn), NEW_YORK))
    assert len(found) == 23 + 25
    six = int(dt.datetime(2025, 11, 2, 6, tzinfo=dt.UTC).timestamp())
    assert found["LOAD-01/DEL_KWH", six] == (500_000_000, Status.RAW)
    seven = int(dt.datetime(2025, 3, 9, 7, tzinfo=dt.UTC).timestamp())
    assert found["LOAD-01/DEL_KWH", seven] == (103_000_000, Status.RAW)


def test_he25_is_the_other_name_of_the_repeated_hour():
    head = "meter_id,date," + ",".join(f"HE{n}" for n in range(1, 26))
    row = "LOAD-01,2025-11-02,100,101," + cells(22, 103) + ",500"
    other = "LOAD-01,2025-11-02,100,101,500," + cells(22, 103)
    assert as_dict(read("csv_wide@1", wide(row, head=head), NEW_YORK)) == as_dict(
        read("csv_wide@1", wide(other), NEW_YORK)
    )


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        ("L,2025-03-09,1,1,,5," + cells(21), "R004", "HE3 does not exist on 2025-03-09"),
        ("L,2025-11-02,1,1,," + cells(22), "R005", "01:00 happens twice on this day"),
        ("L,2025-11-03,1,1,7," + cells(22), "R004", "HE2X does not exist on 2025-11-03"),
        ("L,2025-11-03,1,1,,x," + cells(21), "R101", "HE3 'x' is not a plain decimal"),
        ("L,2025-11-03,1,1", "R001", "the row has 4 fields, the header has 27"),
        ("L,11/03/2025,1,1,," + cells(22), "R002", "is not yyyy-mm-dd"),
        ("L,2025-02-30,1,1,," + cells(22), "R002", "is not yyyy-mm-dd"),
        ("L\u200b,2025-11-03,1,1,," + cells(22), "R202", "U+200B"),
        ("", "R001", "the row is empty"),
    ],
)
def test_a_wrong_channel_day_is_left_out_whole(row, code, words):
    good = "L,2025-11-05,1,1,," + cells(22)
    items = read("csv_wide@1", wide(row, good), NEW_YORK)
    (error,) = errors(items)
    assert (error.code, error.line) == (code, 2)
    assert words in error.message
    assert len(as_dict(items)) == 24


def test_a_day_of_24_hours_without_the_repeated_one_is_left_out():
    head = "meter_id,date," + ",".join(f"HE{n}" for n in range(1, 25))
    items = read("csv_wide@1", wide("L,2025-11-02," + cells(24), head=head), NEW_YORK)
    assert [e.code for e in errors(items)] == ["R005"]


def test_blank_is_missing_and_quality_n_discards_its_number():
    head = f"meter_id,date,{CLOCK},00:15_q"
    row = "L,2025-06-15,," + cells(95, 1) + ",N"
    (block,) = blocks(read("csv_wide@1", wide(row, head=head), NEW_YORK))
    assert block.values[:3].tolist() == [MISSING, MISSING, 2_000_000]
    assert block.status[:3].tolist() == [Status.MISSING, Status.MISSING, Status.RAW]


def test_a_value_with_a_blank_quality_is_not_guessed():
    head = f"meter_id,date,{CLOCK},00:15_q"
    items = read("csv_wide@1", wide("L,2025-06-15," + cells(96) + ",", head=head), NEW_YORK)
    assert [e.code for e in errors(items)] == ["R203"]


def test_positions_count_the_elapsed_intervals_of_the_day():
    head = "meter_id,date," + ",".join(str(n) for n in range(1, 101))
    autumn = "L,2025-11-02," + cells(100)
    spring = "L,2025-03-09," + cells(92) + "," * 8
    plain = "L,2025-06-15," + cells(96) + "," * 4
    found = blocks(read("csv_wide@1", wide(autumn, spring, plain, head=head), NEW_YORK))
    assert sorted(block.count for block in found) == [92, 96, 100]
    late = wide("L,2025-06-15," + cells(97) + ",,,", head=head)
    (error,) = errors(read("csv_wide@1", late, NEW_YORK))
    assert (error.code, error.field) == ("R004", "97")


def test_ending_labels_shift_by_one_interval():
    ends = ",".join(f"{m // 60:02d}:{m % 60:02d}" for m in range(15, 1441, 15))
    profile = Profile(
        zone="America/New_York", unit="kWh", label="END", options={"channel": "DEL_KWH"}
    )
    a = read("csv_wide@1", wide("L,2025-06-15," + cells(96), head="meter_id,date," + ends), profile)
    b = read(
        "csv_wide@1", wide("L,2025-06-15," + cells(96), head="meter_id,date," + CLOCK), NEW_YORK
    )
    assert as_dict(a) == as_dict(b)
    assert len(as_dict(a)) == 96


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("meter_id,date", "F006"), ("meter_id,date,HE1,HE2", "F006"),
        ("meter_id,date," + CLOCK + ",HE1", "F008"), ("meter_id,date,HE26," + HE, "F008"),
        ("meter_id,date,surprise," + HE, "F008"), ("date," + HE, "F006"),
        ("meter_id,date,1,2,3", "F006"), ("meter_id,date,25:00," + CLOCK, "F008"),
    ],
)  # fmt: skip
def test_a_header_that_is_no_day_is_refused(head, code):
    with pytest.raises(Refused) as caught:
        read("csv_wide@1", wide("L,2025-06-15", head=head), NEW_YORK)
    assert caught.value.code == code


def test_a_zone_is_needed():
    with pytest.raises(Refused) as caught:
        read("csv_wide@1", wide("L,2025-06-15"), Profile())
    assert caught.value.code == "R003"


def test_a_channel_day_that_comes_twice():
    row, other = "L,2025-06-15,1,1,," + cells(22), "L,2025-06-15,2,1,," + cells(22)
    items = read("csv_wide@1", wide(row, row), NEW_YORK)
    assert {r.code for r in remarks(items)} == {"W301"}
    assert len(as_dict(items)) == 24
    assert {e.code for e in errors(read("csv_wide@1", wide(row, other), NEW_YORK))} == {
        "R301", "R110",
    }  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.decimals(-(10**6), 10**6, places=3)), min_size=96, max_size=96
    ).filter(lambda values: any(value is not None for value in values))
)
def test_round_trip_and_agreement_of_the_two_paths(values):
    texts = ["" if value is None else f"{value:f}" for value in values]
    head = "meter_id,date," + CLOCK
    fast = as_dict(read("csv_wide@1", wide("L,2025-06-15," + ",".join(texts), head=head), NEW_YORK))
    want = [MISSING if value is None else int(value * 10**6) for value in values]
    assert [value for value, _ in fast.values()] == want
    quoted = ",".join(f'"{text}"' for text in texts)
    careful = read("csv_wide@1", wide("L,2025-06-15," + quoted, head=head), NEW_YORK)
    assert as_dict(careful) == fast


def test_sniff():
    reader = formats.get("csv_wide@1")
    assert reader.sniff(wide().encode())
    assert not reader.sniff(b"meter_id,channel,interval_start\n")
