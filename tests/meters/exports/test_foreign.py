"""Readers that are not ours read the same numbers at the same instants."""

import csv
import io
import json
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

import numpy as np
import pyarrow.parquet as pq
import pytest
from greenbutton_objects import enums
from greenbutton_objects.parse import parse_feed
from hypothesis import HealthCheck, given, settings
from nemreader import NEMFile

from meters.exports import ChannelHead
from poweroptix.kernel.fixed import MISSING, from_micro
from poweroptix.kernel.quality import Method, Status
from tests.meters.exports.sheets import (
    AUTUMN,
    FIXED,
    PLAIN,
    files,
    head_of,
    part_of,
    write,
)

LAW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module", autouse=True)
def _codes_that_it_lacks():
    """Teach greenbutton_objects two codes of ESPI: quality 19 (billing), flow 4 (net)."""
    more = {"QualityOfReading": {"billing": 19}, "FlowDirectionType": {"net": 4}}
    with pytest.MonkeyPatch.context() as patch:
        for name, added in more.items():
            known = {each.name: each.value for each in getattr(enums, name)}
            patch.setattr(enums, name, Enum(name, known | added))
        yield


def numbers(part):
    """Return {start: Decimal} of the intervals that have a value."""
    grid = part.series.grid
    at = np.flatnonzero(~part.series.missing).tolist()
    return {grid.start_of(i): from_micro(int(part.series.values[i])) for i in at}


@LAW
@given(files())
def test_pythons_csv_reads_csv_long(case):
    head, parts = case
    rows = list(csv.DictReader(io.StringIO(write("csv_long@1", head, parts).decode(), newline="")))

    for part in parts:
        own = [r for r in rows if f"{r['meter_id']}/{r['channel']}" == part.channel.code]
        found = {datetime.fromisoformat(r["interval_start"]): r["value"] for r in own}
        assert len(own) == part.series.grid.count
        assert {s: Decimal(v) for s, v in found.items() if v} == numbers(part)
        assert all((r["status"] == "N") == (r["value"] == "") for r in own)


@LAW
@given(files())
def test_pandas_reads_parquet_to_the_last_digit(case):
    head, parts = case
    frame = pq.read_table(io.BytesIO(write("parquet@1", head, parts))).to_pandas()

    for part in parts:
        own = frame[frame["channel"] == part.channel.code]
        there = own[own["value"].notna()]
        starts = [stamp.to_pydatetime() for stamp in there["interval_start"]]
        assert dict(zip(starts, there["value"], strict=True)) == numbers(part)
        assert own["status"].tolist() == [Status(int(s)).name for s in part.series.status]
        assert own["method"].tolist() == [Method(int(m)).name for m in part.method]
        assert set(own["version"]) == {3}
        assert set(own["interval_seconds"]) == {part.channel.minutes * 60}


def test_parquet_says_what_it_is_about():
    channel = ChannelHead("FUEL-A/DEL_MMBTU", "MMBtu", 60)
    head = head_of([channel], layer="raw")
    part = part_of(channel, head, 2**63 - 1)

    table = pq.read_table(io.BytesIO(write("parquet@1", head, [part])))

    about = {k.decode(): v.decode() for k, v in table.schema.metadata.items()}
    assert about["poweroptix.campus"] == "CAP"
    assert about["poweroptix.zone"] == "America/Chicago"
    assert about["poweroptix.layer"] == "raw"
    assert about["poweroptix.first_day"] == about["poweroptix.last_day"] == "2026-06-30"
    assert about["poweroptix.made_at"] == "2026-12-01T08:30:00Z"
    assert json.loads(about["poweroptix.units"]) == {"FUEL-A/DEL_MMBTU": "MMBtu"}
    assert str(table.schema.field("value").type) == "decimal128(19, 6)"
    assert str(table.schema.field("interval_start").type) == "timestamp[us, tz=UTC]"
    assert table["value"][0].as_py() == Decimal("9223372036854.775807")


def test_parquet_of_several_parts_has_a_row_group_each_and_no_version_without_block():
    channel = ChannelHead("TEN-ALFA/DEL_KWH", "kWh", 60)
    head = head_of([channel])
    first, second = part_of(channel, head, -5), part_of(channel, head, MISSING)
    second.version[:] = 0

    file = pq.ParquetFile(io.BytesIO(write("parquet@1", head, [first, second])))

    assert file.num_row_groups == 2
    rows = file.read().to_pylist()
    assert (rows[0]["value"], rows[0]["version"]) == (Decimal("-0.000005"), 3)
    assert (rows[24]["value"], rows[24]["status"], rows[24]["version"]) == (None, "MISSING", None)


@LAW
@given(case=files(zones=(FIXED, "Etc/GMT-10"), lengths=(5, 15, 30)))
def test_nemreader_reads_nem12(case, tmp_path_factory):
    head, parts = case
    path = tmp_path_factory.mktemp("nem12") / "file.csv"
    path.write_bytes(write("nem12@1", head, parts))
    data = NEMFile(path).nem_data()
    hours = {FIXED: -6, "Etc/GMT-10": 10}[head.zone]

    for part in parts:
        nmi, suffix = part.channel.code.split("/")
        rows = data.readings[nmi][suffix]
        assert len(rows) == part.series.grid.count
        found = {row.t_start - timedelta(hours=hours): row for row in rows}
        for start, number in numbers(part).items():
            row = found[start.replace(tzinfo=None)]
            assert row.read_value == float(number)
            assert row.uom == "kWh"
            assert row.quality_method[0] in "ASF"
        missing = [row for row in rows if row.quality_method == "N"]
        assert len(missing) == part.series.missing_count


@LAW
@given(case=files())
def test_greenbutton_objects_reads_espi(case, tmp_path_factory):
    head, parts = case
    path = tmp_path_factory.mktemp("feed") / "feed.xml"
    path.write_bytes(write("espi@1", head, parts))

    readings = {mr.title: mr for up in parse_feed(path) for mr in up.meterReadings}

    assert set(readings) == {part.channel.code for part in parts}
    for part in parts:
        found = readings[part.channel.code]
        assert found.readingType.powerOfTenMultiplier == -3
        assert found.readingType.intervalLength == part.channel.minutes * 60
        assert found.readingType.uom.name == "wattHours"
        rows = {r.timePeriod.start: Decimal(r._value) / 10**6 for r in found.intervalReadings}
        assert rows == numbers(part)


def test_greenbutton_objects_reads_the_qualities(tmp_path):
    channel = ChannelHead("TEN-ALFA/DEL_KWH", "kWh", 60)
    head = head_of([channel], first=AUTUMN)
    status = [Status.VALIDATED] * 25
    status[:9] = [each for each in Status if each != Status.MISSING]
    part = part_of(channel, head, 7, status, [Method.INTERPOLATE] * 25)
    path = tmp_path / "feed.xml"
    path.write_bytes(write("espi@1", head, [part]))

    (point,) = parse_feed(path)
    (reading,) = point.meterReadings
    codes = [next(iter(r.readingQualities)).quality.value for r in reading.intervalReadings]

    assert codes == [19, 18, 11, 17, 7, 9, 10, 14, 10] + [19] * 16
    assert point.title == "TEN-ALFA"


def test_plain_days_have_one_block_and_gaps_cut_it(tmp_path):
    channel = ChannelHead("TEN-ALFA/DEL_KWH", "kWh", 60)
    head = head_of([channel], first=PLAIN, days=2)
    values = np.arange(48)
    values[10:12] = MISSING
    path = tmp_path / "feed.xml"
    path.write_bytes(write("espi@1", head, [part_of(channel, head, values)]))

    (point,) = parse_feed(path)
    (reading,) = point.meterReadings
    spans = [(b.interval.start, b.interval.duration) for b in reading.intervalBlocks]

    day = head_of([channel], first=PLAIN)
    begin = part_of(channel, day, 0).series.grid.start_utc
    hour = timedelta(hours=1)
    assert spans == [
        (begin, 10 * hour),
        (begin + 12 * hour, 12 * hour),
        (begin + 24 * hour, 24 * hour),
    ]
