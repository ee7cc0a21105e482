"""What one contract version prices, out of everything that a run read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts.calc.price_terms import PricedTerm, PricingInputs
from settlement.calc.inputs import Inputs
from settlement.calc.stretches import stretches
from settlement.calc.version_inputs import VersionInputs


def pricing_of(
    inputs: Inputs, version: VersionInputs, carry: Mapping[str, Mapping[str, Any]]
) -> PricingInputs:
    """Return what the terms of a version are given, with the carry that stands before it."""
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
        carry_in=carry,
        rounding_point=inputs.rounding_point,
        rounding=inputs.rounding,
    )


def parts_of(inputs: Inputs) -> list[tuple[PricedTerm, PricingInputs]]:
    """Return every term with its inputs on the days on which it is priced as one."""
    given = {id(one): pricing_of(inputs, one, inputs.carry_in) for one in inputs.versions}
    return [
        (one.term, replace(given[id(one.version)], in_force=one.days)) for one in stretches(inputs)
    ]
