"""The contract's share of a pool of money of the campus: a cost, a fee, or revenue passed on."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.charges._base import (
    ChargeInputs,
    ChargeType,
    Needs,
    PoolView,
    TermContext,
    charge_types,
)
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.worksheet import Row, Worksheet

REMAINDER = (
    "the cents that are left go one each to the largest remainder, then the larger weight, then "
    "the first code"
)


@charge_types.register("pool_share@1")
class PoolShare(ChargeType):
    """A share of an amount, whatever the contract's price and quantity."""

    title = "Share of a pool of money"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """Which pool; its key, members and amount stand with the pool."""

        pool: str = param(
            help="Code of the pool. COST and FEE are charged, REVENUE is credited.",
        )

        def __post_init__(self) -> None:
            """Refuse an empty code."""
            if not self.pool.strip():
                raise Refused("contracts.pool", "a share needs the code of its pool")

    def needs(self, parameters: Any) -> Needs:
        """Return the pool."""
        return Needs(pools=(parameters.pool,))

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        return (
            f"Share of the campus pool “{parameters.pool}”: its amount of the month, divided to "
            "the cent by the pool's key; a cost or fee is charged, revenue is credited. The month "
            "is billed once, by the version that holds on its last day in force."
        )

    def charge(
        self, inputs: ChargeInputs, parameters: Any, carry_in: Mapping[str, Any]
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row: the share of the month x 1; x 0 where a later version bills the month."""
        inputs.window()
        view = inputs.pools.get(parameters.pool)
        if view is None:
            text = f"the document has no pool '{parameters.pool}'"
            raise Refused("contracts.pool_absent", text, pool=parameters.pool)
        last = view.last_date or inputs.period.last_date.isoformat()
        bills = inputs.days_in_force()[-1].isoformat() == last
        source = Source("contract", inputs.term.contract, f"version that holds on {last}")
        month = Figure("months", Decimal(1 if bills else 0), "month", source)
        rate = _share(view, "share")
        if view.kind == "REVENUE":
            rate = Figure.computed("credit", "USD", "0 - share", rate)
        row = Row(inputs.term.label, month, rate)
        return inputs.worksheet((row,), findings=_missing(inputs, view)), {}


def _share(view: PoolView, name: str) -> Figure:
    """Return the share as a formula down to the pool's amount, its weights and the remainder.

    Refused when the parts of the document do not make the share that it states.
    """
    if view.share_usd is None:
        source = _source(view, f"month {view.period} is not divided")
        return Figure(name, None, "USD", source, note="not known")
    weight = Figure("weight", view.weight, view.unit, _source(view, view.said or view.rule))
    weights = Figure("weights", view.weights, view.unit, _source(view, "all members"))
    whole = Figure.computed(
        "whole_cents",
        "USD",
        "shared x weight / weights",
        _shared(view),
        weight,
        weights,
        round_to=(2, Mode.DOWN),
        note=view.rule.lower(),
    )
    rest = Figure("remainder", view.extra_usd, "USD", _source(view, REMAINDER))
    share = Figure.computed(name, "USD", "whole_cents + remainder", whole, rest)
    if share.value != view.share_usd:
        text = (
            f"pool {view.pool} of {view.period}: {share.sentence()} is {share.value}, the document "
            f"says {view.share_usd}"
        )
        raise Refused("contracts.pool_differs", text, pool=view.pool)
    return share


def _shared(view: PoolView) -> Figure:
    """Return what the members share: the pool's amount less the operator's part of it."""
    if view.above is not None:
        amount = _share(view.above, "amount")
    else:
        amount = Figure("amount", view.amount_usd, "USD", _source(view, "amount of the month"))
    if not view.operator_usd:
        return Figure.computed("shared", "USD", "amount", amount)
    kept = Figure("operator", view.operator_usd, "USD", _source(view, "part of the operator"))
    return Figure.computed("shared", "USD", "amount - operator", amount, kept)


def _source(view: PoolView, what: str) -> Source:
    """Return where a figure of a pool stands: pool, month and version."""
    version = f" version {view.version}" if view.version else ""
    return Source(
        "pool",
        f"{view.pool}/{view.period}",
        f"{view.name or view.pool}, {view.period}{version}: {what}",
        {"pool": view.pool, "claims_sha256": view.claims_sha256},
    )


def _missing(inputs: ChargeInputs, view: PoolView) -> list[Finding]:
    """Return a blocking finding for a share that is not known."""
    if view.share_usd is not None:
        return []
    text = f"the share of {inputs.term.contract} in pool {view.pool} is not known"
    fix = f"Enter the amount of {inputs.period.label} for pool {view.pool} and divide it."
    return [Finding("contracts.pool_missing", text, where=view.pool, fix=fix)]
