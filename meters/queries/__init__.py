"""Questions about readings; the answers are worked out in the modules beside this one."""

from meters.queries.history import Comparison, Version, as_of, compare, versions
from meters.queries.late import LateChannel, late_channels
from meters.queries.series import (
    Pin,
    Pins,
    final_many,
    final_series,
    loss_ratios,
    newer_than,
    raw_many,
    raw_series,
)
from meters.queries.trace import ReadingVersion, Trace, trace
from meters.queries.work import (
    ChannelQuality,
    Completeness,
    CompletenessRow,
    DayState,
    completeness,
    edits_to_confirm,
    effect,
    holds_month,
    open_findings,
    quality_board,
    with_problems,
)

__all__ = [
    "ChannelQuality",
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
    "quality_board",
    "raw_many",
    "raw_series",
    "trace",
    "versions",
    "with_problems",
]
