"""The order in which estimators are tried; the first that applies wins."""

from __future__ import annotations

from dataclasses import replace

from meters.estimation import Estimate, EstimationContext, estimators
from meters.services.rulebook import Rulebook
from poweroptix.kernel.series import Series


def climb(
    series: Series, gap: slice, context: EstimationContext, book: Rulebook
) -> Estimate | None:
    """Return the estimate of the best method that applies, None when none does."""
    for key, estimator in sorted(estimators.items(), key=lambda item: int(item[1].method)):
        if key in book.off:
            continue
        given = book.estimators.get(key) or estimator.Parameters()
        estimate = estimator.estimate(series, gap, replace(context, parameters=given))
        if estimate is not None:
            return estimate
    return None
