"""Binary COPY rows of the block table as numpy record types.

PostgreSQL's binary format: every field is its length (int32) and its bytes, big-endian; a
bigint[] is dimensions, null flag, element type, size, lower bound, then length + value of each
element. A row of n source runs has a fixed size, so a whole batch is one array.
"""

from functools import lru_cache

import numpy as np

TABLE = "meters_readingblock"
COLUMNS = (
    "channel_id, day, version, publication_id, recorded_at, layer, minutes, "
    '"values", status, method, sources, digest'
)
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
INT8_OID = 20
DATE_EPOCH_DAYS = 10957  # 2000-01-01, PostgreSQL's day 0, in days since 1970-01-01
STAMP_EPOCH_US = DATE_EPOCH_DAYS * 86_400_000_000
ARRAY_HEADER = [
    ("length", ">i4"),
    ("dimensions", ">i4"),
    ("has_null", ">i4"),
    ("oid", ">i4"),
    ("size", ">i4"),
    ("lower", ">i4"),
]
ELEMENT = [("length", ">i4"), ("value", ">i8")]


def array_fields(name: str, count: int) -> list:
    """Return the record fields of a bigint[] of `count` elements (an empty array has no size)."""
    if count == 0:
        return [(f"{name}_head", ARRAY_HEADER[:4])]
    return [(f"{name}_head", ARRAY_HEADER), (name, ELEMENT, (count,))]


@lru_cache(maxsize=256)
def row_type(per_day: int, run_count: int) -> np.dtype:
    """Return the record type of one row to be written."""
    return np.dtype(
        [
            ("fields", ">i2"),
            ("channel_length", ">i4"),
            ("channel_id", ">i8"),
            ("day_length", ">i4"),
            ("day", ">i4"),
            ("version_length", ">i4"),
            ("version", ">i4"),
            ("publication_length", ">i4"),
            ("publication_id", ">i8"),
            ("recorded_length", ">i4"),
            ("recorded_at", ">i8"),
            ("layer_length", ">i4"),
            ("layer", ">i2"),
            ("minutes_length", ">i4"),
            ("minutes", ">i2"),
            *array_fields("values", per_day),
            ("status_length", ">i4"),
            ("status", "u1", (per_day,)),
            ("method_length", ">i4"),
            ("method", "u1", (per_day,)),
            *array_fields("sources", run_count * 4),
            ("digest_length", ">i4"),
            ("digest", "V32"),
        ]
    )


# One bytea per row, made of the binary forms of its columns: nothing is parsed cell by cell.
READ_KEY = (
    "int8send(channel_id) || date_send(day) || int4send(version) || int8send(publication_id) "
    "|| int2send(layer) || status || digest"
)
READ_CONTENT = ' || array_send("values") || method'
READ_SOURCES = " || array_send(sources)"


@lru_cache(maxsize=256)
def read_type(per_day: int, run_count: int | None, content: bool) -> np.dtype:
    """Return the record type of one row as read.

    `content` tells whether values and method follow the key, the status and the digest;
    `run_count` is None when the sources are left out.
    """
    key = [
        ("channel_id", ">i8"),
        ("day", ">i4"),
        ("version", ">i4"),
        ("publication_id", ">i8"),
        ("layer", ">i2"),
        ("status", "u1", (per_day,)),
        ("digest", "V32"),
    ]
    body = [*bare_array_fields("values", per_day), ("method", "u1", (per_day,))]
    sources = [] if run_count is None else bare_array_fields("sources", run_count * 4)
    return np.dtype(key + (body if content else []) + sources)


def bare_array_fields(name: str, count: int) -> list:
    """Return the record fields of a bigint[] without the length of the whole field."""
    header, *elements = array_fields(name, count)
    return [(header[0], header[1][1:]), *elements]
