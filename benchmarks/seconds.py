"""Seconds on the wall, and of the processor at both ends of the database connection."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Seconds:
    """What a stretch of work took; `server` is None when the database is on another machine."""

    wall: float = 0.0
    client: float = 0.0
    server: float | None = 0.0

    @property
    def processor(self) -> float:
        """Processor seconds of both ends."""
        return self.client + (self.server or 0.0)

    def __add__(self, other: Seconds) -> Seconds:
        known = self.server is not None and other.server is not None
        server = self.server + other.server if known else None
        return Seconds(self.wall + other.wall, self.client + other.client, server)

    def __str__(self) -> str:
        server = "?" if self.server is None else f"{self.server:.2f}"
        return f"{self.wall:.2f} s (processor: {self.client:.2f} s ours, {server} s the server's)"


@contextmanager
def measured() -> Iterator[Seconds]:
    """Measure what is done inside."""
    found = Seconds()
    wall, client, server = time.perf_counter(), time.process_time(), server_seconds()
    yield found
    found.wall = time.perf_counter() - wall
    found.client = time.process_time() - client
    found.server = None if server is None else server_seconds() - server


def server_seconds() -> float | None:
    """Return processor seconds of our database backend so far; None when it is not on this host."""
    from django.db import connection

    connection.ensure_connection()
    stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat")
    if not stat.exists() or "postgres" not in stat.read_text().split(")")[0]:
        return None
    user, system = stat.read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def load_of_machine() -> str:
    """Return how busy the machine is, for print beside every figure."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
