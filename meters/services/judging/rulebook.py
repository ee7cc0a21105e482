"""Which rules judge a channel on a day, with which parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from meters.models import RuleSetting
from meters.models.judgement import parse_setting
from meters.validation import Stage, rules
from poweroptix.kernel.canonical import digest_of
from poweroptix.kernel.parameters import to_json


@dataclass(frozen=True)
class Rulebook:
    """Rules in the order in which they judge, and parameters of estimators, for one channel."""

    rules: tuple[tuple[str, Any, Any], ...]  # key, rule, parameters: whenever readings change
    closing: tuple[tuple[str, Any, Any], ...]  # the same, when a period closes
    estimators: dict[str, Any]  # key -> parameters
    off: frozenset[str]
    digest: str


class Settings:
    """The settings of some channels, read once."""

    def __init__(self, channels: Iterable[Any]) -> None:
        """Read the settings; `channels` have `channel_id` and `campus_id`."""
        subjects = list(channels)
        self._rows = list(
            RuleSetting.objects.filter(
                Q(channel__in=[s.channel_id for s in subjects])
                | Q(campus__in={s.campus_id for s in subjects}, channel=None)
                | Q(campus=None, channel=None)
            ).order_by("effective_from")
        )
        self._books: dict[tuple, Rulebook] = {}

    def change_days(self, first: date, last: date) -> list[date]:
        """Return the days in (first, last] on which some setting begins."""
        days = {row.effective_from for row in self._rows}
        return sorted(day for day in days if first < day <= last)

    def book(self, channel_id: int, campus_id: int, day: date) -> Rulebook:
        """Return the rulebook of a channel on a day: channel over campus over default."""
        chosen: dict[str, RuleSetting] = {}
        for owner in ((None, None), (campus_id, None), (None, channel_id)):
            for row in self._rows:
                if (row.campus_id, row.channel_id) == owner and row.effective_from <= day:
                    chosen[row.rule_key] = row
        key = tuple(sorted(row.pk for row in chosen.values()))
        if key not in self._books:
            self._books[key] = _book(chosen)
        return self._books[key]


def _book(chosen: dict[str, RuleSetting]) -> Rulebook:
    """Build a rulebook; a rule without a setting judges by its defaults, if it is on by default."""
    off = {key for key, row in chosen.items() if row.parameters.get("enabled") is False}
    off |= {key for key, rule in rules.items() if not rule.default_on and key not in chosen}
    parameters = {key: parse_setting(key, row.parameters) for key, row in chosen.items()}
    judges = []
    for key, rule in sorted(rules.items(), key=lambda item: (item[1].stage, item[1].code)):
        if key not in off:
            judges.append((key, rule, parameters.get(key) or rule.Parameters()))
    judging = rules.keys()
    others = {key: given for key, given in parameters.items() if key not in judging}
    document = {
        "rules": {key: to_json(given) for key, _, given in judges},
        "estimators": {key: to_json(given) for key, given in others.items()},
        "off": sorted(off),
    }
    return Rulebook(
        tuple(judge for judge in judges if judge[1].stage != Stage.PERIOD),
        tuple(judge for judge in judges if judge[1].stage == Stage.PERIOD),
        others,
        frozenset(off),
        digest_of(document),
    )
