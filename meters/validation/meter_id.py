"""V06 Meter identification: the file names another meter than the one that is installed."""

from __future__ import annotations

from collections.abc import Mapping

from meters.validation._base import BaseRule, Stage, ValidationContext, rules
from meters.validation._ranges import NoParameters, finding, spells
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.series import Series


@rules.register("meter_id@1")
class MeterId(BaseRule):
    """The serial number in the file is the one of the installed meter.

    Judges the flag METER_ID (`found`, `installed`) that the arrival of a file leaves on readings
    whose serial differs. A format without serials leaves none, and nothing is found.
    """

    code = "V06"
    title = "Meter identification"
    stage = Stage.STRUCTURE
    Parameters = NoParameters

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (HOLD) per range of readings of another meter."""
        return [
            finding(
                "V06",
                Severity.HOLD,
                series.grid,
                (a, b),
                f"The readings come from another meter: {' and '.join(said)}.",
                "Enter the meter exchange with its date, or correct the serial number.",
                data={"meters": list(said)},
            )
            for a, b, said in spells(context.flags, "METER_ID", ~series.missing, _in_words)
        ]


def _in_words(detail: Mapping[str, str]) -> str:
    found, installed = detail.get("found", ""), detail.get("installed", "")
    where = f"{detail['file']}, line {detail['line']}," if "line" in detail else "the file"
    return f"{where} names {found or 'none'}, installed is {installed or 'none'}"
