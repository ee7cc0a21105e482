"""The bytes of small files, and what each format refuses."""

import numpy as np
import pytest

from meters.exports import ChannelHead, writers
from meters.exports._bulk import constant, decimals, integers, joined
from meters.exports.nem12 import quality_of
from poweroptix.kernel.errors import NotFoundError, Refused
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status
from tests.meters.exports.sheets import CHICAGO, FIXED, PLAIN, head_of, part_of, write

ALFA = ChannelHead("TEN-ALFA/DEL_KWH", "kWh", 30)


def test_csv_long_is_written_with_offsets_letters_and_empty_cells():
    head = head_of([ALFA])
    values = np.full(48, 1_000_000)
    values[:4] = [12_500_000, MISSING, -1, 10**18 - 1]
    status = [Status.ESTIMATED, Status.MISSING, Status.SUSPECT, Status.EDITED]

    lines = write("csv_long@1", head, [part_of(ALFA, head, values, status + [10] * 44)])

    assert lines.decode().split("\r\n")[:5] == [
        "meter_id,channel,interval_start,interval_seconds,value,unit,status",
        "TEN-ALFA,DEL_KWH,2026-06-30T00:00:00-05:00,1800,12.5,kWh,E",
        "TEN-ALFA,DEL_KWH,2026-06-30T00:30:00-05:00,1800,,kWh,N",
        "TEN-ALFA,DEL_KWH,2026-06-30T01:00:00-05:00,1800,-0.000001,kWh,?",
        "TEN-ALFA,DEL_KWH,2026-06-30T01:30:00-05:00,1800,999999999999.999999,kWh,M",
    ]


def test_nem12_is_written_with_qualities_by_range():
    head = head_of([ALFA, ChannelHead("TEN-ALFA/REC_KWH", "kWh", 30, "RECEIVED")], FIXED)
    values = np.full(48, 1_500_000)
    values[40:] = MISSING
    status = [Status.VALIDATED] * 20 + [Status.ESTIMATED] * 10 + [Status.EDITED] * 18
    method = [Method.NONE] * 20 + [Method.INTERPOLATE] * 10 + [Method.MANUAL] * 18

    text = write("nem12@1", head, [part_of(ALFA, head, values, status, method)]).decode()

    assert text.split("\r\n") == [
        "100,NEM12,202612010230,POWEROPTIX,",
        "200,TEN-ALFA,DEL_KWHREC_KWH,,DEL_KWH,,,kWh,30,",
        f"300,20260630,{'1.5,' * 40}{'0,' * 8}V,,,20261201023000,",
        "400,1,20,A,,",
        "400,21,30,S17,0,estimated: interpolate",
        "400,31,40,F18,0,edited by a person",
        "400,41,48,N,,",
        "900",
        "",
    ]


@pytest.mark.parametrize(
    ("status", "method", "quality"),
    [
        (Status.VALIDATED, Method.NONE, "A"),
        (Status.VERIFIED, Method.NONE, "A"),
        (Status.CALCULATED, Method.NONE, "A"),
        (Status.ESTIMATED, Method.INTERPOLATE, "S17"),
        (Status.ESTIMATED, Method.LIKE_DAY, "S14"),
        (Status.ESTIMATED, Method.AVG_LIKE_DAY, "S15"),
        (Status.ESTIMATED, Method.CHECK_METER, "S11"),
        (Status.ESTIMATED, Method.NODE_CALC, "S12"),
        (Status.ESTIMATED, Method.SCADA, "S13"),
        (Status.ESTIMATED, Method.MANUAL, "S55"),
        (Status.EDITED, Method.MANUAL, "F18"),
        (Status.SUBSTITUTED_FINAL, Method.LIKE_DAY, "F14"),
        (Status.MISSING, Method.NONE, "N"),
    ],
)
def test_nem12_qualities_follow_the_mapping(status, method, quality):
    assert quality_of(status, method)[0] == quality


def test_nem12_tells_a_suspect_reading_by_its_reason():
    assert quality_of(Status.SUSPECT, Method.NONE) == ("A", "45", "")


def test_nem12_of_one_quality_needs_no_ranges():
    head = head_of([ALFA], FIXED)

    text = write("nem12@1", head, [part_of(ALFA, head, 2_000_000)]).decode()

    assert f"300,20260630,{'2,' * 48}A,,,20261201023000," in text
    assert "400," not in text


def test_numbers_become_text_without_loss():
    rows = [0, 1, -1, 999_999, 10**6, -(10**12), 10**18 - 1, 1_230_000, 2**63 - 1]

    text = joined(decimals(np.array(rows)), constant(" ", len(rows)))[0].decode()

    assert text.split() == [
        *("0", "0.000001", "-0.000001", "0.999999", "1", "-1000000"),
        *("999999999999.999999", "1.23", "9223372036854.775807"),
    ]


def test_whole_numbers_become_text_and_their_places_are_known():
    text, starts = joined(integers(np.array([5, -40, 2**47])))

    assert text == b"5-40140737488355328"
    assert starts.tolist() == [0, 1, 4, 19]


class TestRefusals:
    def test_nem12_refuses_a_zone_that_changes_its_clock(self):
        with pytest.raises(Refused) as fault:
            writers.get("nem12@1").check(head_of([ALFA], CHICAGO))

        assert fault.value.message == (
            "America/Chicago changes its clock and NEM12 days always have 24 hours; name a zone "
            "of standard time, such as Etc/GMT+6 (UTC-6)."
        )

    def test_nem12_refuses_hours(self):
        with pytest.raises(Refused, match=r"A/B has intervals of 60 minutes; NEM12 holds 1, 5, 10"):
            writers.get("nem12@1").check(head_of([ChannelHead("A/B", "kWh", 60)], FIXED))

    def test_espi_refuses_what_is_not_energy(self):
        fuel = ChannelHead("FUEL-A/DEL_MMBTU", "MMBtu", 60)
        with pytest.raises(Refused, match=r"FUEL-A/DEL_MMBTU is in MMBtu; Green Button files hold"):
            writers.get("espi@1").check(head_of([fuel]))

    @pytest.mark.parametrize("key", ["csv_long@1", "nem12@1"])
    def test_a_code_without_two_halves_is_refused(self, key):
        with pytest.raises(Refused, match=r"The code ALONE has no meter and channel with a '/'"):
            writers.get(key).check(head_of([ChannelHead("ALONE", "kWh", 30)], FIXED))

    def test_csv_long_refuses_what_a_spreadsheet_would_run(self):
        with pytest.raises(Refused, match=r"'-X' of TEN/-X would start a formula"):
            writers.get("csv_long@1").check(head_of([ChannelHead("TEN/-X", "kWh", 30)]))

    @pytest.mark.parametrize("value", [10**18, -(10**18)])
    @pytest.mark.parametrize("key", ["csv_long@1", "nem12@1"])
    def test_a_number_of_thirteen_digits_is_refused_by_channel_and_interval(self, key, value):
        head = head_of([ALFA], FIXED)
        values = np.zeros(48, np.int64)
        values[3] = value

        with pytest.raises(Refused) as fault:
            write(key, head, [part_of(ALFA, head, values)])

        assert fault.value.message == (
            "The reading of TEN-ALFA/DEL_KWH at 2026-06-30T07:30:00Z cannot be written exactly: "
            "it has more than 12 digits before the point; export it as Parquet."
        )

    def test_espi_refuses_a_number_beyond_48_bits(self):
        head = head_of([ALFA])
        with pytest.raises(Refused, match=r"TEN-ALFA/DEL_KWH at 2026-06-30T05:00:00Z cannot be"):
            write("espi@1", head, [part_of(ALFA, head, 2**47)])
        assert b"<value>140737488355327<" in write("espi@1", head, [part_of(ALFA, head, 2**47 - 1)])

    def test_an_unknown_format_is_refused_with_those_there_are(self):
        with pytest.raises(NotFoundError, match=r"known: csv_long@1, espi@1, nem12@1, parquet@1"):
            writers.get("mdef@1")


def test_what_is_held_does_not_grow_with_the_file():
    head = head_of([ALFA], FIXED, PLAIN, 1)
    asked = []

    def parts():
        for number in range(5):
            asked.append(number)
            yield part_of(ALFA, head, number)

    for key in writers.keys():  # noqa: SIM118
        asked.clear()
        stream = writers.get(key).write(head, parts())
        sizes = []
        for chunk in stream:
            sizes.append((len(asked), len(chunk)))
        assert {count for count, _size in sizes} >= {1, 2, 3, 4, 5}, key
