"""A finding: what a rule saw, how bad it is, where, and what mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """What a finding does to the data or the run it concerns."""

    INFO = "INFO"
    WARN = "WARN"
    HOLD = "HOLD"
    ESTIMATE = "ESTIMATE"
    REJECT = "REJECT"
    BLOCK = "BLOCK"


@dataclass(frozen=True)
class Finding:
    """One sentence of a rule, with the number it judged and the limit it judged by.

    `where` names the file and line, the row, the field or the channel; `fix` says what to do.

    >>> Finding("parameters.unknown", "There is no such field.", where="prcie").to_json()["where"]
    'prcie'
    """

    code: str
    message: str
    severity: Severity = Severity.BLOCK
    where: str = ""
    metric: Decimal | None = None
    threshold: Decimal | None = None
    start_utc: datetime | None = None
    end_utc: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data: numbers as text, instants with Z."""
        return {
            "code": self.code,
            "message": self.message,
            "severity": str(self.severity),
            "where": self.where,
            "metric": _text(self.metric),
            "threshold": _text(self.threshold),
            "start_utc": _instant(self.start_utc),
            "end_utc": _instant(self.end_utc),
            "data": dict(self.data),
            "fix": self.fix,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Finding:
        """Return the finding that `to_json` wrote."""
        return cls(
            code=document["code"],
            message=document["message"],
            severity=Severity(document["severity"]),
            where=document["where"],
            metric=_decimal(document["metric"]),
            threshold=_decimal(document["threshold"]),
            start_utc=_read_instant(document["start_utc"]),
            end_utc=_read_instant(document["end_utc"]),
            data=dict(document["data"]),
            fix=document["fix"],
        )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
