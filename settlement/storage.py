"""Moves allocation parts between numpy and `bigint[]` columns without a Python object per interval.

psycopg reads and writes arrays in PostgreSQL's binary form: a header of five int32 (dimensions,
null flag, element type, size, lower bound), then length and value of each element, big-endian.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
from django.db import connection
from psycopg.adapt import Buffer, Dumper, Loader
from psycopg.pq import Format
from psycopg.types.json import Jsonb

from poweroptix.kernel.grid import Grid
from poweroptix.kernel.series import Series

INT8_OID = 20
INT8_ARRAY_OID = 1016
LINE_COLUMNS = (
    ("run_id", "bigint"), ("tenant_id", "bigint"), ("position", "smallint"),
    ("line_code", "smallint"), ("term_id", "bigint"), ("charge_type", "text"), ("label", "text"),
    ("clause", "text"), ("first_date", "date"), ("last_date", "date"), ("quantity", "numeric"),
    ("unit", "text"), ("rate", "numeric"), ("rate_text", "text"), ("exact_usd", "numeric"),
    ("amount_usd", "numeric"), ("estimated_ratio", "numeric"), ("worksheet", "jsonb"),
    ("corrects_run_id", "bigint"), ("corrects_period", "text"), ("sha256", "text"),
)  # fmt: skip
_ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])
_HEADER = np.dtype(">i4")


class _Int8ArrayLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> np.ndarray:
        raw = bytes(data)
        if len(raw) == 12:
            return np.empty(0, np.int64)
        return np.frombuffer(raw, _ELEMENT, offset=20)["value"].astype(np.int64)


class _Int8ArrayDumper(Dumper):
    format = Format.BINARY
    oid = INT8_ARRAY_OID

    def dump(self, obj: np.ndarray) -> bytes:
        body = np.empty(obj.size, _ELEMENT)
        body["length"], body["value"] = 8, obj
        header = np.array([1, 0, INT8_OID, obj.size, 1], _HEADER)
        return header.tobytes() + body.tobytes()


def _cursor() -> psycopg.Cursor:
    """Return a binary cursor in the current transaction of Django's connection."""
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.adapters.register_loader(INT8_ARRAY_OID, _Int8ArrayLoader)
    cursor.adapters.register_dumper(np.ndarray, _Int8ArrayDumper)
    return cursor


@dataclass(frozen=True)
class StoredPart:
    """A part on its way into the table; ids are those of the rows it belongs to."""

    kind: str
    pool_code: str
    contract_id: int | None
    tenant_id: int | None
    series: Series
    digest: str
    total_kwh: Decimal | None
    worksheet: dict


def write_parts(run_id: int, parts: Sequence[StoredPart]) -> None:
    """Add the parts of a run that is still DRAFT; inside the caller's transaction."""
    with _cursor() as cursor:
        cursor.executemany(
            "INSERT INTO settlement_allocationpart (run_id, pool_code, tenant_id, contract_id,"
            " kind, start_utc, minutes, values, status, digest, total_kwh, worksheet)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    run_id,
                    part.pool_code,
                    part.tenant_id,
                    part.contract_id,
                    part.kind,
                    part.series.grid.start_utc,
                    part.series.grid.minutes,
                    np.ascontiguousarray(part.series.values),
                    part.series.status.astype(np.uint8).tobytes(),
                    part.digest,
                    part.total_kwh,
                    Jsonb(part.worksheet),
                )
                for part in parts
            ],
        )


@dataclass(frozen=True)
class StoredLine:
    """A line on its way into the table: its canonical JSON, and columns that are not part of it."""

    document: bytes
    beside: Mapping[str, Any]

    def row(self) -> bytes:
        """Return both as one JSON object."""
        return self.document[:-1] + b"," + json.dumps(self.beside).encode()[1:]


def write_lines(lines: Sequence[StoredLine]) -> None:
    """Add lines of runs that are still DRAFT, all in one statement.

    The rows travel as one JSON parameter and PostgreSQL takes them apart: the text that was
    digested is the text that is stored. Keys are column names, numbers are text.
    """
    if not lines:
        return
    columns = ", ".join(name for name, _ in LINE_COLUMNS)
    typed = ", ".join(f"{name} {kind}" for name, kind in LINE_COLUMNS)
    with _cursor() as cursor:
        cursor.execute(
            f"INSERT INTO settlement_line ({columns}) SELECT {columns}"  # noqa: S608 - our names
            f" FROM jsonb_to_recordset(%s::jsonb) AS row({typed}) ORDER BY run_id, position",
            [(b"[" + b",".join(line.row() for line in lines) + b"]").decode("ascii")],
        )


def read_parts(
    run_id: int,
    *,
    contract_ids: Iterable[int] | None = None,
    kinds: Iterable[str] = ("TOTAL", "METERED"),
    pools: Iterable[str] | None = None,
) -> dict[tuple[int | None, str, str], tuple[Series, str]]:
    """Return (series, stored digest) by (contract id, kind, pool code), in one query."""
    query = (
        "SELECT contract_id, kind, pool_code, start_utc, minutes, values, status, digest"
        " FROM settlement_allocationpart WHERE run_id = %s AND kind = ANY(%s)"
    )
    parameters: list[object] = [run_id, list(kinds)]
    if contract_ids is not None:
        query += " AND contract_id = ANY(%s)"
        parameters.append(list(contract_ids))
    if pools is not None:
        query += " AND pool_code = ANY(%s)"
        parameters.append(list(pools))
    with _cursor() as cursor:
        cursor.execute(query, parameters, binary=True)
        return {
            (row[0], row[1], row[2]): (_series(row[3], row[4], row[5], row[6]), row[7])
            for row in cursor
        }


def _series(start_utc: datetime, minutes: int, values: np.ndarray, status: bytes) -> Series:
    grid = Grid(start_utc, minutes, values.size)
    return Series(grid, values, np.frombuffer(status, np.uint8), "kWh")
