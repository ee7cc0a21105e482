"""The ingest cases of OpenEnergyDashboard, each read by `manage.py ingest` as the table tells.

`docs/conformance.md` names for each case how it is read and what becomes of it; the test holds it:

* same: our readings are those that OED expects, interval by interval.
* refused by both: OED expects nothing, we store nothing.
* kept: we read every row at its own instants; OED leaves some out, splits or prorates them.
* held: the advance named is held for a person, the others are those of the rows.
* refused: we store nothing.
"""

import csv
import gzip
import io
import re
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from meters.models import Channel, ReadingBlock, RegisterRead
from meters.queries import raw_series
from poweroptix.kernel.quality import Status
from tests.conformance.chain import manage
from tests.meters.builders import CASES, make_channel, make_profile

pytestmark = pytest.mark.django_db
D = Decimal
CHICAGO, UTC = ZoneInfo("America/Chicago"), ZoneInfo("UTC")
FOLDER = CASES / "peers/oed_csv_pipeline/src/server/test/web/csvPipeline"
DOC = Path(__file__).parents[2] / "docs" / "conformance.md"
TITLE = "## OED ingest cases"
FILE = re.compile(r"pipe(\d+)([A-C]?)(Input|InputMeter|Expected)\.csv(\.gz)?")
SPAN, END = ("reading", "start_timestamp", "end_timestamp"), ("reading", "end_timestamp")
REGISTER = {
    "columns": {"reading": "register", "end_timestamp": "read_time"},
    "ignore_columns": ["start_timestamp"], "digits": "6", "multiplier": "1",
    "read_type": "SCHEDULED",
}  # fmt: skip
INTERVALS = {
    "columns": {"reading": "value", "start_timestamp": "interval_start"},
    "ignore_columns": ["end_timestamp"],
}
ENDS = {"columns": {"reading": "value", "end_timestamp": "interval_start"}}
#: What the second column of the table says, as format, header where the file has none, and options.
READ_AS = {
    "registers": ("register_csv@1", SPAN, REGISTER),
    "registers, header": ("register_csv@1", None, REGISTER),
    "registers, ends": ("register_csv@1", END, REGISTER),
} | {
    f"{minutes} min{words}": (
        "csv_long@1", header, options | {"interval_seconds": str(minutes * 60)},
    )
    for minutes in (15, 23, 30, 60, 1440)
    for words, header, options in (("", SPAN, INTERVALS), (", ends", END, ENDS))
}  # fmt: skip


def told():
    """Return the rows of the table: cases, how read, what becomes, the message."""
    body = DOC.read_text().partition(TITLE)[2]
    rows = re.findall(r"^\| (\d[\d, ]*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", body, re.MULTILINE)
    return [
        (int(number), how.strip(), becomes.strip(), re.search(r"`([^`]+)`|$", why)[1])
        for numbers, how, becomes, why in rows
        for number in numbers.split(",")
    ]


TABLE = told()


def files(number, kind):
    """Return the files of a case in the order in which they are sent."""
    return sorted(
        path for path in FOLDER.glob(f"pipe{number}*")
        if (found := FILE.fullmatch(path.name)) and (int(found[1]), found[3]) == (number, kind)
    )  # fmt: skip


def rows_of(path):
    """Return the rows of a file without its header; zone-less stamps are of Chicago."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    for row in csv.reader(io.StringIO(text)):
        if row and row[0] != "reading":
            yield [D(row[0])] + [
                stamp if stamp.tzinfo else stamp.replace(tzinfo=CHICAGO)
                for stamp in map(datetime.fromisoformat, row[1:])
            ]


def spans(rows):
    """Return rows as (start, end, value) in UTC, in order."""
    return sorted((start.astimezone(UTC), end.astimezone(UTC), v) for v, start, end in rows)


def expected(number):
    """Return what OED stores: start, end, value."""
    [path] = files(number, "Expected")
    return sorted(
        (start.astimezone(UTC), end.astimezone(UTC), v) for v, start, end in rows_of(path)
    )


def of_the_rows(number, how):
    """Return what the rows say: an interval each, or an advance between two registers."""
    rows = [row for path in files(number, "Input") for row in rows_of(path)]
    if not how.startswith("registers"):
        return spans(rows)
    reads = sorted({(row[-1].astimezone(UTC), row[0]) for row in rows})
    return [(start, end, now - before) for (start, before), (end, now) in pairwise(reads)]


def read(number, how):
    """Read the files of a case by the command and return each result."""
    key, header, options = READ_AS[how]
    if header:
        options = options | {"header": list(header)}
    minutes = int(how.split()[0]) if how[0].isdigit() else 15
    make_channel("pipe/KWH", minutes=minutes if minutes in (15, 30, 60) else 15, direction="NET")
    make_profile(
        "OED", format=key, zone="America/Chicago", unit="kWh",
        label="END" if "ends" in how else "BEGIN",
        options=options | {"meter_id": "pipe", "channel": "KWH"},
    )  # fmt: skip
    words = ["--source", "oed", "--profile", "OED", "--json"]
    return [manage("ingest", path, *words).json[0] for path in files(number, "Input")]


def stored(results):
    """Return what was stored as (start, end, value), and what is held as (start, end, message)."""
    moves, held = [], []
    for result in results:
        receipt = result.get("receipt", {"registers": [], "channels": []})
        for move in (move for row in receipt["registers"] for move in row["moves"]):
            at = [
                datetime.fromisoformat(move[each]["read_at_utc"]) for each in ("previous", "this")
            ]
            if "held" in move:
                held.append((*at, move["held"]["message"]))
            else:
                moves.append((*at, D(move["quantity"])))
        for row in receipt["channels"]:
            first, end = (datetime.fromisoformat(row[each]) for each in ("first_utc", "end_utc"))
            series, _ = raw_series(Channel.objects.get(code=row["code"]).pk, first, end)
            length = (end - first) / series.grid.count
            moves += [
                (first + n * length, first + (n + 1) * length, value)
                for n, value in enumerate(series.decimals())
                if series.status[n] != Status.MISSING
            ]
    return sorted(moves), sorted(held)


@pytest.mark.skipif(not FOLDER.exists(), reason=f"no OED cases at {FOLDER} (POWEROPTIX_CASES)")
@pytest.mark.parametrize(("number", "how", "becomes", "message"), TABLE)
def test_case(number, how, becomes, message):
    if how == "meters":
        for path in files(number, "InputMeter"):
            said = manage("ingest", path, "--source", "oed", "--json")
            assert said.code == 1
            assert message in said.json[0]["message"]
        return
    results = read(number, how)
    if becomes.startswith("refused"):
        assert results[0]["outcome"] == "refused"
        name = files(number, "Input")[0].name
        said = re.sub(r" \(\d+ records are wrong\.\)$", "", results[0]["message"])
        assert said == f"{name}: {message}"
        assert not ReadingBlock.objects.exists()
        assert not RegisterRead.objects.exists()
        assert (expected(number) == []) == (becomes == "refused by both")
        return
    assert {result["outcome"] for result in results} == {"accepted"}, results
    found, held = stored(results)
    if becomes == "held":
        [(start, end, said)] = held
        assert re.sub(r"\d+", "N", said) == message
        rows = of_the_rows(number, how)
        assert next(row for row in rows if row[:2] == (start, end))[2] < 0
        assert found == [row for row in rows if row[2] >= 0]
        return
    assert held == []
    want = expected(number) if becomes == "same" else of_the_rows(number, how)
    assert found == want
    assert (found == expected(number)) == (becomes == "same")


@pytest.mark.skipif(not FOLDER.exists(), reason=f"no OED cases at {FOLDER} (POWEROPTIX_CASES)")
def test_the_table_names_every_case_once():
    numbers = {int(found[1]) for path in FOLDER.iterdir() if (found := FILE.fullmatch(path.name))}
    assert {path.name for path in FOLDER.iterdir() if not FILE.fullmatch(path.name)} == {
        "README.md"
    }
    assert sorted(row[0] for row in TABLE) == sorted(numbers)
