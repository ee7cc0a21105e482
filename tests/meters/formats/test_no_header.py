"""A table without a header line: the import profile names its columns."""

from meters.formats import Profile
from meters.formats._options import option_faults
from tests.meters.cases import read


def test_a_file_without_a_header_has_its_columns_from_the_profile():
    profile = Profile(
        unit="kWh",
        options={
            "header": ["value", "interval_start"], "meter_id": "M", "channel": "C",
            "interval_seconds": "900",
        },
    )  # fmt: skip
    text = "\n7.5,2026-03-01T00:00:00Z\n9,2026-03-01T00:15:00Z\nx,2026-03-02T00:00:00Z\n"[1:]
    fault, block = read("csv_long@1", text, profile)
    assert (block.channel_text, list(block.values)) == ("M/C", [7_500_000, 9_000_000])
    assert list(block.lines) == [1, 2]
    assert (fault.line, fault.code) == (3, "R101")


def test_a_header_of_the_profile_is_a_list_of_different_names():
    for wrong in ("value", [], ["value", "value"]):
        [fault] = option_faults({"header": wrong})
        assert "a list of different column names, for a file without a header" in fault
    assert option_faults({"header": ["value", "interval_start"]}) == []
