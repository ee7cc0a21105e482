"""What every charge type is given, what it returns, and the register of all of them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from contracts.calc.price_versions import series_code
from contracts.events import MONTH_NUMBER, SYSTEM_PEAK, Event, check_together, in_time
from poweroptix.kernel.calendar import TouSchedule
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import parse
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.registry import Registry
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import IntervalRow, Row, Worksheet


@dataclass(frozen=True)
class TermRef:
    """Where a line comes from: contract, version, clause; and which quantity it prices."""

    contract: str
    version: int
    clause: str
    line_code: int
    label: str
    quantity_name: str = "delivered"

    def source(self, what: str) -> Source:
        """Evidence of a figure that stands in the contract: "price, clause 4.2 of PPA-1 v2"."""
        label = f"{what}, {self.contract} version {self.version}"
        label += f", clause {self.clause}" if self.clause else ""
        ref = f"{self.contract}/v{self.version}/{self.line_code}"
        return Source("term", ref, label, {"line_code": self.line_code, "clause": self.clause})


@dataclass(frozen=True)
class Calendar:
    """A time-of-use schedule together with the local dates that are holidays in it."""

    schedule: TouSchedule
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True)
class PricedLine:
    """A line of the same bill that was priced before: its code and its printed amount.

    None where an input of that line is missing; what rests on it has no amount either. `figures`
    are the named determinants of its worksheet, for example make_up_mwh.
    """

    line_code: int
    label: str
    amount_usd: Decimal | None
    figures: Mapping[str, Decimal | None] = field(default_factory=dict)


@dataclass(frozen=True)
class PoolView:
    """What one contract may see of a pool of money: totals, its own weight and its own share.

    `amount_usd` less `operator_usd` is shared by weight / weights; `extra_usd` is the cent (or
    none) that the contract got of the remainder. Amounts are those of the pool, so a credit of a
    REVENUE pool is positive here. `above` is the pool of which this one is a part; `last_date` the
    contract's last day in force in the month, the last day of the month when it is empty. None
    where the month is not divided or an input of it is missing.
    """

    pool: str
    kind: str
    period: str
    amount_usd: Decimal | None = None
    operator_usd: Decimal | None = None
    weight: Decimal | None = None
    weights: Decimal | None = None
    unit: str = ""
    rule: str = ""
    said: str = ""
    extra_usd: Decimal | None = None
    share_usd: Decimal | None = None
    name: str = ""
    version: int | None = None
    claims_sha256: str = ""
    last_date: str = ""
    above: PoolView | None = None


@dataclass(frozen=True)
class ChargeInputs:
    """Everything a charge may read; frozen with the run, so that it can be computed again.

    `in_force` is the first and the last local day of the period on which the contract version
    holds; `histories` are indices by month, as first published; `facts` are named values of the
    contract and of the month (contract_kw, availability_ratio, meter_count ...) as decimal text;
    `events` happened in the period; `lines` were priced before this one, in order of their codes;
    `pools` is what the contract may see of pools of money; `rounding_point` LINE, DAY or INTERVAL
    and `rounding` are the contract's rule for money.
    """

    period: Period
    zone: str
    currency: str
    term: TermRef
    series: Mapping[str, Series] = field(default_factory=dict)
    prices: Mapping[str, PriceSeries] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    histories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    in_force: tuple[date, date] | None = None
    anchor_date: date | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    lines: tuple[PricedLine, ...] = ()
    pools: Mapping[str, PoolView] = field(default_factory=dict)
    rounding_point: str = "LINE"
    rounding: Mode = Mode.HALF_UP

    def days_in_force(self) -> list[date]:
        """Local days of the period on which the version holds, in order."""
        days = self.period.days()
        if self.in_force is None:
            return days
        first, last = self.in_force
        if first <= days[0] and days[-1] <= last:
            return days
        return [day for day in days if first <= day <= last]

    def window(self) -> tuple[datetime, datetime]:
        """UTC start and end of the days in force. Refused when the version holds on none."""
        days = self.days_in_force()
        if not days:
            raise Refused(
                "contracts.not_in_force",
                f"version {self.term.version} of {self.term.contract} does not hold on any day "
                f"of {self.period.label}",
            )
        return self.period.day_bounds(days[0])[0], self.period.day_bounds(days[-1])[1]

    def is_whole_period(self) -> bool:
        """Return True when the version holds on every day of the period."""
        return len(self.days_in_force()) == len(self.period.days())

    def quantity(self) -> Series:
        """Return the series that this term prices, cut to the days in force."""
        return self.named(self.term.quantity_name)

    def named(self, name: str) -> Series:
        """Return a quantity by its name, cut to the days in force.

        Refused when the run does not have it or when it does not cover those days.
        """
        if name not in self.series:
            raise Refused(
                "contracts.series_unknown",
                f"no quantity named '{name}'; known: {', '.join(sorted(self.series)) or 'none'}",
                quantity=name,
            )
        series = self.series[name]
        start, end = self.window()
        if series.grid.start_utc > start or series.grid.end_utc < end:
            raise Refused(
                "contracts.series_short",
                f"'{name}' reaches from {series.grid.start_utc:%Y-%m-%d %H:%M} to "
                f"{series.grid.end_utc:%Y-%m-%d %H:%M} UTC, the charge needs "
                f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC",
                quantity=name,
            )
        return series.slice(start, end)

    def happened(self, kind: str) -> list[Event]:
        """Return the events of a kind that touch the days in force, in order of their starts.

        Of a kind that holds on, such as a capacity test, the last one before comes first. Refused
        when two of them are at one time though only one can be.
        """
        start, end = self.window()
        found = in_time((one for one in self.events if one.kind == kind), start, end)
        check_together(found)
        return found

    def calendar(self, code: str) -> Calendar:
        """Return the calendar of that code. Refused when the run does not have it."""
        if code not in self.calendars:
            raise Refused(
                "contracts.calendar_unknown",
                f"no time-of-use calendar '{code}'; known: "
                f"{', '.join(sorted(self.calendars)) or 'none'}",
                calendar=code,
            )
        return self.calendars[code]

    def worksheet(
        self,
        rows: Iterable[Row | IntervalRow],
        *,
        figures: Iterable[Figure] = (),
        findings: Iterable[Finding] = (),
        line_per: str = "CHARGE",
    ) -> Worksheet:
        """Return the worksheet of the term: under its label, rounded as the contract rounds."""
        return Worksheet(
            self.term.label, tuple(rows), tuple(figures), tuple(findings), self.rounding, line_per
        )


@dataclass(frozen=True)
class Needs:
    """What a term reads, by name: a run is refused before pricing when one is absent.

    `helped` names the prices whose gaps the terms answer for themselves (a ladder, a carry over
    the weekend), `standby` those that are looked at for nothing else than such gaps;
    `days_before` says how many days of prices before the period are looked at. `facts` are numbers
    of the contract or of the month; one that nobody states leaves the amount empty. `systems` are
    the power systems whose published peaks decide.
    """

    series: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    calendars: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    histories: tuple[str, ...] = ()
    helped: tuple[str, ...] = ()
    standby: tuple[str, ...] = ()
    days_before: Mapping[str, int] = field(default_factory=dict)

    @property
    def index_codes(self) -> list[str]:
        """Codes of the index series behind the names of the prices."""
        return sorted({series_code(name) for name in self.prices})

    def reads(self, event: Event) -> bool:
        """Say whether the event can decide: a number or peak by what it names, others by kind."""
        if event.kind == MONTH_NUMBER:
            return event.values.get("name") in self.facts
        if event.kind == SYSTEM_PEAK:
            return event.values.get("system") in self.systems
        return event.kind in self.events


@dataclass(frozen=True)
class TermContext:
    """What is known when a term is checked or said in words, beside its parameters.

    `titles` are the names of calendars and index series by their codes, `holidays` the dates and
    names that each calendar lists.
    """

    first_date: date | None = None
    last_date: date | None = None
    anchor_date: date | None = None
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    holidays: Mapping[str, Mapping[date, str]] = field(default_factory=dict)
    quantity_name: str = "delivered"

    def title(self, code: str) -> str:
        """Return the name of a calendar or an index series; its code when nobody named it."""
        return self.titles.get(code) or code


class ChargeType(ABC):
    """One kind of clause. Subclasses are registered; they hold no state."""

    title: ClassVar[str]
    Parameters: ClassVar[type]
    uses_quantity: ClassVar[bool] = True

    def parse(self, parameters: Mapping[str, Any]) -> Any:
        """Parameters of a term from JSON; Refused with a finding per field.

        Nobody changes them: terms with the same text, of which a portfolio has many, share them.
        """
        try:
            text = json.dumps(parameters, sort_keys=True)
        except (TypeError, ValueError, RecursionError):  # no JSON: dates, Decimals, or nonsense
            return parse(self.Parameters, parameters)
        return _parsed(self.Parameters, text)

    def reads_quantity(self, parameters: Any) -> bool:
        """Whether the term reads the quantity that it names."""
        return self.uses_quantity

    def needs(self, parameters: Any) -> Needs:
        """Prices and calendars that the term reads (its quantity is named by the term)."""
        return Needs()

    def reads_lines(self, parameters: Any) -> tuple[int, ...]:
        """Return the codes of the lines of the same bill that the term rests on."""
        return ()

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Return what is wrong with these parameters before anything is priced."""
        return []

    def interval_prices(self, inputs: ChargeInputs, parameters: Any) -> np.ndarray:
        """Return the price of every interval in 10^-8, MISSING where there is none.

        Refused by charges that price a quantity as a whole.
        """
        raise Refused("contracts.no_interval_prices", f"{self.title}: prices no single interval")

    @abstractmethod
    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the term in plain words, for forms and statements.

        With a context the words name dates, seasons and the names of what the term points to.
        """

    @abstractmethod
    def charge(
        self, inputs: ChargeInputs, parameters: Any, carry_in: Mapping[str, Any]
    ) -> tuple[Worksheet, dict[str, Any]]:
        """Price one period. Returns the worksheet and what the next period has to know."""


@lru_cache(maxsize=4096)
def _parsed(parameters: type, text: str) -> Any:
    return parse(parameters, json.loads(text))


charge_types: Registry[ChargeType] = Registry("charge type", "contracts.charges")


def charge_type(key: str) -> ChargeType:
    """Return the charge type of a key such as "demand@1". NotFoundError names the known ones."""
    charge_types.discover()
    return charge_types.get(key)()
