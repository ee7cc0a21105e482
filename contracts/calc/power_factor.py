"""Billed kW raised by a low power factor: kW x max(1, reference / power factor) (PF)."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from contracts.calc import demand, words
from contracts.calc.checked import Checked, refuse
from contracts.charges._base import ChargeInputs
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.fixed import WIDE, from_micro
from poweroptix.kernel.parameters import param
from poweroptix.kernel.rounding import Mode
from poweroptix.kernel.series import Series
from poweroptix.kernel.words import counted


@dataclass(frozen=True, kw_only=True)
class PowerFactorParameters(Checked):
    """The part of a demand clause that bills a low power factor."""

    pf_reference_ratio: Decimal = param(
        default=Decimal(0),
        unit="ratio",
        minimum=Decimal(0),
        maximum=Decimal(1),
        help="Power factor below which the kW are raised, for example 0.95; 0 = no adjustment.",
    )
    pf_reactive: str = param(
        default="", help="Name of the reactive energy in kVArh, needed with a power factor."
    )
    pf_measured: str = param(
        default="",
        choices=("", "AVERAGE", "AT_PEAK"),
        help="Needed with a power factor: of the month's energy, or in the window that counts.",
    )
    pf_places: int | None = param(
        default=None,
        required=False,
        minimum=2,
        maximum=8,
        help="Decimals of the power factor, half-up; empty: not rounded.",
    )

    def __post_init__(self) -> None:
        """Refuse a power factor that does not say from what it is measured."""
        if self.pf_reference_ratio:
            if not self.pf_reactive:
                refuse("pf_reactive", "name the reactive energy that the power factor needs")
            if not self.pf_measured:
                refuse("pf_measured", "say whether the power factor is the average or at the peak")
        super().__post_init__()


class PowerFactor:
    """The adjustment of one period; does nothing where the clause has none."""

    def __init__(
        self,
        inputs: ChargeInputs,
        series: Series,
        terms: PowerFactorParameters,
        windows: demand.Windows,
    ) -> None:
        self.inputs, self.series, self.terms, self.windows = inputs, series, terms, windows
        self._reactive: Series | None = None
        if terms.pf_reference_ratio:
            self._reactive = reactive = inputs.named(terms.pf_reactive)
            if reactive.unit != "kVArh" or reactive.grid != series.grid:
                raise Refused(
                    "contracts.reactive",
                    f"'{terms.pf_reactive}' is {reactive.unit} every {reactive.grid.minutes} "
                    f"minutes; a power factor needs kVArh every {series.grid.minutes} minutes",
                )

    def adjusted(self, kw: Figure, name: str, place: int) -> Figure:
        """Return the kW of a window after the adjustment."""
        if self._reactive is None:
            return kw
        factor = self._factor(place)
        reference = Figure(
            "pf_reference_ratio",
            self.terms.pf_reference_ratio,
            "ratio",
            self.inputs.term.source("reference power factor"),
        )
        formula = f"{kw.name} * max(1, pf_reference_ratio / power_factor)"
        return Figure.computed(name, "kW", formula, kw, reference, factor)

    def _factor(self, place: int) -> Figure:
        """Return kWh over kVAh, of the month or of one window; 1 where nothing flowed."""
        chosen = slice(None)
        when = "of the month"
        if self.terms.pf_measured == "AT_PEAK":
            first = int(self.windows.first[place])
            chosen = slice(first, first + self.windows.size)
            when = "in the window that counts"
        kwh = self._sum(self.series, chosen)
        kvarh = self._sum(self._reactive, chosen)
        with_both = WIDE.add(WIDE.multiply(kwh, kwh), WIDE.multiply(kvarh, kvarh))
        real = self._figure("energy_kwh", kwh, "kWh", self.inputs.term.quantity_name, when)
        source = Source("readings", "kvah", f"square root of kWh² + kVArh² {when}")
        reactive = self._figure("energy_kvarh", kvarh, "kVArh", self.terms.pf_reactive, when)
        apparent = Figure("energy_kvah", WIDE.sqrt(with_both), "kVAh", source, inputs=(reactive,))
        places = self.terms.pf_places
        if not with_both:
            return Figure("power_factor", Decimal(1), "ratio", source, note="nothing flowed")
        return Figure.computed(
            "power_factor",
            "ratio",
            "energy_kwh / energy_kvah",
            real,
            apparent,
            round_to=None if places is None else (places, Mode.HALF_UP),
        )

    @staticmethod
    def _sum(series: Series, chosen: slice) -> Decimal:
        return from_micro(exact.total(np.abs(series.values[chosen])))

    @staticmethod
    def _figure(name: str, value: Decimal, unit: str, quantity: str, when: str) -> Figure:
        return Figure(name, value, unit, Source("readings", quantity, f"{quantity} {when}"))


def said(terms: PowerFactorParameters) -> str:
    """Return the adjustment as a sentence without its full stop; empty without one."""
    if not terms.pf_reference_ratio:
        return ""
    of = "the month" if terms.pf_measured == "AVERAGE" else "that window"
    places = "" if terms.pf_places is None else f", rounded to {counted(terms.pf_places, 'place')}"
    reference = words.number(terms.pf_reference_ratio)
    return (
        f"The kW are multiplied by {reference} over the power factor of {of}{places}, when that is "
        "below it"
    )
