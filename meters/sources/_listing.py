"""Which files of a folder are whole: the same rules for a folder here and an inbox far away.

Whoever writes a file into a folder seldom says when it is finished. A file is taken when a marker
`NAME.done` lies beside it, or when its size and time stamp were the same at two looks that lie
`settle_seconds` apart by our own clock (the clock of the other end is never trusted for that).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from meters.sources._base import Item, Passed

MARKER = ".done"
UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", ".swp")
FAR_FUTURE_SECONDS = 253_402_300_799  # 9999-12-31, the last that a datetime holds


@dataclass(frozen=True)
class Entry:
    """One line of a listing: `kind` is file, folder, link or other; `mtime` in seconds of UTC.

    `stamp` is the finest time stamp there is, as text.
    """

    name: str
    kind: str
    size: int
    mtime: int
    stamp: str

    @property
    def identity(self) -> str:
        """Return what changes when the file changes."""
        return f"{self.name}|{self.size}|{self.stamp}"

    @property
    def modified_at(self) -> datetime:
        """Return the time stamp, by the clock of whoever wrote it."""
        return datetime.fromtimestamp(min(max(self.mtime, 0), FAR_FUTURE_SECONDS), UTC)


@dataclass(frozen=True)
class Rules:
    """What is taken of a folder, and when."""

    pattern: str
    needs_marker: bool
    settle_seconds: int
    taken_folder: str


def judge(
    entries: Iterable[Entry], rules: Rules, memory: Mapping[str, Any], now: datetime
) -> tuple[list[Item], list[Passed], dict[str, Any]]:
    """Return items to take (oldest first), what is left and why, and what to remember.

    The memory is `{name: [identity, first seen so]}` of files that are not known to be whole.
    """
    listed = list(entries)
    names = {entry.name for entry in listed}
    ready: list[Entry] = []
    passed: list[Passed] = []
    kept: dict[str, Any] = {}
    for entry in sorted(listed, key=lambda each: (each.mtime, each.name)):
        if _ours(entry, rules):
            continue
        why = _not_a_file(entry, rules)
        if not why:
            why, remembered = _not_whole(entry, names, rules, memory, now)
            if remembered:
                kept[entry.name] = remembered
        if why:
            passed.append(Passed(shown(entry.name), why))
        else:
            ready.append(entry)
    items = [
        Item(entry.name, entry.identity, entry.name, entry.size, entry.modified_at)
        for entry in ready
    ]
    return items, passed, kept


def shown(name: str) -> str:
    """Return a name fit for a page: control and undecodable characters as escapes."""
    return name if name.isprintable() else ascii(name)[1:-1]


def _ours(entry: Entry, rules: Rules) -> bool:
    """Tell whether an entry is no delivery: hidden, a marker, or where taken files lie."""
    if "/" in entry.name:
        return False
    marker = entry.name.endswith(MARKER)
    return entry.name.startswith(".") or marker or entry.name == rules.taken_folder


def _not_a_file(entry: Entry, rules: Rules) -> str:
    if entry.kind == "link":
        return "is a symbolic link, which is never followed"
    if entry.kind == "folder":
        return "is a subfolder, into which we do not look"
    if entry.kind != "file":
        return "is no regular file"
    if "/" in entry.name:
        return "has a name that leads out of the folder; it is never followed"
    if not entry.name.isprintable():
        return "has a name with characters that cannot be shown; rename it"
    if not fnmatchcase(entry.name, rules.pattern):
        return f"does not match {rules.pattern}"
    return ""


def _not_whole(
    entry: Entry, names: set[str], rules: Rules, memory: Mapping[str, Any], now: datetime
) -> tuple[str, list[str]]:
    """Return why a file is not taken yet (empty: take it) and what to remember of it."""
    if entry.name + MARKER in names:
        why = "" if entry.size else "is empty although its marker says that it is finished"
        return why, []
    if entry.name.lower().endswith(UNFINISHED):
        return "has the name of a file that is still being written", []
    if rules.needs_marker:
        return f"waits for its marker {entry.name}{MARKER}", []
    known = memory.get(entry.name)
    if not known or known[0] != entry.identity:
        why = "is new or has changed; it is taken when it stays as it is"
        return why, [entry.identity, now.isoformat()]
    if not entry.size:
        return "is empty", known
    steady_seconds = int((now - datetime.fromisoformat(known[1])).total_seconds())
    if steady_seconds < rules.settle_seconds:
        return f"has been the same for {steady_seconds} s only", known
    return "", known
