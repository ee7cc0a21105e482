"""Parse ahead: a thread reads the next records of a file while the last ones are being stored.

The database works while we wait for it, so the file may be parsed meanwhile. What is read ahead is
bounded in intervals, not in records, because one record may hold a year.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Ahead(Generic[Item]):
    """Iterates over what a thread reads; `close` stops the thread.

    `weight` tells how much of `limit` an item takes. An exception of the reading comes out of the
    iteration, after the items that were read before it.

    >>> with Ahead(iter([1, 2, 3]), limit=2, weight=lambda item: 1) as ahead:
    ...     list(ahead)
    [1, 2, 3]
    """

    def __init__(self, source: Iterator[Item], *, limit: int, weight: Callable[[Item], int]):
        self._source, self._limit, self._weight = source, limit, weight
        self._items: deque[Item] = deque()
        self._held = 0
        self._ended = self._stopped = False
        self._fault: BaseException | None = None
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="read-ahead", daemon=True)

    def __enter__(self) -> Ahead[Item]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended)
                if not self._items:
                    break
                item = self._items.popleft()
                self._held -= self._weight(item)
                self._changed.notify_all()
            yield item
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        """Read until the end, a fault or a stop."""
        try:
            for item in self._source:
                with self._changed:
                    self._changed.wait_for(lambda: self._held < self._limit or self._stopped)
                    if self._stopped:
                        return
                    self._items.append(item)
                    self._held += self._weight(item)
                    self._changed.notify_all()
        except BaseException as fault:  # noqa: BLE001 - handed over to whoever iterates
            self._fault = fault
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()
