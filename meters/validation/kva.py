"""V19 kVA consistency: apparent, active and reactive energy make a right triangle."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from meters.calc.circumstances import Relation
from meters.validation._base import BaseRule, Stage, ValidationContext, rules, runs
from meters.validation._compare import number, quotient, usable
from meters.validation._ranges import finding
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.series import Series

_SLACK = 1e-9


@dataclass(frozen=True)
class KvaParameters:
    """How far the squares may differ."""

    tolerance_pct: Decimal = param(
        default=Decimal(2),
        unit="%",
        minimum=0,
        help="Largest |kVAh^2 - kWh^2 - kVArh^2| that passes, in % of kVAh^2.",
    )


@rules.register("kva@1")
class Kva(BaseRule):
    """kVAh^2 equals kWh^2 + kVArh^2 within 2 % (default) of kVAh^2.

    Judges the kVAh channel, with the kWh and kVArh of the same point and direction. Off by
    default: meters that add apparent power within the interval differ while the power factor
    moves.
    """

    code = "V19"
    title = "kVA consistency"
    measures = "Squares apart"
    measured_in = "%"
    stage = Stage.VALUE
    default_on = False
    Parameters = KvaParameters

    @staticmethod
    def lacks(series: Series, context: ValidationContext) -> str:
        """Return that it is no kVAh channel, or which of the other two is missing."""
        if series.unit != "kVAh":
            return "apparent energy in kVAh"
        names = {Relation.ACTIVE: "kWh", Relation.REACTIVE: "kVArh"}
        gone = [name for each, name in names.items() if not context.circumstances.beside(each)]
        return f"a {' and a '.join(gone)} channel of the same point" if gone else ""

    @staticmethod
    def check(series: Series, context: ValidationContext) -> list[Finding]:
        """Return one finding (WARN) per run of intervals whose squares do not add up."""
        parameters = context.parameters or KvaParameters()
        active = context.circumstances.beside(Relation.ACTIVE)
        reactive = context.circumstances.beside(Relation.REACTIVE)
        if series.unit != "kVAh" or not active or not reactive:
            return []
        p, q = active[0].series, reactive[0].series
        there = usable(series, context) & ~p.missing & ~q.missing
        far = _differ(series.values, p.values, q.values, there, parameters.tolerance_pct)
        return [
            _finding(series, p.values, q.values, (a, b), parameters.tolerance_pct)
            for a, b in runs(far)
        ]


def _differ(
    s: np.ndarray, p: np.ndarray, q: np.ndarray, there: np.ndarray, tolerance_pct: Decimal
) -> np.ndarray:
    """Return where |s2 - p2 - q2| > tolerance x s2: floats where clear, integers where close."""
    allowed = float(tolerance_pct) / 100
    sf, pf, qf = (np.where(there, each, 0).astype(float) for each in (s, p, q))
    s2, rest = sf * sf, pf * pf + qf * qf
    gap, edge = np.abs(s2 - rest), allowed * s2
    doubt = (s2 + rest) * _SLACK
    far = gap > edge
    for at in np.flatnonzero((np.abs(gap - edge) <= doubt) & there & (doubt > 0)):
        far[at] = _excess(int(s[at]), int(p[at]), int(q[at])) > (
            Fraction(tolerance_pct) / 100 * int(s[at]) ** 2
        )
    return far & there


def _excess(s: int, p: int, q: int) -> int:
    return abs(s * s - p * p - q * q)


def _finding(
    series: Series, p: np.ndarray, q: np.ndarray, span: tuple[int, int], tolerance_pct: Decimal
) -> Finding:
    """Return the finding of one run, with the figures of its worst interval."""
    a, b = span
    s = series.values[a:b].astype(float)
    with np.errstate(divide="ignore"):
        off = np.abs(s * s - p[a:b].astype(float) ** 2 - q[a:b].astype(float) ** 2) / (s * s)
    at = a + int(np.argmax(off))
    kvah, kwh, kvarh = int(series.values[at]), int(p[at]), int(q[at])
    percent = quotient(Fraction(_excess(kvah, kwh, kvarh) * 100, kvah**2)) if kvah else None
    by = f"{percent:.2f} % of kVAh squared" if percent is not None else "all of it"
    return finding(
        "V19",
        Severity.WARN,
        series.grid,
        span,
        f"{number(kvah):,f} kVAh does not fit {number(kwh):,f} kWh and {number(kvarh):,f} kVArh: "
        f"the squares differ by {by} ({tolerance_pct:,f} % pass).",
        "Check how the channels are assigned and scaled.",
        percent,
        tolerance_pct,
    )
