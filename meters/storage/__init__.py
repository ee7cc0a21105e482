"""Day blocks in and out of the database: binary COPY, numpy arrays, no loop per interval."""

from .batch import Batch, epoch_day, from_epoch_day
from .loader import load, load_published, load_recent, newest
from .recent import recent
from .writer import Outflow, write

__all__ = [
    "Batch",
    "Outflow",
    "epoch_day",
    "from_epoch_day",
    "load",
    "load_published",
    "load_recent",
    "newest",
    "recent",
    "write",
]
