"""A part of the energy at a price of its own: 70 % at one price, 30 % at another.

The share multiplies the energy of every interval, before losses and before any rounding, so the
shares of several terms that make 1 bill all energy.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from contracts.calc import words
from contracts.calc.checked import Checked, refuse
from contracts.charges._base import ChargeInputs, TermContext
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.fixed import price as eight_decimals
from poweroptix.kernel.parameters import param

NAME = "energy_share_ratio"


@dataclass(frozen=True, kw_only=True)
class ShareParameters(Checked):
    """The part of a clause that says which part of every interval's energy it prices."""

    energy_share_ratio: Decimal = param(
        default=Decimal(1),
        unit="ratio",
        minimum=Decimal(0),
        maximum=Decimal(1),
        help="Part of the energy of every interval that this price is for, 0.7 for 70 %; 1 = all.",
    )

    def __post_init__(self) -> None:
        """Refuse a share of nothing, and one that fixed point cannot hold."""
        if not self.energy_share_ratio:
            refuse(NAME, "a share of 0 prices nothing; write a number above 0, up to 1")
        eight_decimals(self.energy_share_ratio)
        super().__post_init__()


def share_of(terms: object) -> Decimal:
    """Return the part of the energy that terms price; one for terms that have no share.

    >>> share_of(ShareParameters(energy_share_ratio=Decimal("0.7")))
    Decimal('0.7')
    """
    return terms.energy_share_ratio if isinstance(terms, ShareParameters) else Decimal(1)


def shares_apart(terms: Iterable[tuple[int, str, object]]) -> list[str]:
    """Return a sentence for every quantity whose shares do not make 1; lines, names, parameters.

    Another agreement may bill the rest, so it is no error, but nobody should find out by a bill.

    >>> halves = [ShareParameters(energy_share_ratio=Decimal(part)) for part in ("0.6", "0.3")]
    >>> shares_apart([(10, "delivered", halves[0]), (12, "delivered", halves[1])])
    ['Lines 10 and 12 price 90 % of the quantity delivered; shares that bill all of it make 100 %.']
    """
    found: dict[str, list[tuple[int, Decimal]]] = {}
    for code, quantity, parameters in terms:
        if share_of(parameters) != 1:
            found.setdefault(quantity, []).append((code, share_of(parameters)))
    said = []
    for quantity, shares in found.items():
        total = sum((share for _code, share in shares), Decimal(0))
        if total != 1:
            lines = words.listed(str(code) for code, _share in sorted(shares))
            named = f"Lines {lines} price" if len(shares) > 1 else f"Line {lines} prices"
            said.append(
                f"{named} {words.percent(total)} of the quantity {quantity}; shares that bill all "
                "of it make 100 %."
            )
    return said


def share_factor(terms: object) -> Fraction:
    """Return the share as an exact factor of every interval product."""
    return Fraction(share_of(terms))


def share_figure(inputs: ChargeInputs, terms: ShareParameters) -> Figure:
    """Return the share as it stands in the contract."""
    return Figure(NAME, terms.energy_share_ratio, "ratio", inputs.term.source("share of energy"))


def said(terms: ShareParameters, context: TermContext) -> str:
    """Return what the price is paid for, with the share where it is not all.

    >>> said(ShareParameters(energy_share_ratio=Decimal("0.7")), TermContext())
    '70 % of the energy'
    """
    whole = words.priced(context)
    if terms.energy_share_ratio == 1:
        return whole
    return f"{words.percent(terms.energy_share_ratio)} of the {whole[0].lower()}{whole[1:]}"
