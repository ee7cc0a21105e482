"""How a stored run is read again: its references followed to what it pinned."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from contracts.queries import PricePin, prices_for
from contracts.readings import read_bound_again
from poweroptix.kernel.errors import Conflict
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from settlement.storage import read_parts


class StoredResolver:
    """Follows the references of a stored run: allocation parts and pinned prices."""

    def __init__(self, period: Period) -> None:
        self._period = period

    def series(self, name: str, reference: Mapping[str, Any]) -> Series:
        """Return the allocation part or the pinned readings behind a quantity.

        Conflict when they are gone.
        """
        if reference["kind"] == "channels":
            return read_bound_again(reference, self._period)
        found = read_parts(
            reference["run"],
            contract_ids=[reference["contract"]],
            kinds=[reference["part"]],
            pools=[reference["pool"]] if "pool" in reference else None,
        )
        if not found:
            text = f"'{name}': its allocation has no part {reference['part']} any more."
            raise Conflict("settlement.part_gone", text)
        [(series, _)] = found.values()
        return series

    def prices(self, code: str, reference: Mapping[str, Any]) -> PriceSeries:
        """Return the pinned prices of an index; Refused when one is gone or differs."""
        pins = [
            PricePin(code, date.fromisoformat(day), version, digest, vintage, final)
            for day, version, digest, vintage, final in reference["pins"]
        ]
        reach = {code: reference.get("days_before", 0)}
        found, _ = prices_for([code], self._period, pins=pins, days_before=reach)
        return found[code]
