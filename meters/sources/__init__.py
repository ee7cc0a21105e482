"""Where files come from: folders, SFTP inboxes, web addresses, senders; one file each, by key."""

from meters.sources._base import (
    Connector,
    Inbox,
    Item,
    NotKeptError,
    NotReadyError,
    Passed,
    Surroundings,
    UnreachableError,
    connectors,
)

__all__ = [
    "Connector",
    "Inbox",
    "Item",
    "NotKeptError",
    "NotReadyError",
    "Passed",
    "Surroundings",
    "UnreachableError",
    "connectors",
]
