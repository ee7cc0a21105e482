"""A what-if beside the run it starts from."""

from __future__ import annotations

from settlement.calc.cause import AMENDMENT, ESTIMATE, METER, PRICE, Cause
from settlement.calc.causes import CausedDelta, causes_between
from settlement.calc.delta import billed_of
from settlement.calc.inputs import from_bytes
from settlement.calc.settle import settle
from settlement.models import WhatIf
from settlement.queries.causes import stored_inputs
from settlement.queries.compare import Comparison, side_by_side

#: How the steps of a comparison are called where nothing was revised.
WHAT = {
    METER.key: Cause(METER.key, "Other loads", "All quantities are scaled."),
    PRICE.key: Cause(PRICE.key, "Other prices", "Published prices are scaled or moved."),
    AMENDMENT.key: Cause(AMENDMENT.key, "Other terms", "Numbers of terms, or another version."),
}


def beside_its_run(asked: WhatIf) -> Comparison:
    """Return the lines of the run and of the what-if side by side, with what each change did.

    Estimated and measured energy are both load here, so they count as one.
    """
    before, after = stored_inputs(asked.run), from_bytes(bytes(asked.inputs))
    own = [line for line in settle(before).lines if not line.corrects_period]
    caused = [_one_load(one) for one in causes_between(before, after)]
    return side_by_side(billed_of(own), billed_of(settle(after).lines), caused)


def _one_load(delta: CausedDelta) -> CausedDelta:
    causes = dict(delta.by_cause)
    estimated = causes.pop(ESTIMATE.key, None)
    if estimated is not None:
        load = causes.pop(METER.key, 0) + estimated
        causes = {METER.key: load, **causes} if load else causes
    return CausedDelta(delta.key, delta.label, delta.before_usd, delta.after_usd, causes)
