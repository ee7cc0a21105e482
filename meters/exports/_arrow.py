"""Parts of readings as Arrow tables; apart, so that only Parquet files load the library."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from meters.exports._base import Head, Part
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.quality import Method, Status

DIGITS, PLACES = 19, 6  # every 64-bit number of 10^-6
MINUTE_US = 60_000_000
STATUS_NAMES = [status.name for status in Status]
METHOD_NAMES = [method.name for method in Method]


class Sink:
    """A file that hands on what was written to it; nothing stays."""

    closed = False

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._at = 0

    def write(self, data: bytes) -> int:
        """Keep a copy until it is taken."""
        content = bytes(data)
        self._kept.append(content)
        self._at += len(content)
        return len(content)

    def taken(self) -> bytes:
        """Return what was written since the last call."""
        content, self._kept = b"".join(self._kept), []
        return content

    def tell(self) -> int:
        """Return how much was written in all."""
        return self._at

    def flush(self) -> None:
        """Do nothing; the reader of the iterator stores."""

    def close(self) -> None:
        """Note the end."""
        self.closed = True

    def readable(self) -> bool:
        """Say that nothing can be read back."""
        return False

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def seekable(self) -> bool:
        """Say that there is no way back."""
        return False


def schema_of(head: Head) -> pa.Schema:
    """Return the columns, and what the file is about as metadata."""
    word = pa.dictionary(pa.int32(), pa.string())
    fields = [
        pa.field("channel", word, nullable=False),
        pa.field("interval_start", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("interval_seconds", pa.int32(), nullable=False),
        pa.field("value", pa.decimal128(DIGITS, PLACES)),
        pa.field("unit", word, nullable=False),
        pa.field("status", word, nullable=False),
        pa.field("method", word, nullable=False),
        pa.field("version", pa.int32()),
    ]
    about = {
        "campus": head.campus,
        "zone": head.zone,
        "first_day": head.first.isoformat(),
        "last_day": head.last.isoformat(),
        "layer": head.layer,
        "made_at": f"{head.made_at:%Y-%m-%dT%H:%M:%SZ}",
        "units": canonical_json({one.code: one.unit for one in head.channels}).decode(),
    }
    return pa.schema(fields, metadata={f"poweroptix.{k}": v for k, v in about.items()})


def table_of(part: Part, schema: pa.Schema) -> pa.Table:
    """Return a part, one row for each interval."""
    series, count = part.series, part.series.grid.count
    begins = (series.grid.epoch_minutes() * MINUTE_US).astype("datetime64[us]")
    columns = [
        _words([part.channel.code], np.zeros(count, np.int32)),
        pa.array(begins, pa.timestamp("us", tz="UTC")),
        pa.array(np.full(count, part.channel.minutes * 60, np.int32)),
        _decimals(series.values, series.missing),
        _words([part.channel.unit], np.zeros(count, np.int32)),
        _words(STATUS_NAMES, np.searchsorted(list(Status), series.status)),
        _words(METHOD_NAMES, np.searchsorted(list(Method), part.method)),
        pa.array(part.version, pa.int32(), mask=part.version == 0),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _words(texts: list[str], index: np.ndarray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), pa.array(texts))


def _decimals(values: np.ndarray, missing: np.ndarray) -> pa.Array:
    """Return 10^-6 integers as decimals: low 64 bits and sign of the 128, no number touched."""
    low = np.where(missing, 0, values)
    both = np.stack([low, low >> 63], axis=1).astype("<i8")
    valid = np.packbits(~missing, bitorder="little")
    buffers = [pa.py_buffer(valid.tobytes()), pa.py_buffer(both.tobytes())]
    return pa.Array.from_buffers(pa.decimal128(DIGITS, PLACES), len(values), buffers)
