"""File formats of meter data: streaming readers, one file each, found by their key."""

from meters.formats._base import (
    ChannelBlock,
    Format,
    Item,
    Profile,
    ReadType,
    RegisterRow,
    RowError,
    formats,
    row_error_policy,
)
from meters.formats._options import option_faults, quality_faults
from meters.formats._plugins import load_plugins
from meters.formats._tables import Table

__all__ = [
    "ChannelBlock",
    "Format",
    "Item",
    "Profile",
    "ReadType",
    "RegisterRow",
    "RowError",
    "Table",
    "formats",
    "load_plugins",
    "option_faults",
    "quality_faults",
    "row_error_policy",
]
