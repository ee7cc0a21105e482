"""A worksheet: the rows that an amount is the sum of. No amount exists without its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, Inexact
from functools import cached_property
from typing import Any, ClassVar

from poweroptix.kernel.canonical import number as plain
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.fixed import EXACT, WIDE, exact_sum
from poweroptix.kernel.rounding import Mode, in_words, money


@dataclass(frozen=True)
class Row:
    """Quantity x rate / divisor, each with its own evidence.

    `unit_divisor` turns the quantity's unit into the one the rate is quoted in (1000: kWh at
    USD/MWh).

    >>> row = Row("Capacity", Figure("kw", Decimal("65000"), "kW"),
    ...           Figure("rate", Decimal("9.85"), "USD/kW-month"))
    >>> row.exact_usd
    Decimal('640250.00')
    """

    formula: ClassVar[str] = "quantity x rate"
    label: str
    quantity: Figure
    rate: Figure
    unit_divisor: Decimal = Decimal(1)

    @cached_property
    def exact_usd(self) -> Decimal | None:
        """The exact product in contract money; None while quantity or rate is not known."""
        if self.quantity.value is None or self.rate.value is None:
            return None
        product = EXACT.multiply(self.quantity.value, self.rate.value)
        return product if self.unit_divisor == 1 else _divided(product, self.unit_divisor)

    def sentence(self) -> str:
        """Return the row in words: quantity x rate."""
        divided = "" if self.unit_divisor == 1 else f" / {plain(self.unit_divisor)}"
        return f"{self.quantity.text()} x {self.rate.text()}{divided}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": "row",
            "label": self.label,
            "quantity": self.quantity.to_json(),
            "rate": self.rate.to_json(),
            "unit_divisor": plain(self.unit_divisor),
            "exact_usd": _text(self.exact_usd),
        }


@dataclass(frozen=True)
class IntervalRow:
    """The exact sum of interval products, as `kernel.exact.dot` gave it.

    `exact_scaled` / `scale` is the amount; the quantity is the total and the rate the average
    weighted by load, for print only. `digests` prove which series were multiplied.
    """

    formula: ClassVar[str] = "sum of the energy x price of every interval"
    label: str
    quantity: Figure
    rate: Figure
    exact_scaled: int
    scale: int
    grid_json: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.scale < 1:
            raise Refused("worksheet.scale", f"A scale of {self.scale} is no scale.")

    @cached_property
    def exact_usd(self) -> Decimal | None:
        """The exact sum in contract money; None while quantity or rate is not known."""
        if self.quantity.value is None or self.rate.value is None:
            return None
        return _divided(Decimal(self.exact_scaled), Decimal(self.scale))

    def sentence(self) -> str:
        """Return the row in words: intervals, total, average."""
        count = self.grid_json.get("count", "all")
        return f"{count} intervals, {self.quantity.text()} at {self.rate.text()} on average"

    def to_json(self) -> dict[str, Any]:
        """Return plain data; the scaled sum is text, because it may pass 2^53."""
        return {
            "kind": "interval_row",
            "label": self.label,
            "quantity": self.quantity.to_json(),
            "rate": self.rate.to_json(),
            "exact_scaled": str(self.exact_scaled),
            "scale": str(self.scale),
            "grid": self.grid_json,
            "digests": self.digests,
            "exact_usd": _text(self.exact_usd),
        }


@dataclass(frozen=True)
class Worksheet:
    """Rows, the figures beside them, and what was found on the way.

    `line_per` CHARGE rounds the sum of the rows once; ROW rounds each row and adds the cents.

    >>> sheet = Worksheet("Fee", (Row("Fee", Figure("n", Decimal(1), "month"),
    ...                               Figure("fee", Decimal("10.005"), "USD/month")),))
    >>> sheet.exact_usd, sheet.amount_usd
    (Decimal('10.005'), Decimal('10.01'))
    """

    title: str
    rows: tuple[Row | IntervalRow, ...] = ()
    figures: tuple[Figure, ...] = ()
    findings: tuple[Finding, ...] = ()
    rounding: Mode = Mode.HALF_UP
    line_per: str = "CHARGE"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", tuple(self.rows))
        object.__setattr__(self, "figures", tuple(self.figures))
        object.__setattr__(self, "findings", tuple(self.findings))
        object.__setattr__(self, "rounding", Mode(self.rounding))
        if self.line_per not in {"CHARGE", "ROW"}:
            raise Refused("worksheet.line_per", f"{self.line_per!r} is not CHARGE or ROW.")

    @cached_property
    def exact_usd(self) -> Decimal | None:
        """The exact sum of the rows; None while one of them is not known."""
        amounts = [row.exact_usd for row in self.rows]
        known = [amount for amount in amounts if amount is not None]
        return exact_sum(known) if len(known) == len(amounts) else None

    @cached_property
    def amount_usd(self) -> Decimal | None:
        """The amount in cents; None while one row is not known."""
        exact = self.exact_usd
        if exact is None:
            return None
        if self.line_per == "CHARGE":
            return money(exact, self.rounding)
        return exact_sum(
            [Decimal("0.00")]
            + [
                money(row.exact_usd, self.rounding)
                for row in self.rows
                if row.exact_usd is not None
            ]
        )

    @property
    def unit(self) -> str:
        """The unit of the printed quantity; empty when the rows have different ones."""
        units = {row.quantity.unit for row in self.rows}
        return units.pop() if len(units) == 1 else ""

    @property
    def quantity(self) -> Decimal | None:
        """The printed quantity: the sum of the rows when they share a unit, else None."""
        values = [row.quantity.value for row in self.rows]
        known = [value for value in values if value is not None]
        return exact_sum(known) if self.unit and len(known) == len(values) else None

    @property
    def rate_text(self) -> str:
        """The printed rate: that of the rows when they share one, else empty."""
        texts = {row.rate.text() for row in self.rows}
        return texts.pop() if len(texts) == 1 else ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data that `from_json` reads back without loss."""
        return {
            "title": self.title,
            "rows": [row.to_json() for row in self.rows],
            "figures": [figure.to_json() for figure in self.figures],
            "findings": [finding.to_json() for finding in self.findings],
            "rounding": str(self.rounding),
            "line_per": self.line_per,
            "exact_usd": _text(self.exact_usd),
            "amount_usd": _text(self.amount_usd),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Worksheet:
        """Return the worksheet that `to_json` wrote; Refused when its amount is not its rows'."""
        sheet = cls(
            title=document["title"],
            rows=tuple(_read_row(each) for each in document["rows"]),
            figures=tuple(Figure.from_json(each) for each in document["figures"]),
            findings=tuple(Finding.from_json(each) for each in document["findings"]),
            rounding=Mode(document["rounding"]),
            line_per=document["line_per"],
        )
        if _text(sheet.amount_usd) != document["amount_usd"]:
            text = (
                f"The worksheet {sheet.title!r} says {document['amount_usd']}, "
                f"but its rows add up to {sheet.amount_usd}."
            )
            raise Refused("worksheet.differs", text)
        return sheet

    def explain(self) -> list[dict[str, Any]]:
        """Return nested plain data for a page: one entry per row, then one per figure."""
        rows = [
            {
                "label": row.label,
                "value": row.exact_usd,
                "unit": "USD",
                "formula": row.formula,
                "sentence": row.sentence(),
                "note": "",
                "source": None,
                "children": [row.quantity.explain(), row.rate.explain()],
            }
            for row in self.rows
        ]
        return rows + [figure.explain() for figure in self.figures]


def rate_span(document: Mapping[str, Any]) -> tuple[int, str, str]:
    """Return how many rates a stored worksheet has, and the least and the greatest as text.

    The texts are empty while a rate is not known or the rates have different units.

    >>> rate_span({"rows": [{"rate": {"value": "5.10", "unit": "USD/kW-month"}},
    ...                     {"rate": {"value": "4.2", "unit": "USD/kW-month"}}]})
    (2, '4.2 USD/kW-month', '5.10 USD/kW-month')
    """
    rates = {(row["rate"]["value"], row["rate"]["unit"]) for row in document["rows"]}
    if len({unit for _value, unit in rates}) != 1 or any(value is None for value, _unit in rates):
        return len(rates), "", ""
    ordered = sorted(rates, key=lambda rate: Decimal(rate[0]))
    least, most = (" ".join(ordered[at]) for at in (0, -1))
    return len(rates), least, most


def rounding_words(mode: Mode | str, line_per: str = "CHARGE") -> str:
    """Return how a worksheet's amount was rounded.

    >>> rounding_words("HALF_UP"), rounding_words("HALF_EVEN", "ROW")
    ('rounded half up to the cent, once', 'each rounded half to even to the cent')
    """
    said = in_words(Mode(mode), cents=True)
    if Mode(mode) is Mode.NONE:
        return said
    return f"each {said}" if line_per == "ROW" else f"{said}, once"


def _read_row(document: Mapping[str, Any]) -> Row | IntervalRow:
    quantity = Figure.from_json(document["quantity"])
    rate = Figure.from_json(document["rate"])
    if document["kind"] == "row":
        return Row(document["label"], quantity, rate, Decimal(document["unit_divisor"]))
    if document["kind"] == "interval_row":
        return IntervalRow(
            document["label"],
            quantity,
            rate,
            int(document["exact_scaled"]),
            int(document["scale"]),
            dict(document["grid"]),
            dict(document["digests"]),
        )
    raise Refused("worksheet.row", f"{document['kind']!r} is no kind of row.")


def _divided(number: Decimal, divisor: Decimal) -> Decimal:
    """Return the exact quotient, or 60 digits of one that does not end."""
    try:
        return EXACT.divide(number, divisor)
    except Inexact:
        return WIDE.divide(number, divisor)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
