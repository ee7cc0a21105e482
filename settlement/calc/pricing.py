"""What one contract version prices, out of everything that a run read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts.calc.price_terms import PricingInputs
from settlement.calc.inputs import Inputs, VersionInputs


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
