"""What every emission-factor source gives, and the register of all of them."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.registry import Registry

#: Compared with the publication or an official copy; read in a text that quotes it; derived.
#: Values from memory (M) are never shipped.
VERIFICATIONS = ("V", "S", "D")


@dataclass(frozen=True)
class Factor:
    """One published number, exactly as printed, with where it stands.

    `code` says what it is for (SC.NG.CO2, GRID.ERCT.N2O, GWP.AR5.CH4_FOSSIL), `edition` which
    publication; the two together name the factor for ever. `gwp_set` is set only where the
    publisher has already weighted the gases (gas CO2e), which must never be re-based.
    """

    code: str
    edition: str
    category: str
    subject: str
    gas: str
    value: Decimal
    unit: str
    basis: str
    gwp_set: str
    valid_from: date
    valid_to: date | None
    source: str
    source_table: str
    verification: str
    note: str = ""


factor_sources: Registry[Callable[[bytes], list[Factor]]] = Registry(
    "emission-factor source", "esg.sources"
)


def rows(data: bytes, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a UTF-8 CSV that has exactly these columns.

    Raises Refused when the text is not UTF-8, a column is missing or extra, or a row is short.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("esg.factor_file", f"The factor file is not UTF-8: {error}.") from error
    reader = csv.DictReader(io.StringIO(text), restval=None)
    if tuple(reader.fieldnames or ()) != columns:
        raise Refused(
            "esg.factor_file",
            f"The factor file has columns {reader.fieldnames}; expected {list(columns)}.",
        )
    for row in reader:
        if None in row or None in row.values():
            raise Refused(
                "esg.factor_file", f"Line {reader.line_num} does not have {len(columns)} cells."
            )
        yield reader.line_num, row


def number(text: str, line: int, column: str) -> Decimal:
    """Return the printed number. Refused unless it is a finite decimal of zero or more."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        problem = f"Line {line}: {column} '{text}' is no number."
        raise Refused("esg.factor_value", problem) from error
    if not value.is_finite() or value < 0:
        raise Refused("esg.factor_value", f"Line {line}: {column} '{text}' is not zero or more.")
    return value


def verification(text: str, line: int) -> str:
    """Return the tag. Refused when nobody has compared the number with a printed source."""
    if text not in VERIFICATIONS:
        raise Refused(
            "esg.factor_unverified",
            f"Line {line}: verification '{text}' is not one of {', '.join(VERIFICATIONS)}.",
        )
    return text
