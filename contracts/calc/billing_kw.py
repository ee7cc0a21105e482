"""The kW that are billed: peak, losses, power factor, ratchet, contract and minimum, rounding.

Order of the chain: window, loss compensation, power factor, ratchet, contract and minimum kW,
whole kW. What later months remember of a month is its own kW, before any ratchet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np

from contracts.calc import demand, power_factor
from contracts.calc.checked import Checked, refuse
from contracts.calc.energy import missing_finding, name_of
from contracts.calc.losses import LossParameters, loss_figure, loss_formula
from contracts.calc.power_factor import PowerFactorParameters
from contracts.charges._base import ChargeInputs
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import EXACT
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.rounding import Mode, to_places
from poweroptix.kernel.series import Series

ROUNDING = {"NEAREST": Mode.HALF_UP, "UP": Mode.UP}
ZERO, ONE = Decimal(0), Decimal(1)


@dataclass(frozen=True, kw_only=True)
class RatchetSeason:
    """Months whose peaks count with shares of their own."""

    months: list[int] = param(help="Months 1 to 12.")
    ratchet_ratio: Decimal = param(
        unit="ratio", minimum=ZERO, maximum=ONE, help="Share of their peak in later months."
    )
    own_ratio: Decimal = param(
        default=ONE, unit="ratio", minimum=ZERO, maximum=ONE, help="Share in the month itself."
    )


@dataclass(frozen=True, kw_only=True)
class ContractStep:
    """Contract kW from a month on: a step of the ramp."""

    from_date: date = param(help="First day of a month, for example 2027-01-01.")
    contract_kw: Decimal = param(unit="kW", minimum=ZERO, maximum=Decimal(10_000_000))


@dataclass(frozen=True, kw_only=True)
class BillingKwParameters(LossParameters, PowerFactorParameters, Checked):
    """Window, rounding, memory and floors of billed kW."""

    window_minutes: int = param(default=15, choices=(15, 30, 60), unit="minutes")
    window: str = param(
        default="BLOCK",
        choices=("BLOCK", "ROLLING"),
        help="ROLLING starts a window at every reading and needs shorter readings.",
    )
    coincident_with: str = param(
        default="",
        help="Name of the quantity whose highest window counts, for example campus; empty: the "
        "own highest window.",
    )
    kw_rounding: str = param(
        default="NEAREST",
        choices=("NEAREST", "UP", "NONE"),
        help="Whole kW, once per peak, after ratchet and minimum.",
    )
    ratchet_ratio: Decimal = param(
        default=ZERO,
        unit="ratio",
        minimum=ZERO,
        maximum=ONE,
        help="Part of the highest earlier peak that is billed at least; 0 = no ratchet.",
    )
    ratchet_months: int = param(default=11, minimum=1, maximum=36, help="Months looked back.")
    lookback_counts: str = param(
        default="EXACTLY_K",
        choices=("EXACTLY_K", "K_PLUS_1"),
        help="EXACTLY_K: the preceding k months; K_PLUS_1 counts one month more.",
    )
    ratchet_seasons: list[RatchetSeason] = param(
        default=(), help="Months whose peaks count with other shares than the ratchet's."
    )
    minimum_kw: Decimal = param(default=ZERO, unit="kW", minimum=ZERO, maximum=Decimal(10_000_000))
    contract_kw: Decimal = param(default=ZERO, unit="kW", minimum=ZERO, maximum=Decimal(10_000_000))
    contract_steps: list[ContractStep] = param(
        default=(), help="Ramp: later contract kW, in order of their first day."
    )
    contract_share_ratio: Decimal = param(
        default=ONE,
        unit="ratio",
        minimum=ZERO,
        maximum=ONE,
        help="Part of the contract kW that is billed at least.",
    )

    def __post_init__(self) -> None:
        """Refuse a ramp out of order and months that stand in two seasons."""
        days = [step.from_date for step in self.contract_steps]
        for before, after in pairwise(days):
            if after <= before:
                text = f"the step of {after} comes after {before}; put them in order"
                refuse("contract_steps", text, "contracts.step_order")
        for day in days:
            if day.day != 1:
                refuse("contract_steps", f"{day} is not the first day of a month")
        months = [month for season in self.ratchet_seasons for month in season.months]
        for month in months:
            if not 1 <= month <= 12 or months.count(month) > 1:
                refuse("ratchet_seasons", f"month {month} is none, or stands in two seasons")
        super().__post_init__()

    @property
    def ratchets(self) -> bool:
        """Whether earlier months count at all."""
        return bool(self.ratchet_ratio or self.ratchet_seasons)

    def shares(self, month: str) -> tuple[Decimal, Decimal]:
        """Return the share of a month's peak in later months and in the month itself."""
        for season in self.ratchet_seasons:
            if int(month[5:7]) in season.months:
                return season.ratchet_ratio, season.own_ratio
        return self.ratchet_ratio, ONE

    def contract_kw_on(self, day: date) -> Decimal:
        """Return the contract kW of a day, after the steps of the ramp."""
        held = [step.contract_kw for step in self.contract_steps if step.from_date <= day]
        return held[-1] if held else self.contract_kw


def other_quantities(terms: BillingKwParameters) -> tuple[str, ...]:
    """Return the names of the quantities that the kW need beside the one that is billed."""
    named = (terms.coincident_with, terms.pf_reactive if terms.pf_reference_ratio else "")
    return tuple(name for name in named if name)


def missing_reading(
    inputs: ChargeInputs, series: Series, terms: BillingKwParameters | None
) -> Finding | None:
    """Return what blocks: a reading that is missing in the quantity or in one that kW need."""
    gap = missing_finding(inputs, series)
    for name in other_quantities(terms) if terms is not None else ():
        gap = gap or missing_finding(inputs, inputs.named(name), name=name)
    return gap


class BillingKw:
    """Billed kW of one period. Every reading is there: the caller has asked before."""

    def __init__(
        self,
        inputs: ChargeInputs,
        series: Series,
        terms: BillingKwParameters,
        carry: Mapping[str, Any],
    ) -> None:
        self.inputs, self.terms, self.series = inputs, terms, series
        self.month = inputs.period.label[:7]
        self.peaks = demand.known_peaks(carry)
        rolling = terms.window == "ROLLING"
        self.windows = demand.windows(series, terms.window_minutes, rolling)
        self._deciding = self.windows
        if terms.coincident_with:
            other = inputs.named(terms.coincident_with)
            self._deciding = demand.windows(other, terms.window_minutes, rolling)
            demand.check_same_windows(self.windows, self._deciding, terms.coincident_with)
        self._factor = power_factor.PowerFactor(inputs, series, terms, self.windows)
        self.own = self.peak("peak_kw", None)
        self.findings = self._history()
        self.billed = self._billed()

    def carry_out(self) -> dict[str, Any]:
        """Return what later months have to know: the own kW of each month."""
        reach = self.terms.ratchet_months + (self.terms.lookback_counts == "K_PLUS_1")
        own_kw = to_places(self.own.value, 6).normalize(EXACT)
        kept = demand.kept_peaks(self.peaks, self.inputs.period.label, own_kw, reach)
        return {"peaks": kept}

    def peak(self, name: str, chosen: np.ndarray | None) -> Figure:
        """Return the kW of the window that counts, with losses and power factor."""
        place = demand.highest(self._deciding, chosen)
        kw = self._measured(name, place)
        stem = name.removesuffix("_kw")
        if self.terms.loss_ratio:
            loss = loss_figure(self.inputs, self.terms)
            text = loss_formula(self.terms, kw.name)
            kw = Figure.computed(f"{stem}_with_losses_kw", "kW", text, kw, loss)
        return self._factor.adjusted(kw, f"{stem}_adjusted_kw", place)

    def period_peak(self, name: str, calendar_code: str) -> Figure | None:
        """Return the own peak of a time-of-use period, rounded; None where it does not occur."""
        calendar = self.inputs.calendar(calendar_code)
        names, index = calendar.schedule.periods(self.series.grid, set(calendar.holidays))
        chosen = index == list(names).index(name) if name in names else None
        if chosen is None or not chosen.any():
            return None
        raw = self.peak(f"peak_{name_of(name)}_kw", chosen)
        return Figure.computed(
            f"billing_{name_of(name)}_kw", "kW", raw.name, raw, round_to=self._round_to()
        )

    def _measured(self, name: str, place: int) -> Figure:
        kw, at = demand.window_at(self.windows, self.series, place)
        which = (
            f"the {self.terms.window_minutes}-minute window in which {self.terms.coincident_with} "
            "is highest"
            if self.terms.coincident_with
            else f"highest {self.terms.window_minutes}-minute window"
        )
        return Figure(name, kw, "kW", self._read(which, at))

    def _read(self, which: str, at: datetime) -> Source:
        local = at.astimezone(zone_of(self.inputs.zone))
        return Source(
            "readings",
            self.series.digest(),
            f"{which} of {self.inputs.term.quantity_name}, begins {local:%Y-%m-%d %H:%M %Z}",
            {"start_utc": f"{at:%Y-%m-%dT%H:%M:%SZ}", "minutes": self.terms.window_minutes},
        )

    def _lookback(self) -> list[str]:
        terms = self.terms
        return demand.lookback_months(self.month, terms.ratchet_months, terms.lookback_counts)

    def _history(self) -> list[Finding]:
        """Months that the ratchet should read and nobody told it about."""
        if not self.terms.ratchets:
            return []
        anchor = self.inputs.anchor_date
        since = f"{anchor:%Y-%m}" if anchor else self.month
        unknown = sorted(month for month in self._lookback() if month not in self.peaks)
        inside = [month for month in unknown if month >= since]
        if inside:
            return [
                Finding(
                    "contracts.peak_unknown",
                    f"the ratchet reads {', '.join(inside)}, whose peak is not known",
                    where=f"{self.inputs.term.contract} line {self.inputs.term.line_code}",
                    fix="Settle those months or enter them in an opening balance (null = no "
                    "service in the month).",
                )
            ]
        if unknown:
            text = f"{unknown[0]} to {unknown[-1]} lie before the contract and do not count"
            return [Finding("contracts.ratchet_short", text, severity=Severity.INFO)]
        return []

    def _billed(self) -> Figure:
        """Billing kW of the month: peak, ratchet, contract share and minimum, then rounding."""
        term, own_ratio = self.inputs.term, self.terms.shares(self.month)[1]
        own = self.own
        if own_ratio != 1:
            share = Figure("own_ratio", own_ratio, "ratio", term.source("share of the month"))
            formula = f"own_ratio * {own.name}"
            own = Figure.computed("peak_share_kw", "kW", formula, share, own)
        parts, formulas = [own], [own.name]
        earlier = self._earlier()
        if earlier is not None:
            parts += earlier
            formulas.append("ratchet_ratio * earlier_peak_kw")
        contract_kw = self.terms.contract_kw_on(self.inputs.days_in_force()[0])
        if contract_kw:
            share = self.terms.contract_share_ratio
            parts += [
                Figure("contract_kw", contract_kw, "kW", term.source("contract kW")),
                Figure("contract_share_ratio", share, "ratio", term.source("contract share")),
            ]
            formulas.append("contract_share_ratio * contract_kw")
        if self.terms.minimum_kw:
            source = term.source("minimum demand")
            parts.append(Figure("minimum_kw", self.terms.minimum_kw, "kW", source))
            formulas.append("minimum_kw")
        text = formulas[0] if len(formulas) == 1 else f"max({', '.join(formulas)})"
        return Figure.computed("billing_kw", "kW", text, *parts, round_to=self._round_to())

    def _round_to(self) -> tuple[int, Mode] | None:
        """Return rounding of a peak to whole kW, or none."""
        mode = ROUNDING.get(self.terms.kw_rounding)
        return None if mode is None else (0, mode)

    def _earlier(self) -> list[Figure] | None:
        """Return the earlier peak that counts most and its share; none when no month is known."""
        if not self.terms.ratchets:
            return None
        wanted = self._lookback()
        peaks = ((self.peaks.get(month), month) for month in wanted)
        known = [(kw, month) for kw, month in peaks if kw is not None]
        if not known:
            return None
        highest, month = max(known, key=lambda one: (one[0] * self.terms.shares(one[1])[0], one))
        source = Source(
            "carry",
            month,
            f"highest of {wanted[-1]} to {wanted[0]}, in {month}",
            {"months": {month: f"{kw:f}" for kw, month in reversed(known)}},
        )
        ratio = self.terms.shares(month)[0]
        return [
            Figure("earlier_peak_kw", highest, "kW", source),
            Figure("ratchet_ratio", ratio, "ratio", self.inputs.term.source("ratchet")),
        ]
