"""What lies behind the differences of two runs: readings, prices, versions, keys, the carry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from meters.models import Channel
from settlement.calc.dependence import OWN, Dependence
from settlement.models import SettlementRun
from settlement.queries.causes import RULES
from settlement.queries.changes import Change, changes_between


@dataclass(frozen=True)
class ChangedReadings:
    """One channel whose readings differ between the two runs."""

    channel: str
    change: Change
    is_own: bool


@dataclass(frozen=True)
class ChangedPrices:
    """An index whose prices differ: on how many days, and the first and last of them."""

    series: str
    day_count: int
    first_day: str
    last_day: str


@dataclass(frozen=True)
class Behind:
    """Everything that one run read otherwise than the other."""

    readings: tuple[ChangedReadings, ...]
    prices: tuple[ChangedPrices, ...]
    versions: tuple[str, str] | None
    is_split_otherwise: bool
    carried: SettlementRun | None

    @property
    def is_empty(self) -> bool:
        """Whether both runs read the same."""
        return not (
            self.readings or self.prices or self.versions or self.is_split_otherwise or self.carried
        )


def behind(before: SettlementRun, after: SettlementRun) -> Behind:
    """Return what differs in the frozen documents of two runs of a contract month."""
    old, new = (json.loads(bytes(run.inputs)) for run in (before, after))
    splits = [
        json.loads(bytes(run.allocation_run.inputs)) if run.allocation_run else None
        for run in (before, after)
    ]
    both = all(splits) and before.allocation_run_id != after.allocation_run_id
    return Behind(
        readings=_readings(*splits, after.contract.code) if both else (),
        prices=changed_prices(old["prices"], new["prices"]),
        versions=_changed_versions(old, new),
        is_split_otherwise=both and any(splits[0][name] != splits[1][name] for name in RULES),
        carried=after.carry_in_run if old["carry_in"] != new["carry_in"] else None,
    )


def changed_terms(before: SettlementRun, after: SettlementRun) -> tuple[str, str] | None:
    """Return the contract versions that two runs of a month froze, in words; None where alike.

    Both say the same where a version stayed and what it reads of the contract (facts) changed.
    """
    return _changed_versions(*(json.loads(bytes(run.inputs)) for run in (before, after)))


def _changed_versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str] | None:
    if old["versions"] == new["versions"]:
        return None
    return version_words(old), version_words(new)


def _readings(
    old: Mapping[str, Any], new: Mapping[str, Any], contract: str
) -> tuple[ChangedReadings, ...]:
    scopes = Dependence(new).of(contract)
    changes = changes_between(old, new, list(scopes))
    codes = dict(Channel.objects.filter(pk__in=list(changes)).values_list("pk", "code"))
    found = [
        ChangedReadings(codes.get(pk, "a former channel"), change, scopes[pk] == OWN)
        for pk, change in changes.items()
    ]
    return tuple(sorted(found, key=lambda one: (not one.is_own, one.channel)))


def changed_prices(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[ChangedPrices, ...]:
    """Return the indices of two documents whose prices of the month differ, with their UTC days.

    The digest of the month decides: the UTC day at its edge gets a new version with the next month.
    """
    found = []
    for code in sorted(old.keys() & new.keys()):
        if old[code]["digest"] == new[code]["digest"]:
            continue
        before, after = (_by_day(one[code]) for one in (old, new))
        days = sorted(day for day in before.keys() | after.keys() if _differ(before, after, day))
        if days:
            found.append(ChangedPrices(code, len(days), days[0], days[-1]))
    return tuple(found)


def _by_day(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the digest of each pinned day; prices written in full have no days."""
    return {pin[0]: pin[2] for pin in entry.get("ref", {}).get("pins", ())}


def _differ(before: Mapping[str, Any], after: Mapping[str, Any], day: str) -> bool:
    return before.get(day) != after.get(day)


def version_words(document: Mapping[str, Any]) -> str:
    """Return the versions of a document in words: 1 to 2026-03-14, 2 from 2026-03-15."""
    found = [(one["number"], *one["in_force"]) for one in document["versions"]]
    if len(found) == 1:
        return f"version {found[0][0]}"
    return ", ".join(f"version {number} from {first} to {last}" for number, first, last in found)
