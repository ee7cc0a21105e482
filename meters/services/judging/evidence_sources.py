"""Which stored versions an estimate rests on, for its worksheet.

A version of a block names its file and line (`meters.queries.trace`), so channel, day and version
lead back to what was received. Days that are judged in the same run have no final version yet; they
are told by the raw version that was judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from meters.estimation import Estimate
from meters.models import Layer
from meters.services.judging.evidence_survey import Survey
from meters.services.judging.subjects import Subject
from meters.storage import from_epoch_day
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import Period
from poweroptix.kernel.series import Series

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ")
WEEK = timedelta(hours=168)
Range = tuple[datetime, datetime]


class Sources:
    """Names what the estimates of one channel rest on."""

    def __init__(self, survey: Survey, subject: Subject, series: Series) -> None:
        self._survey, self._subject, self._grid = survey, subject, series.grid

    def named(self, estimate: Estimate, by: int) -> Estimate:
        """Return an estimate with its readings named, its gap counted from another start."""
        sheet = dict(estimate.worksheet)
        readings = self._readings(estimate)
        values = sheet.pop("values", [])
        if readings:
            sheet["readings"] = readings
        sheet["values"] = values
        gap = slice(estimate.gap.start + by, estimate.gap.stop + by)
        return replace(estimate, gap=gap, worksheet=sheet)

    def _readings(self, estimate: Estimate) -> list[dict[str, Any]]:
        own, subject = self._subject, self._subject
        found: list[dict[str, Any]] = []
        for start, end in _joined(list(self._own_ranges(estimate, self._grid))):
            found += self._versions(own.channel_id, own.minutes, subject.code, start, end)
        gap = estimate.gap
        before = self._grid.start_of(gap.start) - (WEEK if _has_ratio(estimate) else timedelta(0))
        texts = _texts(estimate)
        others = [(b.channel.channel_id, b.channel.minutes, b.channel.code)
                  for b in self._survey.besides(subject)]  # fmt: skip
        others += self._survey.nodes.channels(subject)
        end = self._grid.start_of(gap.stop)
        for channel_id, minutes, code in dict.fromkeys(others):
            if any(code in text for text in texts):
                found += self._versions(channel_id, minutes, code, before, end)
        return [each for at, each in enumerate(found) if each not in found[:at]]

    def _own_ranges(self, estimate: Estimate, grid: Grid) -> Iterator[Range]:
        """Yield the times of the channel itself that the estimate rests on."""
        step = timedelta(minutes=grid.minutes)
        for text in estimate.used:
            if _DAY.fullmatch(text):
                local = Period.day(self._subject.zone, date.fromisoformat(text))
                yield local.start_utc, local.end_utc
            elif _STAMP.fullmatch(text):
                yield _moment(text), _moment(text) + step
        if _has_ratio(estimate):
            first = grid.start_of(estimate.gap.start)
            yield first - WEEK, first
        for scaled in estimate.worksheet.get("scaled", []):
            first, last = (_moment(text) for text in scaled["between"])
            yield first, last
        for step_ in estimate.worksheet.get("steps", []):
            if "clear_day" in step_:
                local = Period.day(self._subject.zone, date.fromisoformat(step_["clear_day"]))
                yield local.start_utc, local.end_utc

    def _versions(
        self, channel_id: int, minutes: int, code: str, start: datetime, end: datetime
    ) -> list[dict[str, Any]]:
        """Return the versions of a channel, days of one version together."""
        found: list[dict[str, Any]] = []
        for day, layer, version in self._survey.stored.versions(channel_id, minutes, start, end):
            name = from_epoch_day(day).isoformat()
            same = {"channel": code, "layer": Layer(layer).name, "version": version}
            last = found[-1] if found else None
            if last is not None and all(last[key] == value for key, value in same.items()):
                last["last_day"] = name
            else:
                found.append(same | {"first_day": name, "last_day": name})
        return found


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


def _has_ratio(estimate: Estimate) -> bool:
    return "intervals" in estimate.worksheet.get("ratio", {})


def _texts(estimate: Estimate) -> list[str]:
    """Return the names on a worksheet that may be those of channels."""
    return [str(text) for text in estimate.used]


def _joined(ranges: list[Range]) -> list[Range]:
    """Return ranges in order, those that touch or overlap joined."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
