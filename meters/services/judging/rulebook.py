"""Which rules judge a channel on a day, with which parameters, and who set them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q

from meters.models import RuleSetting, RuleSetUse
from meters.models.choices import Role
from meters.models.judgement import parse_setting
from meters.services.judging.subjects import Subject
from meters.validation import Stage, rules
from poweroptix.kernel.canonical import digest_of
from poweroptix.kernel.parameters import to_json

#: All that is asked of a schedule: a plan may be flat, steep or above what a meter can measure.
OF_PLANS = frozenset({"gap@1"})


@dataclass(frozen=True)
class Rulebook:
    """Rules in the order in which they judge, and parameters of estimators, for one channel."""

    rules: tuple[tuple[str, Any, Any], ...]  # key, rule, parameters: whenever readings change
    closing: tuple[tuple[str, Any, Any], ...]  # the same, when a period closes
    estimators: dict[str, Any]  # key -> parameters
    off: frozenset[str]
    digest: str


class Settings:
    """The settings of some channels and of the rule sets they use, read once. Two queries."""

    def __init__(self, channels: Iterable[Subject]) -> None:
        """Read the settings."""
        subjects = list(channels)
        ids = [s.channel_id for s in subjects]
        self._uses: dict[tuple[str, int], list[RuleSetUse]] = defaultdict(list)
        uses = RuleSetUse.objects.filter(
            Q(channel__in=ids)
            | Q(delivery_point__in={s.point_id for s in subjects})
            | Q(source__in={s.source_id for s in subjects} - {None})
        )
        for use in uses.order_by("effective_from"):
            self._uses[_owner(use)].append(use)
        sets = {use.rule_set_id for uses in self._uses.values() for use in uses} - {None}
        rows = RuleSetting.objects.filter(
            Q(channel__in=ids)
            | Q(campus__in={s.campus_id for s in subjects})
            | Q(rule_set__in=sets)
            | Q(campus=None, channel=None, rule_set=None)
        )
        self._rows: dict[tuple[str, int | None], list[RuleSetting]] = defaultdict(list)
        for row in rows.order_by("effective_from").select_related("rule_set"):
            self._rows[_set_by(row)].append(row)
        self._books: dict[tuple, Rulebook] = {}

    def change_days(self, first: date, last: date) -> list[date]:
        """Return the days in (first, last] on which some setting or set begins."""
        begins = [*self._rows.values(), *self._uses.values()]
        days = {row.effective_from for rows in begins for row in rows}
        return sorted(day for day in days if first < day <= last)

    def chosen(self, subject: Subject, day: date) -> dict[str, RuleSetting]:
        """Return the settings that hold for a channel on a day, by key of rule or estimator.

        Each owner counts above the one before: house, campus, rule sets of the source, of the point
        and of the channel, the channel itself.
        """
        found: dict[str, RuleSetting] = {}
        for owner in self._owners(subject, day):
            for row in self._rows.get(owner, ()):
                if row.effective_from <= day:
                    found[row.rule_key] = row
        return found

    def use(self, rule_set_id: int, subject: Subject, day: date) -> RuleSetUse | None:
        """Return why a rule set holds for a channel on a day; None when it does not."""
        found = [use for use in self._in_use(subject, day) if use.rule_set_id == rule_set_id]
        return found[-1] if found else None

    def _owners(self, subject: Subject, day: date) -> Iterator[tuple[str, int | None]]:
        yield "house", None
        yield "campus", subject.campus_id
        for use in self._in_use(subject, day):
            yield "set", use.rule_set_id
        yield "channel", subject.channel_id

    def _in_use(self, subject: Subject, day: date) -> Iterator[RuleSetUse]:
        """Yield the uses in force, the least specific first."""
        for name, key in (
            ("source", subject.source_id),
            ("point", subject.point_id),
            ("channel", subject.channel_id),
        ):
            begun = [u for u in self._uses.get((name, key or 0), ()) if u.effective_from <= day]
            if begun and begun[-1].rule_set_id is not None:
                yield begun[-1]

    def book(self, subject: Subject, day: date) -> Rulebook:
        """Return the rulebook of a channel on a day; a schedule is only asked for gaps."""
        chosen, is_plan = self.chosen(subject, day), subject.role == Role.SCHEDULE
        key = (is_plan, *sorted(row.pk for row in chosen.values()))
        if key not in self._books:
            not_asked = set(rules.keys()) - OF_PLANS if is_plan else ()
            self._books[key] = _book(chosen, not_asked)
        return self._books[key]


def _owner(use: RuleSetUse) -> tuple[str, int]:
    """Return who uses a rule set."""
    if use.channel_id is not None:
        return "channel", use.channel_id
    if use.delivery_point_id is not None:
        return "point", use.delivery_point_id
    return "source", use.source_id


def _set_by(row: RuleSetting) -> tuple[str, int | None]:
    """Return who set parameters."""
    if row.channel_id is not None:
        return "channel", row.channel_id
    if row.rule_set_id is not None:
        return "set", row.rule_set_id
    return ("campus", row.campus_id) if row.campus_id is not None else ("house", None)


def _book(chosen: dict[str, RuleSetting], not_asked: Collection[str]) -> Rulebook:
    """Build a rulebook; a rule without a setting judges by its defaults, if it is on by default."""
    off = set(not_asked)
    off |= {key for key, row in chosen.items() if row.parameters.get("enabled") is False}
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
