"""Lines of the same bill that a term rests on: read by code, as they are printed."""

from collections.abc import Iterable, Sequence

from contracts.charges._base import ChargeInputs, PricedLine
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding


def lower_line(inputs: ChargeInputs, code: int) -> PricedLine:
    """Return the line of a code. Refused when the version has none before this one."""
    for line in inputs.lines:
        if line.line_code == code:
            return line
    known = ", ".join(str(line.line_code) for line in inputs.lines) or "none"
    raise Refused(
        "contracts.line_unknown",
        f"no line {code} comes before line {inputs.term.line_code}; known: {known}",
        line=code,
    )


def line_figure(line: PricedLine) -> Figure:
    """Return a line as a figure named line_10; empty while the line has no amount."""
    source = Source("line", str(line.line_code), f"line {line.line_code}, {line.label}")
    return Figure(f"line_{line.line_code}", line.amount_usd, "USD", source)


def empty_lines(inputs: ChargeInputs, lines: Iterable[PricedLine]) -> tuple[Finding, ...]:
    """Return a blocking finding per line that has no amount yet."""
    return tuple(
        Finding(
            "contracts.line_empty",
            f"line {line.line_code} '{line.label}' has no amount yet, and it counts",
            where=f"{inputs.term.contract} line {inputs.term.line_code}",
            fix=f"Bring in what line {line.line_code} misses.",
        )
        for line in lines
        if line.amount_usd is None
    )


def check_codes(codes: Sequence[int]) -> None:
    """Refuse no line, and a line that is named twice."""
    if not codes:
        raise Refused("contracts.no_lines", "lines: name at least one line that counts")
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise Refused("contracts.line_twice", f"lines: {twice[0]} is named twice")
