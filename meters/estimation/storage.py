"""E10 Storage: the change of the state of charge, by capacity and efficiency.

Discharge: ``fall of charge x usable energy x discharge efficiency``; charge: ``rise of charge x
usable energy / charge efficiency``; a net channel has discharge less charge.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from meters.calc.evidence import Storage
from meters.estimation._base import (
    Estimate,
    EstimationContext,
    estimators,
    exact_at,
    fits,
    made,
    text_of,
    texts,
)
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series

COUNTS = ("CHARGE", "DISCHARGE", "NET")


@dataclass(frozen=True)
class StorageParameters:
    """Nothing to set: capacity and efficiencies come with the evidence."""


@estimators.register("storage@1")
class StorageModel:
    """Energy from the state of charge at both ends of every interval."""

    title = "State of charge"
    method = Method.PLANT_MODEL
    Parameters = StorageParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None for other plants, or when the state of charge is not known.

        Raises Refused when the evidence is not that of a store: efficiency outside (0, 1].
        """
        store = context.evidence.storage
        if context.facts.get("technology") != "BATTERY" or store is None:
            return None
        _check(store)
        ends = slice(gap.start, gap.stop + 1)
        if gap.stop >= series.grid.count or not fits(series, store.charge.series, ends):
            return None
        levels = [exact_at(store.charge.series, i) for i in range(ends.start, ends.stop)]
        numbers = [_energy(store, a, b) for a, b in pairwise(levels)]
        inputs = {
            "source": store.charge.name,
            "counts": store.counts,
            "charge_pct": texts(store.charge.series, ends),
            "usable_kwh": text_of(store.usable_kwh),
            "charge_ratio": text_of(store.charge_ratio),
            "discharge_ratio": text_of(store.discharge_ratio),
        }
        return made(
            series, gap, "storage@1", Method.PLANT_MODEL,
            "fall x usable x discharge efficiency; rise x usable / charge efficiency", numbers,
            inputs=inputs, used=(store.charge.name,),
        )  # fmt: skip


def _check(store: Storage) -> None:
    """Refuse what is no store."""
    if store.counts not in COUNTS:
        text = f"A storage channel counts {', '.join(COUNTS)}, not {store.counts!r}."
        raise Refused("storage.counts", text)
    if not (0 < store.charge_ratio <= 1 and 0 < store.discharge_ratio <= 1):
        text = (
            f"Efficiencies {store.charge_ratio} and {store.discharge_ratio}: "
            "give ratios above 0, at most 1."
        )
        raise Refused("storage.efficiency", text)


def _energy(store: Storage, before: Fraction, after: Fraction) -> Fraction:
    """Return the energy (kWh) of one interval between two states of charge (pct)."""
    moved = (after - before) / 100 * Fraction(store.usable_kwh)
    charge = max(moved, Fraction(0)) / Fraction(store.charge_ratio)
    discharge = max(-moved, Fraction(0)) * Fraction(store.discharge_ratio)
    return {"CHARGE": charge, "DISCHARGE": discharge, "NET": discharge - charge}[store.counts]
