"""Losses between meter and delivery point, as the contract grosses them up (LOSS).

The two usual wordings differ: a share of the metered energy multiplies, a share of the energy
that was sent divides.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from contracts.calc import words
from contracts.calc.checked import Checked, refuse
from contracts.charges._base import ChargeInputs
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.parameters import param


@dataclass(frozen=True, kw_only=True)
class LossParameters(Checked):
    """The part of a clause that raises a measured quantity by losses."""

    loss_ratio: Decimal = param(
        default=Decimal(0),
        unit="ratio",
        minimum=Decimal(0),
        maximum=Decimal("0.5"),
        help="Losses that the measured quantity is raised by, 0.0215 for 2.15 %; 0 = none.",
    )
    loss_share_of: str = param(
        default="",
        choices=("", "METERED", "SENT"),
        help="Needed with losses. METERED: quantity x (1 + losses); SENT: quantity / (1 - losses).",
    )

    def __post_init__(self) -> None:
        """Refuse losses that do not say what they are a share of."""
        if self.loss_ratio and not self.loss_share_of:
            refuse("loss_share_of", "say whether losses are a share of the metered or sent energy")
        super().__post_init__()


def loss_figure(inputs: ChargeInputs, terms: LossParameters) -> Figure:
    """Return the losses as they stand in the contract."""
    return Figure("loss_ratio", terms.loss_ratio, "ratio", inputs.term.source("losses"))


def loss_formula(terms: LossParameters, name: str) -> str:
    """Return the formula that raises a quantity.

    >>> loss_formula(LossParameters(loss_ratio=Decimal("0.02"), loss_share_of="SENT"), "kwh")
    'kwh / (1 - loss_ratio)'
    """
    return (
        f"{name} / (1 - loss_ratio)"
        if terms.loss_share_of == "SENT"
        else (f"{name} * (1 + loss_ratio)")
    )


def loss_factor(terms: object) -> Fraction:
    """Return what a quantity is multiplied by, exactly; one for terms without losses.

    >>> loss_factor(LossParameters(loss_ratio=Decimal("0.2"), loss_share_of="SENT"))
    Fraction(5, 4)
    """
    if not isinstance(terms, LossParameters) or not terms.loss_ratio:
        return Fraction(1)
    ratio = Fraction(terms.loss_ratio)
    return 1 / (1 - ratio) if terms.loss_share_of == "SENT" else 1 + ratio


def said(terms: LossParameters) -> str:
    """Return the losses in words, to follow what is raised by them; empty without losses.

    >>> said(LossParameters(loss_ratio=Decimal("0.0215"), loss_share_of="METERED"))
    ', raised by losses of 2.15 % of the metered energy'
    """
    if not terms.loss_ratio:
        return ""
    of = "energy sent" if terms.loss_share_of == "SENT" else "metered energy"
    return f", raised by losses of {words.percent(terms.loss_ratio)} of the {of}"
