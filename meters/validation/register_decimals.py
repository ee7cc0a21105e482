"""V28 Register plausibility, the part that arrival leaves: a register keeps its decimals.

Dials, running back and more than the capacity can carry are judged when a read arrives
(`meters/services/arriving/registering.py`).
"""

from __future__ import annotations

from decimal import Decimal

from meters.validation._base import BaseRule, Stage, ValidationContext, rules
from meters.validation._ranges import NoParameters, finding
from meters.validation._registers import edges
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@rules.register("register_decimals@1")
class RegisterDecimals(BaseRule):
    """Two consecutive reads of a register have the same number of decimals.

    Other decimals mean another meter, another scale, or a source that cuts zeros; for such a source
    the rule is switched off.
    """

    code = "V28D"
    title = "Register with other decimals"
    measures = "Decimals of the register"
    stage = Stage.CROSS
    Parameters = NoParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that register reads with known decimals are missing, where they are."""
        known = any(each.decimals is not None for each in context.circumstances.registers)
        return "" if known else "two register reads that tell their decimals"

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per pair of reads with different decimals."""
        found: dict[tuple[int, int], Finding] = {}
        for each in context.circumstances.registers:
            if each.decimals is None or each.decimals[0] == each.decimals[1]:
                continue
            first, end, _ = edges(series.grid, each)
            first, end = max(first, 0), min(end, series.grid.count)
            if first >= end or (first, end) in found:
                continue  # registers read together change together: the first tells
            before, after = each.decimals
            named = f" ({each.source})" if each.source else ""
            found[first, end] = finding(
                "V28D",
                Severity.HOLD,
                series.grid,
                (first, end),
                f"The register was read with {_places(before)} and then with "
                f"{_places(after)}{named}.",
                "Compare with the meter; accept it if the source cuts zeros.",
                Decimal(after),
                Decimal(before),
            )
        return list(found.values())


def _places(count: int) -> str:
    """Return a number of decimals in words.

    >>> _places(0), _places(1), _places(3)
    ('no decimals', '1 decimal', '3 decimals')
    """
    return f"{count or 'no'} decimal{'' if count == 1 else 's'}"
