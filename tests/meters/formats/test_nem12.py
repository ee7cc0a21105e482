"""NEM12: the published samples, the refusals, and the laws of the reader."""

import collections
import datetime as dt
from decimal import Decimal

import pytest

from meters.formats import Profile, formats
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status
from poweroptix.kernel.units import to_canonical
from tests.meters.cases import (
    CASES,
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

VALID = [name for name in expected("nem12/") if "invalid" not in name]


def nem12(*records, end=True):
    lines = ["100,NEM12,202604010000,MDP,RET", *records, *(["900"] if end else [])]
    return "\n".join(lines) + "\n"


def head(channel="E1", minutes=30, unit="kWh", nmi="NMI0000001"):
    return f"200,{nmi},{channel},1,{channel},N1,SER1,{unit},{minutes},"


def day(date="20260302", values=None, quality="A", reason="", stamp="20260303010000"):
    values = values or ["1.5"] * 48
    return f"300,{date},{','.join(values)},{quality},{reason},,{stamp},"


def qualities(found):
    counts = collections.Counter()
    for block in found:
        letters = ["A"] * block.count
        for first, last, code, detail in block.flags:
            if code == "QUALITY":
                letters[first:last] = [detail["quality"]] * (last - first)
        counts.update(letters)
    return dict(counts)


@needs_cases
@pytest.mark.parametrize("name", VALID)
def test_published_sample_gives_the_expected_totals_counts_and_qualities(name):
    items = read_file("nem12@1", f"vee/{name}")
    found = collections.defaultdict(list)
    for block in blocks(items):
        found[block.channel_text].append(block)
    for channel, want in expected("nem12/")[name]["channels"].items():
        if want["uom"] == [""]:
            assert [(e.code, e.line) for e in errors(items)] == [("R204", 6)]
            continue
        got = found[channel]
        unit, factor = to_canonical(want["uom"][0])
        assert {b.unit for b in got} == {unit}
        assert total(got) == Decimal(want["total"]) * factor
        assert sum(b.count for b in got) == want["n"]
        lengths = collections.Counter()
        for block in got:
            lengths[str(block.minutes)] += block.count
        assert dict(lengths) == want["interval_minutes"]
        assert qualities(got) == want["quality"]
        reasons = collections.Counter()
        for block in got:
            for first, last, code, detail in block.flags:
                if code == "QUALITY" and "reason" in detail:
                    reasons[detail["reason"]] += last - first
        assert dict(reasons) == want["reason"]
        east = dt.timedelta(hours=10)
        first = min(b.start_utc for b in got).replace(tzinfo=None) + east
        last = max(b.end_utc for b in got).replace(tzinfo=None) + east
        assert (str(first), str(last)) == (want["first"], want["last_end"])


REFUSED = {
    "Example_NEM12_missing_header.csv": ("F020", 2, "does not begin with a 100 record"),
    "Example_NEM12_powercor_missing_fields.csv": ("F020", 2, "does not begin with a 100 record"),
    "Example_empty_file.csv": ("F001", None, "empty"),
    "aemo_err_NEM12_000000000000021_CNRGYMDP_NEMMCO.csv": ("F021", 2, "before any 200 record"),
    "aemo_err_NEM12_000000000000025_CNRGYMDP_NEMMCO.csv": ("F022", 3, "no 900 record"),
    "aemo_err_NEM12_DerpyNMIConfig_CNRGYMDP_NEMMCO.csv": (
        "F024", 2, "NMIConfiguration of the 200 record is empty",
    ),
    "aemo_err_NEM12_EmptyCells400Record_CNRGYMDP_NEMMCO.csv": (
        "F026", 7, "a 400 record has 6 fields and two interval numbers",
    ),
}  # fmt: skip
QUARANTINED = {
    "Example_NEM12_15min_200_30min_300.csv": ("R001", 3, "15-minute data needs 103 (96 values"),
    "Example_NEM12_15min_200_30min_400.csv": (
        "R401", 3, "300 quality V but 400 records cover only intervals 1-48 of 96",
    ),
    "Example_NEM12_30min_200_15min_400.csv": ("R001", 3, "400 range 49-96 is outside 1-48"),
    "aemo_err_NEM12_000000000000023_CNRGYMDP_NEMMCO.csv": ("R403", 3, "quality V is not allowed"),
    "aemo_err_NEM12_InvalidIntervalDataLength_CNRGYMDP_NEMMCO.csv": (
        "R001", 3, "300 record has 51 fields; 30-minute data needs 55",
    ),
}  # fmt: skip


@needs_cases
@pytest.mark.parametrize("name", REFUSED)
def test_invalid_file_is_refused_with_line_and_reason(name):
    code, line, words = REFUSED[name]
    with pytest.raises(Refused) as caught:
        read_file("nem12@1", f"vee/nem12/invalid/{name}")
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.data["line"] == (line or 0)


@needs_cases
@pytest.mark.parametrize("name", QUARANTINED)
def test_invalid_record_is_the_only_one_and_nothing_is_read(name):
    code, line, words = QUARANTINED[name]
    items = read_file("nem12@1", f"vee/nem12/invalid/{name}")
    assert blocks(items) == []
    (error,) = errors(items)
    assert (error.code, error.line) == (code, line)
    assert words in error.message


@needs_cases
def test_every_invalid_file_has_its_test():
    names = {path.name for path in (CASES / "vee/nem12/invalid").iterdir()}
    tested = set(REFUSED) | set(QUARANTINED)
    assert names - tested == {"Example_NEM12_empty.csv", "Example_NEM12_incomplete_interval.csv"}


@needs_cases
def test_empty_file_is_accepted_with_a_remark():
    items = read_file("nem12@1", "vee/nem12/invalid/Example_NEM12_empty.csv")
    assert [(r.code, r.message) for r in remarks(items)] == [
        ("W001", "The file has a header and an end but no readings.")
    ]
    assert len(items) == 1


@needs_cases
def test_incomplete_record_is_quarantined_and_the_others_kept():
    items = read_file("nem12@1", "vee/nem12/invalid/Example_NEM12_incomplete_interval.csv")
    assert [(e.code, e.line) for e in errors(items)] == [("R001", 3)]
    found = {b.channel_text: (b.count, total([b])) for b in blocks(items)}
    assert found == {
        "VABD000163/E1": (48, Decimal("53.328")),
        "VABD000163/Q1": (96, Decimal("213.312")),
    }


@needs_cases
def test_missing_header_is_read_when_the_profile_assumes_one():
    items = read_file(
        "nem12@1", "vee/nem12/invalid/Example_NEM12_missing_header.csv", Profile(assume_header=True)
    )
    assert {b.channel_text: total([b]) for b in blocks(items)} == {
        "VABD000163/E1": Decimal("53.328"),
        "VABD000163/Q1": Decimal("106.656"),
    }


@needs_cases
def test_voltage_without_unit_is_read_when_the_profile_names_one():
    path = "vee/nem12/Example_NEM12_different_interval_length.csv"
    items = read_file("nem12@1", path, Profile(unit="V"))
    volts = [b for b in blocks(items) if b.channel_text == "C123/V1"]
    assert total(volts) == Decimal("33129.99")
    assert [b.unit for b in volts] == ["V"]


def test_status_and_method_follow_quality():
    values = [str(n) for n in range(48)]
    text = nem12(
        head(), day(values=values, quality="V"), "400,1,10,S17,79,", "400,11,20,N,,",
        "400,21,30,F15,94,", "400,31,40,E56,77,Estimation Forecast", "400,41,48,A,,",
    )  # fmt: skip
    (block,) = blocks(read("nem12@1", text))
    assert block.status.tolist() == (
        [Status.ESTIMATED] * 10 + [Status.MISSING] * 10 + [Status.SUBSTITUTED_FINAL] * 10
        + [Status.ESTIMATED] * 10 + [Status.RAW] * 8
    )  # fmt: skip
    assert [int(block.method[i]) for i in (0, 10, 20, 30, 40)] == [
        Method.INTERPOLATE, Method.NONE, Method.AVG_LIKE_DAY, Method.MANUAL, Method.NONE,
    ]  # fmt: skip
    assert (block.values[10:20] == MISSING).all()
    assert block.values[9] == 9_000_000
    codes = {(first, last, code) for first, last, code, _ in block.flags}
    assert {(0, 10, "POWER_FAIL"), (20, 30, "SOURCE_ESTIMATED"), (30, 40, "FORWARD")} <= codes


def test_quality_n_is_missing_even_with_a_number_and_may_be_blank():
    for value in ("0", "7.5", ""):
        (block,) = blocks(read("nem12@1", nem12(head(), day(values=[value] * 48, quality="N"))))
        assert (block.values == MISSING).all()
        assert (block.status == Status.MISSING).all()


def test_blank_value_under_another_quality_is_no_zero():
    values = ["1"] * 47 + [""]
    (error,) = errors(read("nem12@1", nem12(head(), day(values=values))))
    assert (error.code, error.field) == ("R100", "value 48")
    text = nem12(head(), day(values=values, quality="V"), "400,1,48,A,,")
    (error,) = errors(read("nem12@1", text))
    assert error.message == ("Line 3, NMI0000001/E1: value 48 is empty but its quality is A.")


@pytest.mark.parametrize(
    ("quality", "reason", "code"),
    [("T", "", "R203"), ("S", "", "R203"), ("S14", "", "R404"), ("F14", "", "R404"),
     ("S99", "1", "R203"), ("A", "x", "R203"), ("A", "0", "R404"), ("a", "", "R203")],
)  # fmt: skip
def test_unknown_quality_or_lacking_reason_leaves_the_day_out(quality, reason, code):
    items = read("nem12@1", nem12(head(), day(quality=quality, reason=reason)))
    assert [e.code for e in errors(items)] == [code]
    assert blocks(items) == []


def test_the_later_update_of_a_day_wins_also_over_two_blocks():
    old, new = day(stamp="20260303010000"), day(values=["2"] * 48, stamp="20260304010000")
    for text in (nem12(head(), old, new), nem12(head(), new, old), nem12(head(), new, head(), old)):
        items = read("nem12@1", text)
        assert total(blocks(items)) == 96
        assert [r.code for r in remarks(items)] == ["W302"]


def test_a_tie_with_different_values_takes_neither():
    items = read("nem12@1", nem12(head(), day(), day(values=["2"] * 48)))
    assert blocks(items) == []
    assert [(e.code, e.line) for e in errors(items)] == [("R301", 3), ("R301", 4)]
    assert "lines 3, 4 give this day different values" in errors(items)[0].message


def test_the_same_day_twice_alike_is_taken_once():
    items = read("nem12@1", nem12(head(), day(), day()))
    assert total(blocks(items)) == 72
    assert [r.code for r in remarks(items)] == ["W301"]


def test_a_day_that_comes_again_after_the_window_is_not_taken():
    days = [day(date=f"202603{n:02d}") for n in range(1, 29)]
    filler = [record for n in range(400) for record in (head(nmi=f"X{n:09d}"), *days)]
    text = nem12(head(), day(), *filler, head(), day(values=["9"] * 48))
    items = read("nem12@1", text, Profile(options={"window_intervals": 1000}))
    assert [e.code for e in errors(items)] == ["R301"]
    assert "already gave this day" in errors(items)[0].message
    own = [b for b in blocks(items) if b.channel_text == "NMI0000001/E1"]
    assert total(own) == 72


def test_overlapping_days_of_another_interval_length_are_not_taken_twice():
    items = read("nem12@1", nem12(head(), day(), head(minutes=15), day(values=["1"] * 96)))
    assert [e.code for e in errors(items)] == ["R301"]
    assert [b.minutes for b in blocks(items)] == [30]


def test_days_out_of_order_and_holes_make_ordered_blocks():
    text = nem12(head(), day("20260305"), day("20260302"), day("20260303"))
    found = blocks(read("nem12@1", text))
    assert [(b.count, b.start_utc.day) for b in found] == [(96, 1), (48, 4)]
    assert found[0].lines.tolist() == [4] * 48 + [5] * 48


def test_times_are_fixed_offset_and_a_zone_with_clock_changes_is_refused():
    (block,) = blocks(read("nem12@1", nem12(head(), day()), Profile(zone="Etc/GMT-8")))
    assert block.start_utc == dt.datetime(2026, 3, 1, 16, tzinfo=dt.UTC)
    with pytest.raises(Refused, match="changes its clock"):
        read("nem12@1", nem12(head(), day()), Profile(zone="Australia/Sydney"))
    with pytest.raises(Refused, match="does not exist"):
        read("nem12@1", nem12(head(), day()), Profile(zone="Nowhere/At_All"))


def test_wh_become_kwh_exactly_or_not_at_all():
    (block,) = blocks(read("nem12@1", nem12(head(unit="Wh"), day(values=["12.345"] * 48))))
    assert (block.unit, int(block.values[0])) == ("kWh", 12_345)
    items = read("nem12@1", nem12(head(unit="Wh"), day(values=["12.3456"] * 48)))
    assert [e.code for e in errors(items)] == ["R103"]
    items = read("nem12@1", nem12(head(), day()), Profile(sign=-1, unit_factor=Decimal("0.5")))
    assert total(blocks(items)) == -36


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (nem12(head(), day()).replace("NEM12", "NEM13"), "F027"),
        (nem12(head(), day()) + "300,x\n", "F023"),
        (nem12(head(), day(), "100,NEM12,202604010000,MDP,RET"), "F023"),
        (nem12(head(), day(), "250,x"), "F025"),
        (nem12(head(), day(), "garbage"), "F025"),
        (nem12("200,NMI,E1,1,E1"), "F024"),
        (nem12(head(minutes=60), day()), "F024"),
        (nem12(head(minutes=7), day()), "F024"),
        (nem12(head(), day(), "400,1,48,A,,"), "F026"),
        (nem12("400,1,48,A,,"), "F021"),
        (nem12(head(), day()).replace("1.5", "1\0"), "F005"),
        (nem12(head(), day()).encode("utf-16"), "F004"),
        (nem12(head(nmi="N\xfcM"), day()).encode("latin-1"), "F004"),
        ("<html></html>", "F009"),
        ("\ufeff  \n\n", "F001"),
        (nem12(head(), day() + '"'), "F011"),
        (nem12(head(), "300," + "1" * 200_000), "F011"),
    ],
)  # fmt: skip
def test_faults_of_the_envelope_refuse_the_file(text, code):
    with pytest.raises(Refused) as caught:
        read("nem12@1", text)
    assert caught.value.code == code
    assert caught.value.message.isprintable()
    assert len(caught.value.message) <= 300


def test_an_invisible_character_in_the_nmi_leaves_its_days_out():
    items = read("nem12@1", nem12(head(nmi="NMI\u200b1"), day(), head(), day()))
    (error,) = errors(items)
    assert (error.code, error.line, error.line_last) == ("R202", 2, 3)
    assert "U+200B" in error.message
    assert [b.channel_text for b in blocks(items)] == ["NMI0000001/E1"]


def test_windows_line_ends_and_a_byte_order_mark_change_nothing():
    plain = nem12(head(), day(), day("20260303"))
    other = ("\ufeff" + plain.replace("\n", "\r\n")).encode()
    assert as_dict(read("nem12@1", plain)) == as_dict(read("nem12@1", other))


@needs_cases
@pytest.mark.parametrize(
    "name", ["Example_NEM12_multiple_quality.csv", "aemo_forward_estimate_POWERMDP_09.csv"]
)
def test_a_file_cut_anywhere_never_delivers_readings_as_whole(name):
    data = (CASES / "vee/nem12" / name).read_bytes().rstrip()
    for size in [*range(300), *range(300, len(data), 17), *range(len(data) - 60, len(data))]:
        with pytest.raises(Refused):
            read("nem12@1", data[:size])
    assert blocks(read("nem12@1", data))


def test_sniff():
    reader = formats.get("nem12@1")
    assert reader.sniff(nem12(head()).encode())
    assert not reader.sniff(b"meter_id,channel\n")
