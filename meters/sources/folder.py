"""A watched folder of this machine or of a mounted share."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from meters.sources._base import (
    MEGABYTE,
    Inbox,
    Item,
    NotReadyError,
    Passed,
    Surroundings,
    UnreachableError,
    connectors,
    copy,
    too_large,
)
from meters.sources._listing import MARKER, Entry, Rules, judge
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.parameters import param


@dataclass(frozen=True)
class FolderParameters:
    """Where the folder is and which files of it are taken."""

    path: str = param(help="Full path of the folder; it lies in one of the inbox folders.")
    pattern: str = param("*", help="Which names are taken, such as *.csv.")
    needs_marker: bool = param(False, help="Take a file only when NAME.done lies beside it.")
    settle_seconds: int = param(
        10, unit="s", minimum=1, maximum=86_400, help="How long a file stays the same to be whole."
    )
    after: str = param("leave", choices=("leave", "move"), help="What becomes of a received file.")
    taken_folder: str = param("taken", help="Subfolder for received files that are moved.")
    limit_mb: int = param(500, unit="MB", minimum=1, maximum=100_000)

    def __post_init__(self) -> None:
        """Refuse a path that is not whole and a subfolder that leads elsewhere."""
        if not Path(self.path).is_absolute():
            raise Refused("source.path", f"path: '{self.path}' does not begin with '/'.")
        if Path(self.taken_folder).name != self.taken_folder or self.taken_folder in ("", ".."):
            text = f"taken_folder: '{self.taken_folder}' is not the name of one subfolder."
            raise Refused("source.path", text)

    @property
    def rules(self) -> Rules:
        """Return which files are whole."""
        return Rules(self.pattern, self.needs_marker, self.settle_seconds, self.taken_folder)


@connectors.register("folder@1")
class Folder:
    """A watched folder."""

    title = "Watched folder"
    polls = True
    takes_secret = False
    Parameters = FolderParameters

    @staticmethod
    @contextmanager
    def open(parameters: FolderParameters, surroundings: Surroundings) -> Iterator[Inbox]:
        """Check that the folder is there and may be looked into."""
        path = Path(parameters.path)
        if not _is_folder(path):
            raise UnreachableError(f"There is no folder {path}; is the share mounted?")
        if not any(path.resolve().is_relative_to(root.resolve()) for root in surroundings.inboxes):
            roots = ", ".join(str(root) for root in surroundings.inboxes) or "none"
            text = f"{path} lies in none of the inbox folders (setting METERS_INBOXES): {roots}."
            raise Refused("source.outside", text)
        yield _FolderInbox(path, parameters, surroundings)


class _FolderInbox(Inbox):
    """The folder, looked into once."""

    def __init__(
        self, path: Path, parameters: FolderParameters, surroundings: Surroundings
    ) -> None:
        super().__init__(surroundings)
        self._path, self._parameters = path, parameters
        self.puts_away = parameters.after != "leave"

    def look(self) -> tuple[list[Item], list[Passed]]:
        """List the folder."""
        try:
            with os.scandir(self._path) as listing:
                entries = [entry for each in listing if (entry := _entry(each)) is not None]
        except OSError as fault:
            raise _unreadable(self._path, fault) from fault
        items, passed, self.memory = judge(entries, self._parameters.rules, self.memory, self.now)
        for item in items:
            self.compare_clock(item.modified_at or self.now)
        return items, passed

    def fetch(self, item: Item, into: BinaryIO) -> bool:
        """Copy a file; it must be the same before and after."""
        if (item.size or 0) > self._parameters.limit_mb * MEGABYTE:
            raise too_large(item.name, self._parameters.limit_mb)
        with self._opened(item) as source:
            copy(_reading(source, item), into, item.name, self._parameters.limit_mb)
            if _identity(item.name, os.fstat(source.fileno())) != item.identity:
                raise NotReadyError("changed while it was read")
        return True

    def received(self, item: Item) -> None:
        """Move a received file and its marker, when the source says so.

        A file that was replaced meanwhile is another one, which has not been received.
        """
        if self._parameters.after != "move":
            return
        source = self._path / item.place
        folder = self._path / self._parameters.taken_folder
        try:
            if not source.exists() or _identity(item.name, source.lstat()) != item.identity:
                return
            folder.mkdir(exist_ok=True)
            source.rename(_free(folder, item.name))
            source.with_name(source.name + MARKER).unlink(missing_ok=True)
        except OSError as fault:
            text = f"{item.name} was received but cannot be moved to {folder}: {fault.strerror}."
            raise Refused("source.unmovable", text) from fault

    @contextmanager
    def _opened(self, item: Item) -> Iterator[BinaryIO]:
        """Open a file without following links; it must be the one that was listed."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            handle = os.open(self._path / item.place, flags)
        except FileNotFoundError as fault:
            raise NotReadyError("went away before it was read") from fault
        except OSError as fault:
            text = f"{item.name} cannot be read: {fault.strerror}. Give it to the worker's account."
            raise Refused("source.unreadable", text) from fault
        with os.fdopen(handle, "rb") as source:
            if _identity(item.name, os.fstat(handle)) != item.identity:
                raise NotReadyError("changed after it was listed")
            yield source


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as fault:  # on the way there
        raise _unreadable(path, fault) from fault


def _unreadable(path: Path, fault: OSError) -> Refused:
    return Refused(
        "source.unreadable",
        f"The folder {path} cannot be read: {fault.strerror}. Open it to the worker's account.",
    )


def _reading(source: BinaryIO, item: Item) -> Callable[[int], bytes]:
    """Return what reads a file; a disk or share that fails meanwhile may come back."""

    def read(count: int) -> bytes:
        try:
            return source.read(count)
        except OSError as fault:
            text = f"{item.name} broke off ({fault.strerror}); is the share still mounted?"
            raise UnreachableError(text) from fault

    return read


def _entry(found: os.DirEntry[str]) -> Entry | None:
    """Return a line of the listing; None when the file has gone meanwhile."""
    try:
        facts = found.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    kinds = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "folder"), (stat.S_ISLNK, "link"))
    kind = next((name for test, name in kinds if test(facts.st_mode)), "other")
    return Entry(found.name, kind, facts.st_size, int(facts.st_mtime), str(facts.st_mtime_ns))


def _identity(name: str, facts: os.stat_result) -> str:
    if not stat.S_ISREG(facts.st_mode):
        return ""
    return Entry(name, "file", facts.st_size, 0, str(facts.st_mtime_ns)).identity


def _free(folder: Path, name: str) -> Path:
    """Return a path that is not taken: a second file of a name gets a number."""
    target, number = folder / name, 1
    while target.exists():
        number += 1
        target = folder / f"{number}-{name}"
    return target
