"""Losses of transformers, and loss factors on either side."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from meters.calc.losses import Side, Transformer, by_factor, energy_kwh, vars_, watts
from meters.conformance._base import Facts, Found, Kind, words

_LENGTHS = (5, 15, 30, 60)


def active(facts: Facts) -> Found:
    """Find the active losses of a transformer from its percentages."""
    sheet = Transformer(
        facts.number("rated_va"),
        iron_w_pct=facts.number("lwfe_pct"),
        copper_w_pct=facts.number("lwcu_pct"),
    )
    loss = watts(sheet, *_ratios(facts))
    found = {"core_w": loss.iron, "copper_w": loss.copper, "total_w": loss.total}
    return found | _energies("kwh", loss.total)


def reactive(facts: Facts) -> Found:
    """Find the reactive losses of a transformer from its percentages."""
    sheet = Transformer(
        facts.number("rated_va"),
        iron_var_pct=facts.number("lvfe_pct"),
        copper_var_pct=facts.number("lvcu_pct"),
    )
    loss = vars_(sheet, *_ratios(facts))
    found = {"core_var": loss.iron, "copper_var": loss.copper, "total_var": loss.total}
    return found | _energies("kvarh", loss.total)


def _ratios(facts: Facts) -> tuple[Decimal, Decimal]:
    return facts.number("v_ratio"), facts.number("i_ratio")


def _energies(name: str, power: Fraction) -> dict[str, Fraction]:
    return {f"{name}_{minutes}": energy_kwh(power, minutes) for minutes in _LENGTHS}


def factor(facts: Facts) -> Found:
    """Bring energy to the point of delivery, which lies upstream of the meter."""
    words(
        "meter on load side, billing point upstream",
        facts.get("side", "meter on load side, billing point upstream"),
        "side",
    )
    received = "measured_received" in facts
    side = Side.RECEIVED if received else Side.DELIVERED
    measured = facts.number("measured_received" if received else "measured")
    return {side.value.lower(): by_factor(measured, facts.number("factor"), side)}


KINDS: dict[str, Kind] = {"TLC_PERCENT": active, "TLC_VAR": reactive, "LOSS_FACTOR": factor}
