"""What a settlement run reads, put together into its frozen inputs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from contracts.calc.price_terms import PricedTerm, needs_of
from contracts.charges import Needs
from contracts.models import Contract
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.period import Period
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series
from settlement.calc.inputs import Inputs
from settlement.calc.version_inputs import needs_of_versions
from settlement.models import AllocationRun, SettlementRun
from settlement.queries.carry import adjustments, carry_in
from settlement.queries.shelf import OF_SOURCE, QUANTITIES, Shelf


@dataclass(frozen=True)
class ContractReading:
    """The inputs of a run, and the run that its carry was taken from (if any)."""

    inputs: Inputs
    carry_in_run: SettlementRun | None


def read_contract(
    contract: Contract, period: Period, allocation: AllocationRun, shelf: Shelf | None = None
) -> ContractReading:
    """Read everything that settling the contract's period needs.

    Refused when no version holds on a day, when the allocation has no energy of the contract, or
    when a price series that a term names does not exist.
    """
    shelf = shelf or Shelf()
    shelf.fill([contract], period, allocation)
    versions = shelf.versions[contract.pk]
    needs = needs_of_versions(versions)
    carry, carry_from, carry_run = carry_in(contract, period, shelf)
    earlier = adjustments(contract, period, shelf)
    inputs = Inputs(
        contract=contract.code,
        tenant=contract.tenant.code,
        currency=contract.currency,
        zone=contract.zone,
        period=period,
        versions=versions,
        carry_in=carry,
        carry_from=carry_from,
        allocation={
            "run": allocation.pk,
            "version": allocation.version,
            "inputs_sha256": allocation.inputs_sha256,
        },
        adjustments=earlier.billed,
        held=earlier.held,
        rounding_point=contract.rounding_point,
        rounding=Mode(contract.rounding),
        **read_needs(contract, period, allocation, needs, shelf),
    )
    return ContractReading(inputs, carry_run)


def read_needs(
    contract: Contract, period: Period, allocation: AllocationRun, needs: Needs, shelf: Shelf
) -> dict[str, Any]:
    """Return the fields of the inputs that terms name, as they stand now, with their references.

    The shelf holds the contract already. Refused as `read_contract` is.
    """
    shelf.fill_sources(allocation, [contract.pk], needs.series)
    series, references = _quantities(contract, allocation, shelf, needs.series)
    for name, (one, reference) in shelf.bound_quantities(contract.pk, needs.series, period).items():
        series[name], references[name] = one, reference
    prices = shelf.prices_of(needs, period)
    shelf.fill_calendars(needs.calendars)
    last_date = shelf.versions[contract.pk][-1].last_date.isoformat()
    return {
        "series": series,
        "prices": {code: one for code, (one, _) in prices.items()},
        "calendars": {c: shelf.calendars[c] for c in needs.calendars if c in shelf.calendars},
        "histories": shelf.histories_of(needs.histories, period),
        "events": shelf.events_for(contract.pk, needs, period),
        "pools": {
            code: {**shelf.pool_view(contract, period.label, code), "last_date": last_date}
            for code in needs.pools
        },
        "series_refs": references,
        "price_refs": {code: where for code, (_, where) in prices.items()},
    }


def with_needs(inputs: Inputs, run: SettlementRun, terms: Iterable[PricedTerm]) -> Inputs:
    """Return the inputs of a run with what other terms read besides, as it stands now.

    What the run read stays as it was. Refused when a term names something that is not there.
    """
    frozen = needs_of_versions(inputs.versions)
    contract, shelf = run.contract, Shelf()
    shelf.fill([contract], inputs.period, run.allocation_run)
    needs = needs_of(terms)
    found = read_needs(contract, inputs.period, run.allocation_run, needs, shelf)
    events = [one for one in found.pop("events") if not frozen.reads(one)]
    merged = {name: {**one, **getattr(inputs, name)} for name, one in found.items()}
    return replace(inputs, events=(*inputs.events, *events), **merged)


def _quantities(
    contract: Contract, allocation: AllocationRun, shelf: Shelf, needed: Iterable[str]
) -> tuple[dict[str, Series], dict[str, dict[str, Any]]]:
    """Return the contract's quantities of the allocation, by name, and where they stand."""
    series, references = {}, {}
    for name, kind in QUANTITIES.items():
        if (allocation.pk, contract.pk, kind) not in shelf.parts:
            continue
        series[name], _ = shelf.parts[allocation.pk, contract.pk, kind]
        references[name] = {
            "kind": "allocation",
            "run": allocation.pk,
            "contract": contract.pk,
            "part": kind,
        }
    for name in needed:
        source = name.removeprefix(OF_SOURCE)
        if (allocation.pk, contract.pk, source) in shelf.sources and name != source:
            series[name], _ = shelf.sources[allocation.pk, contract.pk, source]
            references[name] = {**references["delivered"], "part": "SOURCE", "pool": source}
    if "delivered" not in series:
        text = (
            f"The allocation of {allocation.period} (version {allocation.version}) holds no "
            f"energy of {contract.code}; give the contract a delivery point or a pool."
        )
        raise Refused("settlement.not_allocated", text, contract=contract.code)
    return series, references
