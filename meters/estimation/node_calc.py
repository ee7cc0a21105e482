"""E03 Node calculation: the one unknown flow at a node from all its other flows.

``unknown outflow = inflows - other outflows - losses``, losses in percent of the inflows; an
unknown inflow is ``outflows / (1 - losses) - other inflows``. Western Australia Metering Code
2012 App. 3 method 12; AEMO substitution type 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from meters.calc.evidence import Node
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
from poweroptix.kernel.quality import Method
from poweroptix.kernel.series import Series


@dataclass(frozen=True)
class NodeCalcParameters:
    """Nothing to set: the node names its losses."""


@estimators.register("node_calc@1")
class NodeCalc:
    """Balance of the node; every other flow must be metered, and nothing may come out negative."""

    title = "Balance of the node"
    method = Method.NODE_CALC
    Parameters = NodeCalcParameters

    @staticmethod
    def estimate(series: Series, gap: slice, context: EstimationContext) -> Estimate | None:
        """Return the estimate; None when a flow is not good or the balance is negative."""
        node = context.evidence.node
        if node is None or not node.flows or not 0 <= node.loss_pct < 100:
            return None
        if not all(fits(series, flow.series, gap) for flow in node.flows):
            return None
        numbers = [_unknown(node, index) for index in range(gap.start, gap.stop)]
        if any(number < 0 for number in numbers):
            return None
        inputs = {
            "node": node.name,
            "loss_pct": text_of(node.loss_pct),
            "flows": [
                {
                    "name": flow.name,
                    "into_node": flow.inward,
                    "values": texts(flow.series, gap),
                }
                for flow in node.flows
            ],
        }
        formula = (
            "sum of out / (1 - loss) - other in"
            if node.inward
            else "sum of in x (1 - loss) - other out"
        )
        return made(
            series, gap, "node_calc@1", Method.NODE_CALC, formula, numbers,
            inputs=inputs, used=tuple(flow.name for flow in node.flows),
        )  # fmt: skip


def _unknown(node: Node, index: int) -> Fraction:
    into = sum((exact_at(f.series, index) for f in node.flows if f.inward), Fraction(0))
    out = sum((exact_at(f.series, index) for f in node.flows if not f.inward), Fraction(0))
    kept = 1 - Fraction(node.loss_pct) / 100
    return out / kept - into if node.inward else into * kept - out
