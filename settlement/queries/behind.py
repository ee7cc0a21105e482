"""What lies behind the differences of two runs: readings, prices, versions, keys, the carry."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from contracts.calc.differences import FieldChange, changed
from contracts.calc.local_days import is_by_date
from meters.models import Channel
from poweroptix.kernel.period import Period
from settlement.calc.dependence import OWN, Dependence
from settlement.calc.inputs import read_prices
from settlement.models import SettlementRun
from settlement.queries.causes import RULES
from settlement.queries.changes import Change, changes_between
from settlement.queries.resolver import StoredResolver

#: How many changed prices of an index are shown one by one: those of a day, or of a month by day.
SHOWN = 31


@dataclass(frozen=True)
class ChangedReadings:
    """One channel whose readings differ between the two runs."""

    channel: str
    change: Change
    is_own: bool


@dataclass(frozen=True)
class PriceChange:
    """One price in both runs, None where it was not published; daily ones stand for `day`."""

    start_utc: datetime
    day: date | None
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True)
class ChangedPrices:
    """An index whose prices differ: on how many days, the first and last, and which prices.

    `prices` are the first of them, `further` says how many more there are.
    """

    series: str
    day_count: int
    first_day: str
    last_day: str
    unit: str = ""
    prices: tuple[PriceChange, ...] = ()
    further: int = 0


@dataclass(frozen=True)
class AmendedLine:
    """What the terms of a line say otherwise from a day on; `kind` is added, removed or changed."""

    line_code: int
    label: str
    first_day: date
    kind: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class Behind:
    """Everything that one run read otherwise than the other."""

    readings: tuple[ChangedReadings, ...]
    prices: tuple[ChangedPrices, ...]
    versions: tuple[str, str] | None
    is_split_otherwise: bool
    carried: SettlementRun | None
    amended: tuple[AmendedLine, ...] = ()

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
        prices=tuple(
            _with_prices(one, before, old, new)
            for one in changed_prices(old["prices"], new["prices"])
        ),
        versions=_changed_versions(old, new),
        is_split_otherwise=both and any(splits[0][name] != splits[1][name] for name in RULES),
        carried=after.carry_in_run if old["carry_in"] != new["carry_in"] else None,
        amended=tuple(amended_lines(old, new)),
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


def _with_prices(
    one: ChangedPrices, run: SettlementRun, old: Mapping[str, Any], new: Mapping[str, Any]
) -> ChangedPrices:
    """Return the index with its prices in both runs, as each of them pinned them."""
    period = Period(run.start_utc, run.end_utc, run.contract.zone, run.period)
    resolver = StoredResolver(period)
    was, now = (read_prices(one.series, doc["prices"][one.series], period, resolver)
                for doc in (old, new))  # fmt: skip
    by_start = [
        {side.grid.start_of(at): price for at, price in enumerate(side.decimals())}
        for side in (was, now)
    ]
    starts = [at for at in dict.fromkeys([*by_start[0], *by_start[1]])
              if by_start[0].get(at) != by_start[1].get(at)]  # fmt: skip
    prices = tuple(
        PriceChange(
            at, at.date() if is_by_date(now) else None, by_start[0].get(at), by_start[1].get(at)
        )
        for at in sorted(starts)[:SHOWN]
    )
    return replace(one, unit=now.unit, prices=prices, further=max(len(starts) - SHOWN, 0))


def amended_lines(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[AmendedLine]:
    """Yield the lines whose terms differ between two documents, from which day on, and in what.

    Each version of the newer document is held against what the older one said on its first day.
    """
    for version in new["versions"]:
        first = date.fromisoformat(version["in_force"][0])
        was = _terms(_version_on(old, first))
        now = _terms(version)
        for code in sorted(was.keys() | now.keys()):
            before, after = was.get(code), now.get(code)
            label = (after or before)["label"]
            if before is None or after is None:
                yield AmendedLine(code, label, first, "removed" if after is None else "added")
            elif fields := tuple(changed(_compared(before), _compared(after))):
                yield AmendedLine(code, label, first, "changed", fields)


def _version_on(document: Mapping[str, Any], day: date) -> Mapping[str, Any]:
    """Return the version of a document that holds on a day; one without terms where none does."""
    for version in document["versions"]:
        first, last = (date.fromisoformat(one) for one in version["in_force"])
        if first <= day <= last:
            return version
    return {"terms": ()}


def _terms(version: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    return {one["line_code"]: one for one in version["terms"]}


def _compared(term: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a term decides amounts, and the text that is printed."""
    return {
        "text on the invoice": term["label"],
        "kind of charge": term["charge_type"],
        "quantity": term["quantity_name"],
        **term["parameters"],
    }


def _by_day(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the digest of each pinned day; prices written in full have no days."""
    return {pin[0]: pin[2] for pin in entry.get("ref", {}).get("pins", ())}


def _differ(before: Mapping[str, Any], after: Mapping[str, Any], day: str) -> bool:
    return before.get(day) != after.get(day)


def version_words(document: Mapping[str, Any]) -> str:
    """Return the versions of a document in words, each but the first with its first day.

    >>> first, second = ["2026-10-01", "2026-10-15"], ["2026-10-16", "2026-10-31"]
    >>> version_words({"versions": [{"number": 2, "in_force": first}]})
    'version 2'
    >>> version_words({"versions": [{"number": 2, "in_force": first},
    ...                             {"number": 3, "in_force": second}]})
    'version 2; from 16 October version 3'
    """
    first, *others = document["versions"]
    return "; ".join(
        [
            f"version {first['number']}",
            *(f"from {_day(one)} version {one['number']}" for one in others),
        ]
    )


def _day(version: Mapping[str, Any]) -> str:
    day = date.fromisoformat(version["in_force"][0])
    return f"{day.day} {day:%B}"
