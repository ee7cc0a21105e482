"""ESPI: samples, a week of one-minute readings, joining by links, and hostile feeds."""

import datetime as dt
import gzip
import io
import random
import re
from decimal import Decimal

import pytest

from meters.formats import Profile, formats
from poweroptix.kernel.errors import Refused
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
from tests.meters.formats.espi_feeds import (
    POINT,
    START,
    block,
    entry,
    feed,
    parts,
    reading,
    refused,
)

ACCEPTED = [name for name, case in expected("espi/").items() if case["our_policy"] == "ACCEPT"]
GAS = [name for name in expected("espi/") if name not in ACCEPTED]
NIST = "peers/nist_greenbutton/Meter_Data_2014-01-06_2014-01-12.xml.gz"


@needs_cases
@pytest.mark.parametrize("name", ACCEPTED)
def test_published_sample(name):
    (want,) = expected("espi/")[name]["series"]
    items = read_file("espi@1", f"vee/{name}")
    assert errors(items) == []
    found = blocks(items)
    assert sum(b.count for b in found) == want["n"]
    assert total(found) == Decimal(want["raw_sum"]) / 1000
    assert {b.unit for b in found} == {"kWh"}
    assert {b.minutes * 60 for b in found} == {want["interval_length"]}
    assert str(found[0].start_utc) == want["first_utc"]
    step = dt.timedelta(seconds=want["interval_length"])
    assert str(found[-1].end_utc - step) == want["last_start_utc"]


@needs_cases
def test_qualities_of_the_sample():
    (block,) = blocks(read_file("espi@1", "vee/espi/test_usage_data_01.xml"))
    assert block.status[:3].tolist() == [Status.ESTIMATED, Status.EDITED, Status.RAW]
    assert block.method[:2].tolist() == [Method.AVG_LIKE_DAY, Method.SOURCE]
    assert (block.status[2:] == Status.RAW).sum() == 94
    assert [flag[3] for flag in block.flags] == [{"quality": "8"}, {"quality": "7"}]


@needs_cases
@pytest.mark.parametrize("name", GAS)
def test_gas_is_refused_and_the_reading_type_named(name):
    error = refused((CASES / "vee" / name).read_bytes())
    assert error.code == "X007"
    assert re.search(r"ReadingType \S*ReadingType/0", error.message)


@needs_cases
def test_a_week_of_one_minute_readings_with_the_factor_of_the_profile():
    data = gzip.decompress((CASES / NIST).read_bytes())
    items = read("espi@1", data, Profile(unit_factor=Decimal("0.0001")))
    found = {b.channel_text: b for b in blocks(items)}
    assert errors(items) == []
    assert {name: (b.count, b.minutes, total([b])) for name, b in found.items()} == {
        "5446AF3F/DEL_KWH": (10080, 1, Decimal("348.1808")),
        "5446AF3F/REC_KWH": (10080, 1, Decimal("94.594")),
    }
    assert found["5446AF3F/DEL_KWH"].start_utc == dt.datetime(2014, 1, 6, 8, tzinfo=dt.UTC)
    assert remarks(items) == []


@needs_cases
@pytest.mark.parametrize(
    ("name", "power", "uom"), [("E0", 0, 72), ("E-3", -3, 72), ("E-uom38", 3, 38)]
)
def test_scale_examples(name, power, uom):
    case = example(name)
    assert case["given"]["powerOfTenMultiplier"] == power
    text = feed(
        parts(block(reading(0, case["given"]["value"])), powerOfTenMultiplier=power, uom=uom)
    )
    assert total(blocks(read("espi@1", text))) == Decimal(case["expect"]["kwh"])


def test_five_minutes_of_power_are_exact_or_left_out():
    readings = [reading(n, v, duration=300, step=300) for n, v in enumerate(("12000", "36"))]
    text = feed(parts(block(*readings, duration=600), intervalLength=300, uom=38))
    assert total(blocks(read("espi@1", text))) == Decimal("1.003")
    text = feed(
        parts(block(reading(0, "1", duration=300), duration=300), intervalLength=300, uom=38)
    )
    assert [e.code for e in errors(read("espi@1", text))] == ["R103"]


def test_document_order_means_nothing():
    entries = parts(block(reading(0)), block(reading(1, "200"), start=START + 900))
    want = as_dict(read("espi@1", feed(entries)))
    assert len(want) == 2
    rng = random.Random(1)
    for _ in range(20):
        rng.shuffle(entries)
        assert as_dict(read("espi@1", feed(entries))) == want


def test_a_block_is_never_joined_by_guess():
    entries = parts(block(reading(0)))
    entries[3] = entries[3].replace("MeterReading/7/", "MeterReading/8/")
    error = refused(feed(entries))
    assert error.code == "X013"
    assert "has no MeterReading" in error.message
    assert (
        refused(feed([e for n, e in enumerate(parts(block(reading(0)))) if n != 2])).code == "X013"
    )
    assert (
        refused(feed([e for n, e in enumerate(parts(block(reading(0)))) if n != 1])).code == "X013"
    )


def test_links_to_the_item_itself_join_too():
    entries = [text.replace("/7/IntervalBlock\"", "/7/IntervalBlock/0\"", 1) if n == 1 else text
               for n, text in enumerate(parts(block(reading(0))))]  # fmt: skip
    entries[3] = entries[3].replace(
        f'<link rel="up" href="{POINT}/MeterReading/7/IntervalBlock"/>', ""
    )
    assert len(as_dict(read("espi@1", feed(entries)))) == 1


def test_gaps_make_blocks_and_an_incomplete_block_is_remarked():
    text = feed(parts(block(reading(0), reading(1), reading(4), duration=7200)))
    items = read("espi@1", text)
    assert [b.count for b in blocks(items)] == [2, 1]
    (remark,) = remarks(items)
    assert remark.code == "W303"
    assert "the block says 7200 s but its 3 readings cover 2700 s" in remark.message


def test_readings_without_a_period_follow_the_start_of_the_block():
    bare = "<IntervalReading><value>5</value></IntervalReading>"
    (found,) = blocks(read("espi@1", feed(parts(block(bare, bare, bare)))))
    assert (found.count, int(found.start_utc.timestamp())) == (3, START)
    items = read("espi@1", feed(parts(block(bare, reading(1)), block(reading(9)))))
    assert [e.code for e in errors(items)] == ["X010"]


@pytest.mark.parametrize(
    ("qualities", "status"),
    [
        ((), Status.RAW), ((0,), Status.RAW), ((7,), Status.EDITED), ((9,), Status.ESTIMATED),
        ((10,), Status.SUSPECT), ((11,), Status.CALCULATED), ((17,), Status.SUBSTITUTED_FINAL),
        ((18,), Status.VERIFIED), ((19,), Status.VALIDATED), ((19, 8), Status.ESTIMATED),
        ((8, 10, 19), Status.SUSPECT),
    ],
)  # fmt: skip
def test_the_worst_quality_of_a_reading_counts(qualities, status):
    (found,) = blocks(read("espi@1", feed(parts(block(reading(0, quality=qualities))))))
    assert found.status.tolist() == [status]


def test_default_quality_and_forecasts():
    (found,) = blocks(read("espi@1", feed(parts(block(reading(0)), defaultQuality=19))))
    assert found.status.tolist() == [Status.VALIDATED]
    bad = feed(parts(block(reading(0, quality=(12,))), block(reading(1))))
    (error,) = errors(read("espi@1", bad))
    assert error.code == "R203"
    assert "quality 12 is a forecast, not a reading" in error.message
    good = blocks(read("espi@1", bad, Profile(options={"forecast": True})))
    assert sum(b.count for b in good) == 2


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (reading(0, "1.5"), "X009"), (reading(0, "1e9"), "X009"), (reading(0, ""), "X009"),
        (reading(0, "9" * 16), "X009"), (reading(0, start="1721154384.66136"), "X010"),
        (reading(0, start=4133980801), "X010"), (reading(0, start=""), "X010"),
        (reading(0, duration=0), "X011"), (reading(0, duration=300), "X011"),
        ("<IntervalReading><timePeriod><duration>900</duration></timePeriod><value>1</value>"
         "</IntervalReading>", "X010"),
        (reading(0, quality=(99,)), "R203"),
    ],
)  # fmt: skip
def test_a_wrong_reading_leaves_its_whole_block_out_and_no_other(bad, code):
    text = feed(parts(block(reading(2), bad), block(reading(5, "7000"))))
    items = read("espi@1", text)
    assert [e.code for e in errors(items)] == [code]
    assert errors(items)[0].message.isprintable()
    assert total(blocks(items)) == 7


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"uom": 169}, "X007"), ({"uom": None}, "X007"), ({"uom": "Wh"}, "X007"),
        ({"commodity": 7}, "X007"), ({"accumulationBehaviour": 3}, "X007"),
        ({"dataQualifier": 8}, "X007"), ({"intervalLength": 86400}, "X007"),
        ({"intervalLength": None}, "X007"), ({"flowDirection": None}, "X007"),
        ({"powerOfTenMultiplier": 99}, "X008"),
    ],
)  # fmt: skip
def test_a_reading_type_that_is_not_electricity_per_interval_is_refused(changes, code):
    error = refused(feed(parts(block(reading(0)), **changes)))
    assert error.code == code
    assert error.message.startswith("Line ")


def test_one_unreadable_channel_does_not_refuse_the_others():
    entries = parts(block(reading(0)))
    other = [text.replace("/7", "/9").replace("ReadingType/3", "ReadingType/4")
             for text in parts(block(reading(0)), uom=169)[1:]]  # fmt: skip
    items = read("espi@1", feed(entries + other))
    assert len(as_dict(items)) == 1
    (error,) = errors(items)
    assert (error.code, error.channel_text) == ("X007", f"{POINT}/MeterReading/9")


def test_the_same_reading_twice():
    text = feed(parts(block(reading(0)), block(reading(0))))
    assert [r.code for r in remarks(read("espi@1", text))] == ["W301"]
    text = feed(parts(block(reading(0)), block(reading(0, "101"))))
    assert {e.code for e in errors(read("espi@1", text))} == {"R301"}


def test_a_channel_may_be_named_by_the_profile():
    options = {"channels": {f"{POINT}/MeterReading/7": "TEN-ALFA/DEL_KWH"}}
    (found,) = blocks(read("espi@1", feed(parts(block(reading(0)))), Profile(options=options)))
    assert found.channel_text == "TEN-ALFA/DEL_KWH"


LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom">'


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "F001"), (f'<?xml version="1.0"?>{LAUGHS}{ATOM}&b;</feed>', "X001"),
        (f"{LAUGHS}{ATOM}&b;</feed>".encode("utf-16"), "X001"),
        (f'<!DOCTYPE feed SYSTEM "http://x/y.dtd">{ATOM}</feed>', "X001"),
        (f'<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]>{ATOM}&x;</feed>', "X001"),
        (f"<!-- <a {'x' * 70_000} -->{LAUGHS}{ATOM}</feed>", "X001"),
        (f"{ATOM}</feed>".encode("utf-16"), "F004"),
        (f'<?xml version="1.0" encoding="latin-1"?>{ATOM}</feed>', "F004"),
        (ATOM + "<a>" * 200_000, "X002"), (f"{ATOM}<a>{'x' * 11_000_000}</a></feed>", "X002"),
        (ATOM + "<a " + " ".join(f'a{n}="1"' for n in range(1000)) + "/></feed>", "X006"),
        (ATOM + "<a/>" * 600_000 + "</feed>", "X005"),
        ("<html><body/></html>", "X004"), (f"{ATOM}<a></feed>", "X003"), (ATOM, "X003"),
        ("{}", "X003"), (f"{ATOM}</feed>", "X012"), (f"{ATOM}&undeclared;</feed>", "X003"),
    ],
)  # fmt: skip
def test_a_hostile_feed_is_refused(text, code):
    assert refused(text).code == code


def test_a_feed_cut_on_its_way_says_so_and_what_to_do():
    text = feed(parts(block(reading(0), reading(1)))).encode()
    for size in (text.index(b"<entry") + 3, len(text) // 2, len(text) - 3):
        told = refused(text[:size])
        assert (told.code, "The file ends early, in line " in told.message) == ("X003", True)
        assert told.message.endswith("Have the source send it again whole.")
    broken = refused(text.replace(b"</entry>", b"</entri>", 1))
    assert "The XML is not well-formed in line " in broken.message
    assert "Have the source send the file again." in broken.message


def test_a_feed_cut_anywhere_is_refused():
    text = feed(parts(block(reading(0), reading(1)))).encode()
    for size in range(len(text)):
        with pytest.raises(Refused):
            read("espi@1", text[:size])


def test_memory_does_not_grow_with_the_feed():
    import tracemalloc

    def endless(count):
        yield feed(parts(block(reading(0)))).encode().removesuffix(b"</feed>")
        for n in range(1, count):
            body = block(*(reading(n * 50 + k) for k in range(50)), start=START + n * 45000)
            yield entry(f"{POINT}/MeterReading/7/IntervalBlock/{n}",
                        f"{POINT}/MeterReading/7/IntervalBlock", [], body).encode()  # fmt: skip
        yield b"</feed>"

    def peak(count):
        source = endless(count)

        class Stream(io.RawIOBase):
            def read(self, size=-1):
                return next(source, b"")

        reader = formats.get("espi@1")
        tracemalloc.start()
        seen = sum(1 for _ in reader.read(Stream(), Profile(options={"window_rows": 2000})))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seen >= count // 50 > 0
        return size

    assert peak(600) < 2 * peak(150)


def test_sniff():
    reader = formats.get("espi@1")
    assert reader.sniff(feed([]).encode())
    assert not reader.sniff(b"<html></html>")
