"""A tax on named lines: on top of them, or included in what is billed (TAX)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.calc import words
from contracts.calc.dated_rates import DatedRate, check_rates, in_words, rate_on
from contracts.calc.lower_lines import check_codes, empty_lines, line_figure, lower_line
from contracts.charges._base import (
    ChargeInputs,
    ChargeType,
    PricedLine,
    TermContext,
    charge_types,
)
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.parameters import param
from poweroptix.kernel.worksheet import Row, Worksheet


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A certificate that exempts a part of one line, and the days on which it holds."""

    line_code: int = param(minimum=1, maximum=99)
    certificate: str = param(help="Number of the certificate, printed with the tax.")
    exempt_ratio: Decimal = param(
        unit="ratio", minimum=Decimal(0), maximum=Decimal(1), help="0.75 leaves 25 % taxable."
    )
    from_date: date = param(help="First local day on which it holds.")
    until_date: date | None = param(
        default=None, help="Last local day on which it holds; empty if it does not expire."
    )

    def __post_init__(self) -> None:
        """Refuse a certificate without a number, and one that ends before it begins."""
        if not self.certificate.strip():
            raise Refused("contracts.certificate", "certificate: give its number")
        if self.until_date is not None and self.until_date < self.from_date:
            text = f"until_date: {self.until_date} is before {self.from_date}"
            raise Refused("contracts.certificate", text)

    def holds(self, day: date) -> bool:
        """Say whether the certificate exempts on a day."""
        return self.from_date <= day and (self.until_date is None or day <= self.until_date)


@charge_types.register("tax@1")
class Tax(ChargeType):
    """A rate on the printed amounts of named lines, less what certificates exempt."""

    title = "Tax on lines"
    uses_quantity = False

    @dataclass(frozen=True, kw_only=True)
    class Parameters:
        """Rates with their days, the taxed lines, certificates, and how the rate applies."""

        rates: list[DatedRate] = param(help="In order of their first day.")
        lines: list[int] = param(
            help="Codes of the lines that are taxed, other taxes only where they are named."
        )
        method: str = param(
            choices=("ON_TOP", "INCLUDED"),
            help="ON_TOP: rate x base. INCLUDED: the tax is part of what it is levied on, "
            "rate / (1 - rate) x base, as gross receipts taxes are passed on.",
        )
        tax_day: str = param(
            choices=("FIRST_DAY", "LAST_DAY"),
            help="Day of the bill whose rate and certificates hold for all of it.",
        )
        certificates: list[Certificate] = param(default=(), help="Exemptions of taxed lines.")

        def __post_init__(self) -> None:
            """Refuse rates out of order, lines named twice, certificates that contradict."""
            check_rates(self.rates)
            check_codes(self.lines)
            if any(rate.rate_ratio >= 1 for rate in self.rates):
                raise Refused("contracts.tax_rate", "rates: a rate is below 1; 0.0625 is 6.25 %")
            _check_certificates(self.lines, self.certificates)

    def reads_lines(self, parameters: Any) -> tuple[int, ...]:
        """Return the taxed lines."""
        return tuple(parameters.lines)

    def sentence(self, parameters: Any, context: TermContext | None = None) -> str:
        """Return the clause in plain words."""
        codes = words.listed(str(code) for code in sorted(parameters.lines))
        text = f"Tax of {in_words(parameters.rates)} on the printed amounts of lines {codes}"
        if parameters.method == "INCLUDED":
            text += ", itself included: base times rate over one minus the rate"
        for one in parameters.certificates:
            until = f" to {words.day(one.until_date)}" if one.until_date else ""
            text += (
                f"; {words.percent(one.exempt_ratio)} of line {one.line_code} is exempt by "
                f"certificate {one.certificate} from {words.day(one.from_date)}{until}"
            )
        which = "first" if parameters.tax_day == "FIRST_DAY" else "last"
        return (
            f"{text}. Rate and certificates are those of the {which} day billed; the sum is "
            "rounded to cents once."
        )

    def check(self, parameters: Any, context: TermContext) -> list[Finding]:
        """Find a tax on corrections: they carry the tax of their own month."""
        if 70 in parameters.lines:
            text = "line 70 brings the tax of the month it corrects; it is not taxed again"
            return [Finding("contracts.tax_on_correction", text, where="lines")]
        return []

    def charge(
        self,
        inputs: ChargeInputs,
        parameters: Any,
        carry_in: Mapping[str, Any],
    ) -> tuple[Worksheet, dict[str, Any]]:
        """One row per taxed line: its taxable part x the rate; empty while a line is."""
        inputs.window()
        days = inputs.days_in_force()
        day = days[0] if parameters.tax_day == "FIRST_DAY" else days[-1]
        held = rate_on(parameters.rates, day)
        what = f"rate from {held.from_date}"
        rate = Figure("rate", held.rate_ratio, "ratio", inputs.term.source(what))
        divisor = Decimal(1) if parameters.method == "ON_TOP" else 1 - held.rate_ratio
        lines = [lower_line(inputs, code) for code in sorted(parameters.lines)]
        label = inputs.term.label
        rows = tuple(
            Row(
                f"{label}, {line.label}",
                self._taxable(inputs, parameters, line, day),
                rate,
                divisor,
            )
            for line in lines
        )
        sheet = inputs.worksheet(
            rows, findings=(*empty_lines(inputs, lines), *self._expired(inputs, parameters, day))
        )
        return sheet, {}

    @staticmethod
    def _taxable(inputs: ChargeInputs, parameters: Any, line: PricedLine, day: date) -> Figure:
        """Return the line, less the part that a certificate exempts on the day."""
        whole = line_figure(line)
        for one in parameters.certificates:
            if one.line_code == line.line_code and one.holds(day):
                source = inputs.term.source(f"certificate {one.certificate}")
                exempt = Figure("exempt_ratio", one.exempt_ratio, "ratio", source)
                formula = f"{whole.name} * (1 - exempt_ratio)"
                note = f"certificate {one.certificate}"
                return Figure.computed("taxable", "USD", formula, whole, exempt, note=note)
        return whole

    @staticmethod
    def _expired(inputs: ChargeInputs, parameters: Any, day: date) -> list[Finding]:
        """Warn of a line whose last certificate has run out: it is taxed in full."""
        covered = {one.line_code for one in parameters.certificates if one.holds(day)}
        last: dict[int, Certificate] = {}
        for one in parameters.certificates:
            if one.until_date is not None and one.until_date < day:
                last[one.line_code] = max(last.get(one.line_code, one), one, key=_until)
        return [
            Finding(
                "contracts.certificate_expired",
                f"certificate {one.certificate} ended on {one.until_date}; line {code} is taxed in "
                "full",
                severity=Severity.WARN,
                where=f"{inputs.term.contract} line {inputs.term.line_code}",
                fix="Enter the new certificate in a new version, or let it be.",
            )
            for code, one in sorted(last.items())
            if code not in covered
        ]


def _until(one: Certificate) -> date:
    return one.until_date or date.max


def _check_certificates(lines: list[int], certificates: list[Certificate]) -> None:
    """Refuse a certificate of a line that is not taxed, and two for one line on one day."""
    for at, one in enumerate(certificates):
        if one.line_code not in lines:
            text = f"certificates: line {one.line_code} of {one.certificate} is not taxed"
            raise Refused("contracts.certificate", text)
        for other in certificates[:at]:
            together = one.from_date <= _until(other) and other.from_date <= _until(one)
            if other.line_code == one.line_code and together:
                text = (
                    f"certificates: {other.certificate} and {one.certificate} both exempt line "
                    f"{one.line_code} on one day; end the first before the second begins"
                )
                raise Refused("contracts.certificate", text)
