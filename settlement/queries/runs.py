"""Finding runs."""

from __future__ import annotations

import re

from poweroptix.kernel.errors import NotFoundError
from settlement.models import SettlementRun

_NAMED = re.compile(r"(?P<contract>.+)/(?P<period>\d{4}-\d{2})(/v?(?P<version>\d+))?")


def find_run(name: str) -> SettlementRun:
    """Return the run that a text names: an id, CONTRACT/2026-03 (newest) or CONTRACT/2026-03/v2.

    NotFoundError when there is none.
    """
    runs = SettlementRun.objects.select_related("contract__campus", "allocation_run__campus")
    named = _NAMED.fullmatch(name)
    if named is not None:
        runs = runs.filter(contract__code=named["contract"], period=named["period"])
        if named["version"]:
            runs = runs.filter(version=int(named["version"]))
    elif name.isascii() and name.isdigit() and len(name) < 19:
        runs = runs.filter(pk=int(name))
    else:
        runs = runs.none()
    run = runs.order_by("version").last()
    if run is None:
        text = f"There is no run '{name}'; name it by its number or as CONTRACT/2026-03/v1."
        raise NotFoundError("settlement.run", text)
    return run
