"""ESPI declarations that are doubtful: taken with a remark, or refused as a register."""

import gzip
from decimal import Decimal

import pytest

from meters.formats import Profile
from tests.meters.cases import CASES, blocks, errors, needs_cases, read, remarks, total
from tests.meters.formats.espi_feeds import block, feed, parts, reading, refused

NIST = "peers/nist_greenbutton/Meter_Data_2014-01-06_2014-01-12.xml.gz"


@needs_cases
@pytest.mark.parametrize("rows", [1_000_000, 1_000])
def test_the_week_as_declared_is_taken_with_remarks(rows):
    data = gzip.decompress((CASES / NIST).read_bytes())
    items = read("espi@1", data, Profile(options={"window_rows": rows}))
    assert errors(items) == []
    assert {b.channel_text: (b.count, total([b])) for b in blocks(items)} == {
        "5446AF3F/DEL_KWH": (10080, Decimal("0.034818")),  # 3 481 808 x 10^-8
        "5446AF3F/REC_KWH": (10080, Decimal("0.009459")),  # 945 940 x 10^-8
    }
    found = {(r.channel_text, r.code, r.field) for r in remarks(items)}
    assert found == {
        (f"5446AF3F/{flow}_KWH", code, name)
        for flow in ("DEL", "REC")
        for code, name in (("X007", "accumulationBehaviour"), ("X008", "powerOfTenMultiplier"))
    }
    assert len(remarks(items)) == 4


def test_a_bulk_quantity_with_an_interval_length_is_energy_per_interval():
    items = read("espi@1", feed(parts(block(reading(0), reading(1)), accumulationBehaviour=1)))
    assert total(blocks(items)) == Decimal("0.2")
    (remark,) = remarks(items)
    assert (remark.code, remark.severity, remark.channel_text) == ("X007", "WARN", "P1/DEL_KWH")
    assert "accumulationBehaviour 1 (bulk quantity) with intervalLength 900 s" in remark.message
    assert "do not use the file if these are register readings" in remark.message
    vouched = Profile(options={"accumulation": "delta"})
    entries = parts(block(reading(0)), accumulationBehaviour=1)
    assert remarks(read("espi@1", feed(entries), vouched)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"accumulationBehaviour": 1, "intervalLength": None},
        {"accumulationBehaviour": 1, "intervalLength": 0},
        {"accumulationBehaviour": 1, "uom": 38},
        {"accumulationBehaviour": 2}, {"accumulationBehaviour": 3}, {"accumulationBehaviour": 9},
    ],
)  # fmt: skip
def test_a_register_is_refused(changes):
    error = refused(feed(parts(block(reading(0)), **changes)))
    assert error.code == "X007"
    number = changes["accumulationBehaviour"]
    assert f"accumulationBehaviour {number} is a register or a sum" in error.message


def test_too_fine_a_scale_is_rounded_so_that_the_total_stays():
    raw = ["295", "300", "280", "5", "50", "50"]
    text = feed(parts(block(*(reading(n, v) for n, v in enumerate(raw))), powerOfTenMultiplier=-5))
    items = read("espi@1", text)
    (found,) = blocks(items)
    # running sums 2.95 5.95 8.75 8.80 9.30 9.80
    assert found.values.tolist() == [3, 3, 3, 0, 0, 1]
    (remark,) = remarks(items)
    assert (remark.code, remark.severity) == ("X008", "WARN")
    assert "powerOfTenMultiplier -5 makes a raw unit finer than 0.000001 kWh" in remark.message
    assert "set unit_factor in the import profile" in remark.message
    (back,) = blocks(read("espi@1", text, Profile(sign=-1)))
    assert back.values.tolist() == [-3, -3, -3, 0, 0, -1]
    items = read("espi@1", text, Profile(unit_factor=Decimal("0.00000001")))
    assert total(blocks(items)) == Decimal("0.00001")
    assert "unit_factor 0.00000001 of the import profile" in remarks(items)[0].message


def test_copies_of_too_fine_readings_are_still_copies():
    twice = block(reading(0, "295"), reading(0, "295"), reading(1, "295"), reading(2, "295"))
    items = read("espi@1", feed(parts(twice, powerOfTenMultiplier=-5)))
    assert errors(items) == []
    assert blocks(items)[0].values.tolist() == [3, 3, 3]
    assert [r.code for r in remarks(items)] == ["X008", "W301"]
