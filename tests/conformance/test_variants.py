"""Variants of the acceptance files by command: other zones, lengths, units, marks of lines."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.conformance.test_files_by_command import ingest, path_of, totals
from tests.meters.builders import make_channel, make_profile

pytestmark = pytest.mark.django_db
D = Decimal
HEAD = "meter_id,channel,interval_start,interval_seconds,value,unit,status"
CHANGES = [
    ("America/New_York", "2026-03-08", 23), ("America/New_York", "2026-11-01", 25),
    ("America/Denver", "2026-11-01", 25), ("America/Phoenix", "2026-03-08", 24),
    ("Europe/London", "2026-03-29", 23), ("Europe/London", "2026-10-25", 25),
]  # fmt: skip


def by_profile(tmp_path, data, key, *, name="file.dat", **fields):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    make_profile("P", format=key, **fields)
    return ingest(path, "--profile", "P")


@pytest.mark.parametrize(("zone", "day", "hours"), CHANGES)
@pytest.mark.parametrize("minutes", [5, 15, 30, 60])
@pytest.mark.parametrize("label", ["BEGIN", "END"])
@pytest.mark.parametrize("marks", ["\n", "\r\n"])
def test_a_day_of_local_labels(tmp_path, zone, day, hours, minutes, label, marks):
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    count, step = hours * 60 // minutes, timedelta(minutes=minutes)
    first = start + step if label == "END" else start
    labels = [(first + n * step).astimezone(ZoneInfo(zone)) for n in range(count)]
    rows = [f'"M",C,{at:%Y-%m-%dT%H:%M:%S},{minutes * 60},{n},kWh,A' for n, at in enumerate(labels)]
    data = b"\xef\xbb\xbf" + (marks.join([HEAD, *rows]) + marks).encode()
    make_channel("M/C", minutes=minutes)
    code, result = by_profile(tmp_path, data, "csv_long@1", zone=zone, label=label)
    [channel] = result["receipt"]["channels"]
    assert (code, channel["intervals"], D(channel["total"])) == (
        0, count, D(count * (count - 1) // 2),
    )  # fmt: skip
    assert datetime.fromisoformat(channel["first_utc"]) == start
    assert datetime.fromisoformat(channel["end_utc"]) == start + count * step


@pytest.mark.parametrize(
    ("day", "count", "said"),
    [
        ("20260329", 46, None),
        ("20261025", 50, None),
        ("20260329", 48, "the day has 46 half hours in Europe/London, found 48."),
        ("20261025", 48, "the day has 50 half hours in Europe/London, found 48."),
        ("20260330", 47, "the day has 48 half hours in Europe/London, found 47."),
    ],
)
def test_d0036_day(tmp_path, day, count, said):
    rows = ["101|2000000000006|AE|SUPP|", f"102|{day}|", *["103|A|1.5|"] * count]
    rows = [
        "ZHV|X1|D0036001|C|HHDC|X|SUPP|20261103080000||||TR01|", *rows,
        f"ZPT|X1|{len(rows)}|{len(rows)}|1|20261103080001|",
    ]  # fmt: skip
    make_channel("2000000000006/AE", minutes=30)
    code, result = by_profile(tmp_path, "\n".join(rows) + "\n", "d0036@1")
    if said is None:
        assert code == 0
        assert totals(result["receipt"]) == {"2000000000006/AE": (count, D("1.5") * count)}
        return
    [fault] = result["receipt"]["errors"]
    assert code == 1
    assert fault["message"] == f"Lines 3 to {count + 3}, 2000000000006/AE {day}: {said}"


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        (["400,1,10,A,,", "400,11,20,F56,77,", "400,21,30,N,,", "400,31,48,E52,,"], None),
        (
            ["400,1,20,A,,", "400,20,48,S51,4,"],
            "400 range 20-48 does not follow interval 20; the ranges must cover the day once, in "
            "order.",
        ),
        (
            ["400,1,20,A,,", "400,22,48,S51,4,"],
            "400 range 22-48 does not follow interval 20; the ranges must cover the day once, in "
            "order.",
        ),
    ],
)
def test_nem12_ranges_of_quality(tmp_path, ranges, said):
    rows = [
        "100,NEM12,202603010000,X,Y", "200,NMI1234567,E1,E1,E1,N1,M1,WH,30,",
        f"300,20260301,{','.join(['1250'] * 48)},V,,,20260302000000,", *ranges, "900",
    ]  # fmt: skip
    make_channel("NMI1234567/E1", minutes=30)
    code, result = by_profile(tmp_path, "\r\n".join(rows) + "\r\n", "nem12@1")
    receipt = result["receipt"]
    if said is None:
        [channel] = receipt["channels"]
        assert (code, channel["missing"], D(channel["total"])) == (0, 10, D("47.5"))
        assert channel["status"] == {
            "ESTIMATED": 18, "MISSING": 10, "RAW": 10, "SUBSTITUTED_FINAL": 10,
        }  # fmt: skip
        return
    [fault] = receipt["errors"]
    assert (code, fault["message"]) == (1, f"Line 3, NMI1234567/E1: {said}")


@pytest.mark.parametrize(
    ("power", "uom", "flow", "text", "factor"),
    [
        ("3", "72", "19", "REC_KWH", "1"), ("-3", "72", "1", "DEL_KWH", "0.000001"),
        ("0", "73", "1", "DEL_KVARH", "0.001"), ("0", "71", "20", "TOTAL_KVAH", "0.001"),
        ("0", "38", "4", "NET_KWH", "0.00025"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("prefix", ["", "n1:"])
def test_green_button_scale_unit_flow_and_prefix(
    tmp_path, power, uom, flow, text, factor, prefix
):  # fmt: skip
    feed = path_of("espi/test_usage_data_01.xml").read_text()
    for name, value in (("powerOfTenMultiplier", power), ("uom", uom), ("flowDirection", flow)):
        feed = re.sub(rf"(<{name}>)-?\d+(<)", rf"\g<1>{value}\2", feed)
    if prefix:
        feed = re.sub(
            r'<(\w+) xmlns="http://naesb.org/espi"(.*?)</\1>',
            lambda found: re.sub(r"<(/?)(?=\w)", r"<\1n1:", found[0]).replace(
                "xmlns=", "xmlns:n1="
            ),
            feed, flags=re.DOTALL,
        )  # fmt: skip
        assert "<n1:uom>" in feed
    unit = {"73": "kVArh", "71": "kVAh"}.get(uom, "kWh")
    quantity = {"kVArh": "KVARH", "kVAh": "KVAH"}.get(unit, "KWH")
    make_channel(f"5446AF3F/{text}", unit=unit, quantity=quantity, direction="NET")
    code, result = by_profile(tmp_path, feed, "espi@1", name="feed.xml")
    assert code == 0, result
    assert totals(result["receipt"]) == {f"5446AF3F/{text}": (96, 93846 * D(factor))}
