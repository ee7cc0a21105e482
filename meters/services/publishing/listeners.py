"""Who wants to know when readings become visible.

Apps above add a function in their `AppConfig.ready`::

    from meters.services import published
    published.append(flag_runs)      # flag_runs(channel_ids, first_utc, last_utc, publication)

It is called in the transaction of the publication, so what it writes commits together with it.
In the same way they say what is approved on readings: before a change (`approved`), and what a
change that was published makes of it (`corrected`). Both answer in sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from meters.models import Publication
from meters.queries.virtual import dependants

Listener = Callable[[Sequence[int], datetime, datetime, Publication], None]
Approved = Callable[[Sequence[int], datetime, datetime], list[str]]
Corrected = Callable[[Iterable[int]], list[str]]

published: list[Listener] = []
approved: list[Approved] = []
corrected: list[Corrected] = []


def announce(
    channel_ids: Sequence[int], first_utc: datetime, last_utc: datetime, publication: Publication
) -> None:
    """Tell all listeners that readings in [first, last) of these channels changed."""
    for listener in published:
        listener(channel_ids, first_utc, last_utc, publication)


def approved_on(channel_id: int, first_utc: datetime, last_utc: datetime) -> list[str]:
    """Say what is approved on readings of a channel in [first, last), and on what follows it."""
    ids = [channel_id, *dependants([channel_id], first_utc, last_utc)]
    return [said for ask in approved for said in ask(ids, first_utc, last_utc)]


def corrected_by(publication_ids: Iterable[int]) -> list[str]:
    """Say which approved things rest on other readings now, because of these publications."""
    ids = list(publication_ids)
    return [said for ask in corrected for said in ask(ids)] if ids else []
