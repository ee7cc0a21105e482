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

__all__ = [
    "ChannelBlock",
    "Format",
    "Item",
    "Profile",
    "ReadType",
    "RegisterRow",
    "RowError",
    "formats",
    "row_error_policy",
]
