"""Who wants to know when a job has split a campus month anew.

Apps above add a function in their `AppConfig.ready`::

    from settlement.services.listeners import allocated
    allocated.append(account_later)      # account_later(allocation)

It is called in the transaction that stored the allocation, so what it writes commits together
with it.
"""

from __future__ import annotations

from collections.abc import Callable

from settlement.models import AllocationRun

allocated: list[Callable[[AllocationRun], None]] = []


def announce(allocation: AllocationRun) -> None:
    """Tell all listeners of a new split."""
    for listener in allocated:
        listener(allocation)
