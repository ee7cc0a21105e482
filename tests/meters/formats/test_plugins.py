"""A format from outside the folder: the worked example of docs/formats/mv90.md, as printed."""

import importlib
import io
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from meters.formats import ChannelBlock, Profile, RowError, formats, load_plugins
from meters.queries import raw_series
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.registry import RegistrationError
from tests.meters import builders

PAGE = Path(__file__).parents[3] / "docs" / "formats" / "mv90.md"
CODE, SAMPLE = (
    re.search(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]
    for kind in ("python", "text")
)
PROFILE = Profile(format="example_mv90@1", zone="America/Chicago")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Return a function that writes a module, and forget all of them and their formats after."""
    monkeypatch.syspath_prepend(tmp_path)
    formats.discover()
    before, made = dict(formats._items), []

    def write(name, code):
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
        importlib.invalidate_caches()
        made.append(name)
        return name

    yield write
    formats._items = before
    for name in made:
        sys.modules.pop(name, None)


@pytest.fixture
def example(house):
    assert load_plugins([house("example_house", CODE)]) == ["example_mv90@1"]
    return formats.get("example_mv90@1")


def read(example, text, profile=PROFILE):
    return list(example.read(io.BytesIO(text.encode()), profile))


def test_the_example_reads_what_the_page_says(example):
    assert example.sniff(SAMPLE.encode())
    (block,) = read(example, SAMPLE)
    assert isinstance(block, ChannelBlock)
    assert block.channel_text == "MTR0000123/1"
    assert block.start_utc == datetime(2026, 3, 1, 6, tzinfo=UTC)
    assert block.values.tolist()[:2] == [12_500_000, 12_750_000]
    assert block.status.tolist() == [75, 75, 100, 75]
    assert [flag[:3] for flag in block.flags] == [(2, 3, "POWER_FAIL"), (3, 4, "OVERFLOW")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("T|4", "T|5", "Line 6: the trailer says"),
        ("T|4\n", "", "The file ends inside the channel of line 1."),
        ("D|0045||0004", "X|0045", "Line 4 is no record"),
    ],
)
def test_a_cut_export_is_refused_with_its_line(example, old, new, said):
    with pytest.raises(Refused, match=re.escape(said)):
        read(example, SAMPLE.replace(old, new))


def test_a_faulty_channel_is_left_out_with_line_and_name(example):
    (error,) = read(example, SAMPLE.replace("0030|12.750", "0031|12.750"))
    assert isinstance(error, RowError)
    assert (error.line, error.line_last, error.channel_text) == (1, 5, "MTR0000123/1")
    assert "Line 3, MTR0000123/1: '0031'" in error.message
    (error,) = read(example, SAMPLE.replace("KWH", "LBS"))
    assert "unit 'LBS'" in error.message


@pytest.mark.django_db
def test_it_goes_the_way_of_every_file(example):
    channel = builders.make_channel("MTR0000123/1")
    builders.make_profile("MV", format="example_mv90@1", zone="America/Chicago")
    receipt = builders.ingest(SAMPLE, profile_code="MV")
    assert (receipt["intervals"], receipt["channels"][0]["missing"]) == (4, 1)
    start = datetime(2026, 3, 1, 6, tzinfo=UTC)
    series = raw_series(channel.pk, start, start.replace(hour=7))[0]
    assert series.values.tolist()[0] == 12_500_000


SHELL = '''"""x"""
from meters.formats import formats
@formats.register("{key}")
class Made:
    """A format that is made up."""
    on_row_error = "{policy}"
    @staticmethod
    def read(stream, profile):
        return iter(())
'''


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import there_is_no_such_module", "cannot be imported"),
        ("x = 1", "registers no format"),
        (SHELL.format(key="csv_long@1", policy="quarantine"), "registered twice"),
        (SHELL.format(key="made@1", policy="perhaps"), "needs on_row_error"),
        (SHELL.format(key="made@1", policy="quarantine"), "needs a static method sniff"),
    ],
)
def test_a_plug_in_that_cannot_work_stops_the_start(house, code, said):
    name = house(f"broken_{abs(hash(code))}", code)
    with pytest.raises(RegistrationError, match=said):
        load_plugins([name])


def test_a_module_that_is_loaded_twice_adds_nothing(house):
    name = house("example_twice", CODE.replace("example_mv90@1", "example_twice@1"))
    assert load_plugins([name]) == ["example_twice@1"]
    assert load_plugins([name]) == []
