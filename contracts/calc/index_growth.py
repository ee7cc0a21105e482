"""Prices that follow published indices: which month is read, and what floor and cap make of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from contracts.calc.checked import Checked, refuse
from contracts.calc.contract_year import first_day_of_year
from contracts.calc.demand import MONTH, month_before
from contracts.charges._base import ChargeInputs
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode

YEARLY = ("YEAR_ON_YEAR", "CARRY_FORWARD")
ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class IndexPart:
    """A part of the price and the index that it follows; a part without an index stays fixed."""

    index: str = param(
        default="", required=False, help="Code of the index series; empty for the fixed part."
    )
    weight_ratio: Decimal = param(
        default=ONE, unit="ratio", minimum=Decimal(0), maximum=ONE, help="Share of the price."
    )
    base_value: Decimal | None = param(
        default=None,
        required=False,
        unit="index points",
        minimum=Decimal("0.000001"),
        help="Index of the base as the contract states it; empty reads it.",
    )


@dataclass(frozen=True, kw_only=True)
class IndexParameters(Checked):
    """The part of a price clause that says which index the price follows, and how."""

    escalator: str
    index_parts: list[IndexPart] = param(
        default=(), help="With INDEX: indices and their weights, which add up to one."
    )
    index_turns: str = param(
        default="CONTRACT_YEAR",
        choices=("CONTRACT_YEAR", "MONTH"),
        help="When the price follows: with the contract year, or with every month.",
    )
    index_lag_months: int | None = param(
        default=None,
        required=False,
        minimum=0,
        maximum=60,
        help="With INDEX: the month read lies this many months before the one of the turn.",
    )
    index_month: int | None = param(
        default=None,
        required=False,
        minimum=1,
        maximum=12,
        help="Reference month 1 to 12: the last such month that the lag leaves; empty for none.",
    )
    index_base_month: str = param(
        default="", help="Month of the base, for example 2026-01; empty: the one of year 1."
    )
    index_limits: str = param(
        default="",
        choices=("", "NONE", "YEAR_ON_YEAR", "CUMULATIVE", "CARRY_FORWARD"),
        help="With INDEX, how floor and cap act: on each year's change, on all growth since the "
        "base, or on each year's change with what the cap cut counting later.",
    )
    floor_ratio: Decimal | None = param(
        default=None,
        required=False,
        unit="ratio",
        minimum=Decimal("-0.5"),
        maximum=Decimal("0.5"),
        help="Least change a year, 0.01 for 1 %; empty for none.",
    )
    cap_ratio: Decimal | None = param(
        default=None,
        required=False,
        unit="ratio",
        minimum=Decimal("-0.5"),
        maximum=Decimal("0.5"),
        help="Largest change a year, 0.035 for 3.5 %; empty for none.",
    )
    index_rounding: str = param(
        default="ONCE",
        choices=("ONCE", "EVERY_YEAR"),
        help="ONCE rounds the price of the year; EVERY_YEAR grows last year's rounded price.",
    )

    def __post_init__(self) -> None:
        """Refuse an index clause that leaves open what bills differ on."""
        if self.escalator == "INDEX":
            self._check_index()
        super().__post_init__()

    def _check_index(self) -> None:
        floats = [part.index for part in self.index_parts if part.index]
        if not floats:
            refuse("index_parts", "name at least one index that the price follows")
        if len(set(floats)) != len(floats):
            refuse("index_parts", "an index is named twice")
        total = sum(part.weight_ratio for part in self.index_parts)
        if total != 1:
            refuse("index_parts", f"the weights add up to {total}, not to 1")
        if self.index_lag_months is None:
            refuse("index_lag_months", "say how many months before the turn the index is read")
        if self.index_base_month and not MONTH.fullmatch(self.index_base_month):
            refuse("index_base_month", f"'{self.index_base_month}' is not a month such as 2026-01")
        self._check_limits()

    def _check_limits(self) -> None:
        if not self.index_limits:
            refuse("index_limits", "say how floor and cap act, or NONE")
        limits = [one for one in (self.floor_ratio, self.cap_ratio) if one is not None]
        if bool(limits) == (self.index_limits == "NONE"):
            refuse("index_limits", "NONE goes without floor and cap, the others need one of them")
        if limits != sorted(limits):
            refuse("floor_ratio", f"{self.floor_ratio} is above the cap {self.cap_ratio}")
        if self.index_turns == "MONTH" and self.index_limits in YEARLY:
            refuse("index_limits", "a price that follows every month has no change by the year")


def value_of_month(months: Mapping[str, str], month: str) -> Decimal | None:
    """Return the index of a month as first published; None when it is not published."""
    text = months.get(month)
    if text is None:
        return None
    value = Decimal(text)
    if value <= 0:
        raise Refused("contracts.index", f"{month}: an index of {text} cannot be a base of growth")
    return value


class IndexGrowth:
    """How a price follows its indices in one period; collects what was not published."""

    def __init__(self, inputs: ChargeInputs, terms: IndexParameters, anchor: date) -> None:
        self.inputs = inputs
        self.terms = terms
        self.anchor = anchor
        self.findings: list[Finding] = []

    def month_of(self, turn: str) -> str:
        """Return the month whose index counts at a turn in the month `turn`."""
        month = month_before(turn, self.terms.index_lag_months or 0)
        while self.terms.index_month and int(month[5:]) != self.terms.index_month:
            month = month_before(month, 1)
        return month

    def month_of_year(self, year: int) -> str:
        """Return the month whose index counts for a contract year."""
        first = first_day_of_year(self.anchor, year, self.terms.contract_year)
        return self.month_of(f"{first:%Y-%m}")

    def price(self, base: Figure, year: int) -> Figure:
        """Return the price of a contract year with its derivation.

        Where an index is not published, the last price that could be made is used and said to be
        provisional.
        """
        if self.terms.index_turns == "MONTH":
            return self._price_of_month(base, year)
        if year <= 1:
            return base
        reached = {1: self._start()}
        for number in range(2, year + 1):
            relative = self._relative(self.month_of_year(number), f"relative_year_{number}")
            if relative.value is not None:
                reached[number] = relative
            elif self.terms.index_limits in YEARLY:
                break
        last = max(reached)
        if last < year:
            self._not_published(self.month_of_year(last + 1), f"contract year {last}")
        if last == 1:
            return base
        if self.terms.index_limits in YEARLY:
            return self._price_by_years(base, [reached[n] for n in range(1, last + 1)])
        return self._priced(base, self._band(reached[last], last), last)

    def _price_of_month(self, base: Figure, year: int) -> Figure:
        label = self.inputs.period.label[:7]
        for step in range(37):
            month = self.month_of(month_before(label, step))
            relative = self._relative(month, "relative")
            if relative.value is not None:
                if step:
                    self._not_published(self.month_of(label), month)
                return self._priced(base, self._band(relative, max(year, 1)), None)
        self._not_published(self.month_of(label), "the base")
        return base

    def _start(self) -> Figure:
        """Growth of year 1, which has the price of the contract."""
        return Figure("relative_year_1", ONE, "ratio", self.inputs.term.source("base of the index"))

    def _relative(self, month: str, name: str) -> Figure:
        """Return the weighted index of a month over that of the base; empty when unpublished."""
        base_month = self.terms.index_base_month or self.month_of_year(1)
        figures, formula = [], []
        for number, part in enumerate(self.terms.index_parts, start=1):
            weight = Figure(
                f"weight_{number}", part.weight_ratio, "ratio", self.inputs.term.source("weight")
            )
            if not part.index:
                figures.append(weight)
                formula.append(weight.name)
                continue
            now = self._index(part.index, month, f"index_{number}")
            before = self._index(part.index, base_month, f"base_{number}")
            if part.base_value is not None:
                source = self.inputs.term.source(f"base of {part.index}")
                before = Figure(before.name, part.base_value, "index points", source)
            ratio = f"{now.name} / {before.name}"
            figures += [now, before]
            if part.weight_ratio != 1:
                figures.append(weight)
                ratio = f"{weight.name} * {ratio}"
            formula.append(ratio)
        return Figure.computed(name, "ratio", " + ".join(formula), *figures)

    def _index(self, code: str, month: str, name: str) -> Figure:
        if code not in self.inputs.histories:
            known = ", ".join(sorted(self.inputs.histories)) or "none"
            raise Refused("contracts.index_unknown", f"no index '{code}'; known: {known}")
        value = value_of_month(self.inputs.histories[code], month)
        source = Source("index", code, f"{code} of {month}, as first published", {"month": month})
        return Figure(name, value, "index points", source)

    def _not_published(self, month: str, used: str) -> None:
        codes = ", ".join(
            part.index
            for part in self.terms.index_parts
            if part.index and month not in self.inputs.histories[part.index]
        )
        finding = Finding(
            "contracts.index_provisional",
            f"{codes or 'the index'} of {month} is not published; the price is the last one, of "
            f"{used}, and provisional",
            severity=Severity.WARN,
            where=f"{self.inputs.term.contract} line {self.inputs.term.line_code}",
            fix="Publish the index, then calculate again.",
        )
        if finding not in self.findings:
            self.findings.append(finding)

    def _limits(self) -> tuple[Figure, ...]:
        source = self.inputs.term.source("floor and cap")
        pairs = (("floor_ratio", self.terms.floor_ratio), ("cap_ratio", self.terms.cap_ratio))
        return tuple(
            Figure(name, value, "ratio", source) for name, value in pairs if value is not None
        )

    def _clipped(self, text: str, floor: str, cap: str) -> str:
        """Return the formula of a value held between the limits that the clause has."""
        if self.terms.cap_ratio is not None:
            text = f"min({text}, {cap})"
        return text if self.terms.floor_ratio is None else f"max({text}, {floor})"

    def _band(self, relative: Figure, year: int) -> Figure:
        """Return all growth since the base, held in the band of floor and cap."""
        if self.terms.index_limits == "NONE":
            return relative
        floor, cap = (
            " * ".join([f"(1 + {name})"] * (year - 1)) or "1"
            for name in ("floor_ratio", "cap_ratio")
        )
        formula = self._clipped(relative.name, floor, cap)
        return Figure.computed("growth_ratio", "ratio", formula, relative, *self._limits())

    def _priced(self, base: Figure, growth: Figure, year: int | None) -> Figure:
        name = base.name if year is None else f"{base.name}_year_{year}"
        return Figure.computed(
            f"{name}_indexed" if year is None else name,
            base.unit,
            f"{base.name} * {growth.name}",
            base,
            growth,
            round_to=(self.terms.price_places, Mode.HALF_UP),
        )

    def _price_by_years(self, base: Figure, relatives: list[Figure]) -> Figure:
        """Return the price after the limited change of every year."""
        changes = self._changes(relatives)
        last = len(relatives)
        if self.terms.index_rounding == "ONCE":
            text = " * ".join(f"(1 + {change.name})" for change in changes)
            return self._priced(
                base, Figure.computed("growth_ratio", "ratio", text, *changes), last
            )
        price = base
        for number, change in enumerate(changes, start=2):
            price = Figure.computed(
                f"{base.name}_year_{number}",
                base.unit,
                f"{price.name} * (1 + {change.name})",
                price,
                change,
                round_to=(self.terms.price_places, Mode.HALF_UP),
            )
        return price

    def _changes(self, relatives: list[Figure]) -> list[Figure]:
        """Return the change that counts in each year from the second."""
        found, bank = [], Figure("bank_year_1", Decimal(0), "ratio", note="nothing was cut before")
        keeps = self.terms.index_limits == "CARRY_FORWARD" and self.terms.cap_ratio is not None
        for number, (before, now) in enumerate(pairwise(relatives), 2):
            change = Figure.computed(
                f"change_year_{number}", "ratio", f"{now.name} / {before.name} - 1", now, before
            )
            wanted, inputs = change.name, [change, *self._limits()]
            if keeps:
                wanted, inputs = f"{change.name} + {bank.name}", [*inputs, bank]
            formula = self._clipped(wanted, "floor_ratio", "cap_ratio")
            found.append(Figure.computed(f"applied_year_{number}", "ratio", formula, *inputs))
            if keeps:
                cut = Figure.computed("cut", "ratio", f"max({wanted} - cap_ratio, 0)", *inputs)
                note = f"what the cap cut and no year has used yet: {cut.sentence()}"
                bank = Figure(f"bank_year_{number}", cut.value, "ratio", note=note)
        return found
