"""What each contract version and each of its terms prices, out of everything that a run read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from contracts.calc.price_terms import PricedTerm, PricingInputs
from settlement.calc.inputs import Inputs
from settlement.calc.stretches import stretches
from settlement.calc.version_inputs import VersionInputs


def pricings(inputs: Inputs) -> list[PricingInputs]:
    """Return what the terms of each version are given, in the order of the versions."""
    return [_pricing(inputs, version) for version in inputs.versions]


def _pricing(inputs: Inputs, version: VersionInputs) -> PricingInputs:
    return PricingInputs(
        contract=inputs.contract,
        version=version.number,
        period=inputs.period,
        zone=inputs.zone,
        currency=inputs.currency,
        series=inputs.series,
        prices=inputs.prices,
        calendars=inputs.calendar_objects(),
        histories=inputs.histories,
        in_force=(version.first_date, version.last_date),
        anchor_date=version.anchor_date,
        facts=version.facts,
        events=inputs.events,
        pools=inputs.pool_views(),
        carry_in=inputs.carry_in,
        rounding_point=inputs.rounding_point,
        rounding=inputs.rounding,
    )


def parts_of(
    inputs: Inputs, given: Sequence[PricingInputs]
) -> list[tuple[PricedTerm, PricingInputs]]:
    """Return every term with its inputs on the days on which it is priced as one.

    `given` are those of each version, as `pricings` returns them.
    """
    of_version = dict(zip(map(id, inputs.versions), given, strict=True))
    return [(one.term, _on(of_version[id(one.version)], one.days)) for one in stretches(inputs)]


def _on(given: PricingInputs, days: tuple[date, date]) -> PricingInputs:
    return given if given.in_force == days else replace(given, in_force=days)
