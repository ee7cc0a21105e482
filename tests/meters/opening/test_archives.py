"""Archives: what is opened, and every way in which one may be hostile."""

import gzip
import io
import stat
import time
import warnings
import zipfile

import pytest

from meters.opening import Limits, open_members
from poweroptix.kernel.errors import Refused

DATA = bytes(range(256)) * 40


def packed(*files):
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name, data in files:
            archive.writestr(name, data)
    return stream.getvalue()


def opened(data, name="upload.zip", limits=None):
    return [(m.name, m.stream.read()) for m in open_members(io.BytesIO(data), name, limits)]


def info(name, mode):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


def encrypted(data):
    changed = bytearray(data)
    changed[6] |= 1
    changed[changed.rfind(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def lying(data, size):
    changed = bytearray(data)
    at = changed.rfind(b"PK\x01\x02")
    changed[at + 24 : at + 28] = size.to_bytes(4, "little")
    return bytes(changed)


def flipped(data, at):
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def nameless():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("q", "x")
        archive.filelist[0].filename = ""
    return stream.getvalue()


def test_a_plain_file_is_its_own_member():
    assert opened(b"a,b\n1,2\n", "x.csv") == [("x.csv", b"a,b\n1,2\n")]
    assert opened(b"", "x.csv") == [("x.csv", b"")]


def test_gzip_and_zip_stream_their_files():
    assert opened(gzip.compress(DATA), "x.csv.gz") == [("x.csv", DATA)]
    data = packed(("a.csv", DATA), ("folder/b.csv", b"2"), ("__MACOSX/._a.csv", b"junk"))
    assert opened(data) == [("a.csv", DATA), ("folder/b.csv", b"2")]


def test_members_can_be_read_in_small_parts():
    for member in open_members(io.BytesIO(gzip.compress(DATA)), "x.gz"):
        parts = [member.stream.read(1), member.stream.read(2), member.stream.read(7)]
        while part := member.stream.read(1000):
            parts.append(part)
        assert b"".join(parts) == DATA
    with pytest.raises(ValueError, match="closed"):
        member.stream.read(1)


def _name(value):
    """Name a case by its code: packed bytes carry the time of day, and names must not."""
    return value if isinstance(value, str) else "archive"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (packed(), "A002"),
        (packed(*((f"{n}.csv", "") for n in range(1000))), "A003"),
        (packed(("../x", "a")), "A004"), (packed(("a/../../x", "a")), "A004"),
        (packed(("/etc/x", "a")), "A004"), (packed(("C:\\x", "a")), "A004"),
        (packed(("C:x", "a")), "A004"), (packed(("a\u202eb", "a")), "A004"), (nameless(), "A004"),
        (packed((info("link", stat.S_IFLNK | 0o777), "/etc/passwd")), "A005"),
        (packed((info("pipe", stat.S_IFIFO | 0o600), "")), "A005"),
        (encrypted(packed(("a.csv", "x"))), "A006"),
        (packed(("a.csv", "1"), ("a.csv", "2")), "A008"),
        (packed(("a.csv", "1"), ("A.csv", "2")), "A008"),
        (packed(("a.zip", packed(("b", "1")))), "A009"),
        (packed(("a.csv", gzip.compress(b"1"))), "A009"),
        (gzip.compress(packed(("a", "1"))), "A009"), (gzip.compress(gzip.compress(b"1")), "A009"),
        (b"PK\x03\x04garbage", "A001"), (packed(("a.csv", DATA))[:-30], "A001"),
        (flipped(packed(("a.csv", DATA)), 60), "A001"),
        (lying(packed(("a.csv", DATA)), 10), "A001"),
        (gzip.compress(DATA)[:-9], "A001"), (flipped(gzip.compress(DATA), -8), "A001"),
        (gzip.compress(DATA)[:12], "A001"),
    ],
    ids=_name,
)  # fmt: skip
def test_a_hostile_archive_is_refused(data, code):
    with pytest.raises(Refused) as caught:
        opened(data)
    assert caught.value.code == code
    assert caught.value.message.isprintable()
    assert len(caught.value.message) <= 300


@pytest.mark.parametrize("kind", ["zip", "gzip"])
def test_a_bomb_stops_soon(kind):
    size = 300_000_000
    data = packed(("a.csv", b"0" * size)) if kind == "zip" else gzip.compress(b"0" * size)
    start = time.perf_counter()

    def drain():
        for member in open_members(io.BytesIO(data), "bomb"):
            while member.stream.read(65536):
                assert time.perf_counter() - start < 30

    with pytest.raises(Refused) as caught:
        drain()
    assert caught.value.code == "A007"


def test_sizes_are_limited_whatever_the_ratio():
    limits = Limits(member_bytes=5000)
    with pytest.raises(Refused, match="unpacks to far more"):
        opened(packed(("a.csv", DATA)), limits=limits)
    limits = Limits(total_bytes=15_000)
    with pytest.raises(Refused, match="unpacks to far more"):
        opened(packed(("a.csv", DATA), ("b.csv", DATA)), limits=limits)
    assert len(opened(packed(("a.csv", DATA)), limits=limits)) == 1
