"""Demand: peak kW of a window, ratchet, minimum, contract kW and blocks (DEMAND, RATCHET)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from contracts.calc import demand, demand_words
from contracts.calc.days import in_month
from contracts.calc.demand_blocks import DemandPrice, block_figure
from contracts.calc.energy import missing_finding, name_of
from contracts.charges._base import ChargeInputs, ChargeType, Needs, TermContext, charge_types
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Row, Worksheet

ROUNDING = {"NEAREST": Mode.HALF_UP, "UP": Mode.UP}


@charge_types.register("demand@1")
class Demand(ChargeType):
    """Peak kW x rate: window, then ratchet, minimum and contract kW, then rounding, then blocks."""

    title = "Demand"

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """Window, prices, rounding and memory of the demand clause."""

        prices: list[DemandPrice] = param(help="Periods with their blocks.")
        window_minutes: int = param(default=15, choices=(15, 30, 60), unit="minutes")
        window: str = param(
            default="BLOCK",
            choices=("BLOCK", "ROLLING"),
            help="ROLLING starts a window at every reading and needs shorter readings.",
        )
        calendar: str = param(
            default="", required=False, help="Needed when a period other than ALL is priced."
        )
        kw_rounding: str = param(
            default="NEAREST",
            choices=("NEAREST", "UP", "NONE"),
            help="Whole kW, once per peak, after ratchet and minimum.",
        )
        ratchet_ratio: Decimal = param(
            default=Decimal(0),
            unit="ratio",
            minimum=Decimal(0),
            maximum=Decimal(1),
            help="Part of the highest earlier peak that is billed at least; 0 = no ratchet.",
        )
        ratchet_months: int = param(default=11, minimum=1, maximum=36, help="Months looked back.")
        lookback_counts: str = param(
            default="EXACTLY_K",
            choices=("EXACTLY_K", "K_PLUS_1"),
            help="EXACTLY_K: the preceding k months; K_PLUS_1 counts one month more.",
        )
        minimum_kw: Decimal = param(
            default=Decimal(0), unit="kW", minimum=Decimal(0), maximum=Decimal(10_000_000)
        )
        contract_kw: Decimal = param(
            default=Decimal(0), unit="kW", minimum=Decimal(0), maximum=Decimal(10_000_000)
        )
        contract_share_ratio: Decimal = param(
            default=Decimal(1),
            unit="ratio",
            minimum=Decimal(0),
            maximum=Decimal(1),
            help="Part of the contract kW that is billed at least.",
        )
        proration: str = param(
            default="BY_DAYS",
            choices=("BY_DAYS", "FULL_MONTH"),
            help="What a part month pays.",
        )
        line_per: str = param(default="CHARGE", choices=("ROW", "CHARGE"))

    def needs(self, parameters: Any) -> Needs:
        """Return the calendar when a period of it is priced."""
        return Needs(calendars=(parameters.calendar,) if parameters.calendar else ())

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        return demand_words.sentence(parameters, context or TermContext())

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Blocks rise and end open; periods exist in the calendar; none is priced twice."""
        found: list[Finding] = []
        names = [row.period for row in parameters.prices]
        if not names:
            found.append(Finding("contracts.no_price", "no price is given", where="prices"))
        for name in sorted({name for name in names if names.count(name) > 1}):
            found.append(Finding("contracts.price_twice", f"{name} has two prices", where="prices"))
        timed = [name for name in names if name != "ALL"]
        if timed and not parameters.calendar:
            text = f"{', '.join(timed)}: name the calendar of these periods"
            found.append(Finding("contracts.calendar_needed", text, where="calendar"))
        calendar = context.calendars.get(parameters.calendar)
        if calendar is not None:
            known = set(calendar.schedule.names)
            found += [
                Finding(
                    "contracts.period_unknown",
                    f"'{name}' is not a period of {parameters.calendar}; "
                    f"known: {', '.join(sorted(known))}",
                    where="prices",
                )
                for name in timed
                if name not in known
            ]
        return found

    def charge(
        self, inputs: ChargeInputs, parameters: Any, carry_in: Mapping[str, Any]
    ) -> tuple[Worksheet, dict[str, Any]]:
        """Return a row per period and block; carries the month's own peak (before any ratchet)."""
        series = inputs.quantity()
        gap = missing_finding(inputs, series)
        if gap:
            return self._empty(inputs, parameters, gap), dict(carry_in)
        found = demand.windows(series, parameters.window_minutes, parameters.window == "ROLLING")
        own_kw, at = demand.peak(found, series, None)
        peaks = demand.known_peaks(carry_in)
        findings = self._history(inputs, parameters, peaks)
        month = self._peak_figure(inputs, series, "peak_kw", own_kw, at, parameters.window_minutes)
        billed = self._billed(inputs, parameters, month, peaks)
        rows: list[Row] = []
        figures = [billed]
        for price in parameters.prices:
            kw = billed
            if price.period != "ALL":
                kw = self._period_peak(inputs, parameters, price.period, series, found)
                if kw is None:
                    continue
                figures.append(kw)
            rows += self._block_rows(inputs, parameters, price, kw)
        reach = parameters.ratchet_months + (parameters.lookback_counts == "K_PLUS_1")
        carry = {"peaks": demand.kept_peaks(peaks, inputs.period.label, own_kw, reach)}
        return self._sheet(inputs, parameters, rows, figures, findings), carry

    def _empty(self, inputs: ChargeInputs, parameters: Any, gap: Finding) -> Worksheet:
        """Return a worksheet without an amount: the peak may lie in the gap."""
        unknown = Figure("peak_kw", None, "kW", note="a reading is missing")
        rate = Figure("rate", parameters.prices[0].blocks[0].rate, "USD/kW-month")
        return self._sheet(inputs, parameters, [Row(inputs.term.label, unknown, rate)], [], [gap])

    @staticmethod
    def _sheet(
        inputs: ChargeInputs,
        parameters: Any,
        rows: list[Row],
        figures: list[Figure],
        findings: list[Finding],
    ) -> Worksheet:
        return Worksheet(
            inputs.term.label,
            tuple(rows),
            figures=tuple(figures),
            findings=tuple(findings),
            rounding=inputs.rounding,
            line_per=parameters.line_per,
        )

    @staticmethod
    def _peak_figure(
        inputs: ChargeInputs, series: Series, name: str, kw: Decimal, at: datetime, minutes: int
    ) -> Figure:
        local = at.astimezone(zone_of(inputs.zone))
        source = Source(
            "readings",
            series.digest(),
            f"highest {minutes}-minute window of {inputs.term.quantity_name}, begins "
            f"{local:%Y-%m-%d %H:%M %Z}",
            {"start_utc": f"{at:%Y-%m-%dT%H:%M:%SZ}", "minutes": minutes},
        )
        return Figure(name, kw, "kW", source)

    def _history(
        self, inputs: ChargeInputs, parameters: Any, peaks: Mapping[str, Decimal | None]
    ) -> list[Finding]:
        """Months that the ratchet should read and nobody told it about."""
        if not parameters.ratchet_ratio:
            return []
        label = inputs.period.label[:7]
        wanted = demand.lookback_months(
            label, parameters.ratchet_months, parameters.lookback_counts
        )
        since = f"{inputs.anchor_date:%Y-%m}" if inputs.anchor_date else label
        unknown = sorted(month for month in wanted if month not in peaks)
        inside = [month for month in unknown if month >= since]
        if inside:
            return [
                Finding(
                    "contracts.peak_unknown",
                    f"the ratchet reads {', '.join(inside)}, whose peak is not known",
                    where=f"{inputs.term.contract} line {inputs.term.line_code}",
                    fix="Settle those months or enter them in an opening balance (null = no "
                    "service in the month).",
                )
            ]
        if unknown:
            text = f"{unknown[0]} to {unknown[-1]} lie before the contract and do not count"
            return [Finding("contracts.ratchet_short", text, severity=Severity.INFO)]
        return []

    def _billed(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        month: Figure,
        peaks: Mapping[str, Decimal | None],
    ) -> Figure:
        """Billing kW of the month: peak, ratchet, contract share and minimum, then rounding."""
        parts, formulas = [month], ["peak_kw"]
        term = inputs.term
        if parameters.ratchet_ratio:
            earlier = self._earlier(inputs, parameters, peaks)
            if earlier is not None:
                ratio = parameters.ratchet_ratio
                parts += [earlier, Figure("ratchet_ratio", ratio, "ratio", term.source("ratchet"))]
                formulas.append("ratchet_ratio * earlier_peak_kw")
        if parameters.contract_kw:
            share = parameters.contract_share_ratio
            parts += [
                Figure("contract_kw", parameters.contract_kw, "kW", term.source("contract kW")),
                Figure("contract_share_ratio", share, "ratio", term.source("contract share")),
            ]
            formulas.append("contract_share_ratio * contract_kw")
        if parameters.minimum_kw:
            source = term.source("minimum demand")
            parts.append(Figure("minimum_kw", parameters.minimum_kw, "kW", source))
            formulas.append("minimum_kw")
        text = formulas[0] if len(formulas) == 1 else f"max({', '.join(formulas)})"
        return Figure.computed(
            "billing_kw", "kW", text, *parts, round_to=self._round_to(parameters)
        )

    @staticmethod
    def _round_to(parameters: Any) -> tuple[int, Mode] | None:
        """Return rounding of a peak to whole kW, or none."""
        mode = ROUNDING.get(parameters.kw_rounding)
        return None if mode is None else (0, mode)

    @staticmethod
    def _earlier(
        inputs: ChargeInputs, parameters: Any, peaks: Mapping[str, Decimal | None]
    ) -> Figure | None:
        """Return the highest peak of the months looked back to; none when no month is known."""
        wanted = demand.lookback_months(
            inputs.period.label[:7], parameters.ratchet_months, parameters.lookback_counts
        )
        known = [(peaks[month], month) for month in wanted if peaks.get(month) is not None]
        if not known:
            return None
        highest, month = max(known)
        source = Source(
            "carry",
            month,
            f"highest of {wanted[-1]} to {wanted[0]}, in {month}",
            {"months": {month: f"{kw:f}" for kw, month in reversed(known)}},
        )
        return Figure("earlier_peak_kw", highest, "kW", source)

    def _period_peak(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        name: str,
        series: Series,
        found: demand.Windows,
    ) -> Figure | None:
        """Own peak of a time-of-use period, rounded; none in a month where it does not occur."""
        calendar = inputs.calendar(parameters.calendar)
        names, index = calendar.schedule.periods(series.grid, set(calendar.holidays))
        chosen = index == list(names).index(name) if name in names else None
        if chosen is None or not chosen.any():
            return None
        kw, at = demand.peak(found, series, chosen)
        raw = self._peak_figure(
            inputs, series, f"peak_{name_of(name)}_kw", kw, at, parameters.window_minutes
        )
        return Figure.computed(
            f"billing_{name_of(name)}_kw",
            "kW",
            raw.name,
            raw,
            round_to=self._round_to(parameters),
        )

    @staticmethod
    def _block_rows(
        inputs: ChargeInputs, parameters: Any, price: DemandPrice, kw: Figure
    ) -> list[Row]:
        """Return a row per marginal block that the kW reach, prorated by days in a part month."""
        days, month_days = in_month(inputs)
        divisor = 1
        label = inputs.term.label + ("" if price.period == "ALL" else f", {price.period}")
        rows, below = [], Decimal(0)
        for number, block in enumerate(price.blocks, start=1):
            if kw.value <= below and number > 1:
                break
            quantity = kw
            text = label
            if len(price.blocks) > 1:
                text += f", block {number}"
                quantity = block_figure(inputs, kw, below, block)
            if days != month_days and parameters.proration == "BY_DAYS":
                source = Source("input", inputs.period.label, f"days in force of {month_days}")
                held = Figure("days", Decimal(days), "count", source)
                quantity = Figure.computed(
                    "kw_days", "kW-day", f"{quantity.name} * days", quantity, held
                )
                divisor = month_days
            rate = Figure("rate", block.rate, "USD/kW-month", inputs.term.source("rate"))
            rows.append(Row(text, quantity, rate, unit_divisor=Decimal(divisor)))
            below = block.up_to_kw if block.up_to_kw is not None else kw.value
        return rows
