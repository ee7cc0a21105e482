"""V07 Number of channels: a file brings more or fewer channels of a meter than it has."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from meters.validation._base import BaseRule, Stage, ValidationContext, rules
from meters.validation._ranges import NoParameters, finding, marked
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@rules.register("channel_count@1")
class ChannelCount(BaseRule):
    """A file brings as many channels of a meter as are expected of it.

    Judges the flag CHANNEL_COUNT (`found`, `expected`) that the arrival of a file leaves on its
    readings. A recorder that lost a channel, or gained one, may have moved the others.
    """

    code = "V07"
    title = "Number of channels"
    measures = "Channels in the file"
    stage = Stage.STRUCTURE
    Parameters = NoParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per range of readings that came with a wrong number."""
        counts = (
            (a, b, _counts(detail))
            for a, b, code, detail in context.flags
            if code == "CHANNEL_COUNT"
        )
        differing = ((a, b, pair) for a, b, pair in counts if pair[0] != pair[1])
        return [_finding(series, a, b, pairs) for a, b, pairs in marked(differing, ~series.missing)]


def _counts(detail: Mapping[str, str]) -> tuple[int, int]:
    return int(detail["found"]), int(detail["expected"])


def _finding(series: Series, a: int, b: int, pairs: tuple[tuple[int, int], ...]) -> Finding:
    found, expected = max(pairs, key=lambda pair: abs(pair[0] - pair[1]))
    return finding(
        "V07",
        Severity.HOLD,
        series.grid,
        (a, b),
        f"The file brings {found} channel{'' if found == 1 else 's'} of the meter, "
        f"{expected} {'is' if expected == 1 else 'are'} expected.",
        "Check how the recorder is set up, then correct the channels or ask for the file again.",
        Decimal(found),
        Decimal(expected),
    )
