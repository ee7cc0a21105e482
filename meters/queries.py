"""Questions about readings; the answers are worked out in the modules beside this one."""

from meters.queries_history import Comparison, Version, as_of, compare, versions
from meters.queries_series import (
    Pin,
    Pins,
    final_many,
    final_series,
    loss_ratios,
    newer_than,
    raw_many,
    raw_series,
)
from meters.queries_trace import ReadingVersion, Trace, trace
from meters.queries_work import (
    Completeness,
    CompletenessRow,
    DayState,
    LateChannel,
    completeness,
    edits_to_confirm,
    effect,
    holds_month,
    late_channels,
    open_findings,
    with_problems,
)

__all__ = [
    "Comparison",
    "Completeness",
    "CompletenessRow",
    "DayState",
    "LateChannel",
    "Pin",
    "Pins",
    "ReadingVersion",
    "Trace",
    "Version",
    "as_of",
    "compare",
    "completeness",
    "edits_to_confirm",
    "effect",
    "final_many",
    "final_series",
    "holds_month",
    "late_channels",
    "loss_ratios",
    "newer_than",
    "open_findings",
    "raw_many",
    "raw_series",
    "trace",
    "versions",
    "with_problems",
]
