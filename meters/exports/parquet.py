"""Parquet: exact decimals with status, method and version of every reading (docs/exports)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meters.exports._base import Head, Part, writers


@writers.register("parquet@1")
class Parquet:
    """Parquet: exact decimals, UTC stamps, status, method and version of every reading."""

    title = "Parquet, with status, method and version"
    suffix = "parquet"
    content_type = "application/vnd.apache.parquet"

    @staticmethod
    def check(head: Head) -> None:
        """Take everything: the format holds all that a reading has."""

    @staticmethod
    def write(head: Head, parts: Iterable[Part]) -> Iterator[bytes]:
        """Yield one row group per part, then the footer."""
        # Loaded here: the library is large, and no other format needs it.
        from pyarrow.parquet import ParquetWriter

        from meters.exports._arrow import Sink, schema_of, table_of

        sink = Sink()
        schema = schema_of(head)
        with ParquetWriter(sink, schema, compression="zstd") as writer:
            for part in parts:
                writer.write_table(table_of(part, schema))
                yield sink.taken()
        yield sink.taken()
