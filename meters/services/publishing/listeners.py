"""Who wants to know when readings become visible.

Apps above add a function in their `AppConfig.ready`::

    from meters.services import published
    published.append(flag_runs)      # flag_runs(channel_ids, first_utc, last_utc, publication)

It is called in the transaction of the publication, so what it writes commits together with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from meters.models import Publication

Listener = Callable[[Sequence[int], datetime, datetime, Publication], None]

published: list[Listener] = []


def announce(
    channel_ids: Sequence[int], first_utc: datetime, last_utc: datetime, publication: Publication
) -> None:
    """Tell all listeners that readings in [first, last) of these channels changed."""
    for listener in published:
        listener(channel_ids, first_utc, last_utc, publication)
