"""Questions about readings; the answers are worked out in the modules beside this one."""

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
    late_channels,
    open_findings,
)

__all__ = [
    "Completeness",
    "CompletenessRow",
    "DayState",
    "LateChannel",
    "Pin",
    "Pins",
    "ReadingVersion",
    "Trace",
    "completeness",
    "final_many",
    "final_series",
    "late_channels",
    "loss_ratios",
    "newer_than",
    "open_findings",
    "raw_many",
    "raw_series",
    "trace",
]
