"""Laws: what was written is what our own readers read, interval by interval."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from meters.exports import ChannelHead
from meters.exports.espi import reading_href
from meters.formats._quality import NEM_METHOD
from poweroptix.kernel.fixed import MISSING
from poweroptix.kernel.quality import Method, Status
from tests.meters.exports.sheets import (
    AUTUMN,
    CHICAGO,
    FIXED,
    PLAIN,
    SPRING,
    blocks,
    files,
    head_of,
    part_of,
    read_back,
    write,
    written,
)

LAW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SOURCE, NONE = Method.SOURCE, Method.NONE


def in_csv(status, _method):
    return {
        Status.VALIDATED: (Status.VALIDATED, NONE),
        Status.VERIFIED: (Status.VALIDATED, NONE),
        Status.CALCULATED: (Status.RAW, NONE),
        Status.SUBSTITUTED_FINAL: (Status.SUBSTITUTED_FINAL, SOURCE),
        Status.EDITED: (Status.EDITED, SOURCE),
        Status.ESTIMATED: (Status.ESTIMATED, SOURCE),
        Status.SUSPECT: (Status.SUSPECT, NONE),
        Status.RAW: (Status.RAW, NONE),
        Status.REJECTED: (Status.SUSPECT, NONE),
    }[status]


def in_espi(status, method):
    if status == Status.ESTIMATED:
        return {
            Method.INTERPOLATE: (Status.ESTIMATED, Method.INTERPOLATE),
            Method.NODE_CALC: (Status.CALCULATED, SOURCE),
        }.get(method, (Status.ESTIMATED, Method.AVG_LIKE_DAY))
    return {
        Status.CALCULATED: (Status.CALCULATED, SOURCE),
        Status.SUBSTITUTED_FINAL: (Status.SUBSTITUTED_FINAL, SOURCE),
        Status.EDITED: (Status.EDITED, SOURCE),
        Status.REJECTED: (Status.SUSPECT, NONE),
    }.get(status, (status, NONE))


def in_nem12(status, method):
    how = method if method in NEM_METHOD.values() else SOURCE
    if status in (Status.ESTIMATED, Status.SUBSTITUTED_FINAL):
        return status, how
    if status == Status.EDITED:
        return Status.SUBSTITUTED_FINAL, NEM_METHOD[18]
    return Status.RAW, NONE


@LAW
@given(files())
def test_csv_long_reads_back_as_it_was_written(case):
    head, parts = case

    assert read_back("csv_long@1", write("csv_long@1", head, parts)) == written(parts, in_csv)


@LAW
@given(files())
def test_csv_long_has_a_row_for_every_interval_also_for_missing_ones(case):
    head, parts = case
    found = {}
    for block in blocks("csv_long@1", write("csv_long@1", head, parts)):
        found[block.channel_text] = found.get(block.channel_text, 0) + block.count

    assert found == {part.channel.code: part.series.grid.count for part in parts}


@LAW
@given(files())
def test_espi_reads_back_as_it_was_written(case):
    head, parts = case
    if all(part.series.missing.all() for part in parts):
        return  # a feed without readings is refused by readers, as it should be

    assert read_back("espi@1", write("espi@1", head, parts)) == written(parts, in_espi)


@LAW
@given(files(zones=(FIXED, "America/Phoenix", "Etc/GMT-10", "UTC"), lengths=(1, 5, 10, 15, 30)))
def test_nem12_reads_back_as_it_was_written(case):
    head, parts = case
    content = write("nem12@1", head, parts)

    assert read_back("nem12@1", content, zone=head.zone) == written(parts, in_nem12)


@LAW
@given(files(zones=(FIXED,), lengths=(5, 30)))
def test_nem12_has_every_interval_of_every_day(case):
    head, parts = case
    found = {}
    for block in blocks("nem12@1", write("nem12@1", head, parts), zone=head.zone):
        found[block.channel_text] = found.get(block.channel_text, 0) + block.count

    assert found == {part.channel.code: part.series.grid.count for part in parts}


@pytest.mark.parametrize("day", [SPRING, AUTUMN, PLAIN])
@pytest.mark.parametrize("key", ["csv_long@1", "espi@1"])
def test_a_local_day_keeps_its_23_24_or_25_hours(key, day):
    channel = ChannelHead("TEN-ALFA/DEL_KWH", "kWh", 15)
    head = head_of([channel], CHICAGO, day)
    part = part_of(channel, head, np.arange(part_of(channel, head, 0).series.grid.count))

    (rows,) = read_back(key, write(key, head, [part])).values()

    assert len(rows) == {SPRING: 92, AUTUMN: 100, PLAIN: 96}[day]
    assert min(rows) == part.series.grid.start_utc
    assert [rows[start][0] for start in sorted(rows)] == list(range(len(rows)))


def test_months_in_parts_are_one_file():
    channel = ChannelHead("TEN-ALFA/DEL_KWH", "kWh", 30)
    whole = head_of([channel], FIXED, PLAIN, 3)
    values = np.arange(3 * 48) * 1_000_000
    days = [
        part_of(channel, head_of([channel], FIXED, PLAIN.replace(day=30)), values[:48]),
        part_of(channel, head_of([channel], FIXED, PLAIN.replace(month=7, day=1), 2), values[48:]),
    ]
    at_once = part_of(channel, whole, values)

    for key in ("csv_long@1", "espi@1", "nem12@1"):
        assert write(key, whole, days) == write(key, whole, [at_once])


def test_two_channels_of_one_meter_and_direction_stay_two_in_espi():
    main = ChannelHead("TEN-ALFA/DEL_KWH", "kWh", 60)
    check = ChannelHead("TEN-ALFA/CHECK", "kWh", 60)
    head = head_of([main, check])
    parts = [part_of(main, head, 1_000_000), part_of(check, head, 2_000_000)]

    content = write("espi@1", head, parts)

    assert set(read_back("espi@1", content)) == {
        "TEN-ALFA/DEL_KWH",
        "TEN-ALFA%2FCHECK/DEL_KWH",
    }
    named = {"channels": {reading_href(check): check.code}}
    assert read_back("espi@1", content, options=named) == written(parts)


@pytest.mark.parametrize("key", ["csv_long@1", "espi@1", "nem12@1"])
def test_a_channel_without_any_reading_is_absent(key):
    there, gone = (ChannelHead(f"M{n}/DEL_KWH", "kWh", 30) for n in (1, 2))
    head = head_of([there, gone], FIXED)
    parts = [part_of(there, head, 5), part_of(gone, head, MISSING)]

    found = read_back(key, write(key, head, parts), zone=FIXED)

    assert {code for code, rows in found.items() if rows} == {"M1/DEL_KWH"}
