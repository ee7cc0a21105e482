"""A counterparty's statement from CSV, by a mapping of its columns and charges. Pure.

Numbers have a decimal point; thousands may be apart by commas; a minus stands in front or behind,
or brackets around. What cannot be read is refused with its row, column and value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from poweroptix.kernel.csv_rows import read_rows, uneven
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding
from settlement.calc.shadow import Side

COLUMNS = ("charge", "label", "quantity", "unit", "rate", "amount")
NEEDED = ("charge", "amount")
MOST_ROWS = 5_000
CENTS = 2
MOST_FINDINGS = 20
_CODE = re.compile(r"0*[1-9][0-9]")
_NUMBER = re.compile(r"-?([0-9]{1,3}(,[0-9]{3}){1,4}|[0-9]{1,15})(\.[0-9]{1,12})?")


def read_statement(
    content: bytes, columns: Mapping[str, str], codes: Mapping[str, int]
) -> list[Side]:
    """Return the lines of a statement with our line codes.

    `columns` names the column of each part (charge, amount, and where there is one label,
    quantity, unit, rate); `codes` our line code of each of their charges. Refused with a finding
    per row that cannot be read; empty rows are left out.
    """
    head, rows = _table(content)
    places = _places(head, columns)
    findings: list[Finding] = []
    lines: list[Side] = []
    for number, row in rows:
        try:
            _refuse_uneven(number, row, head)
            lines.append(_line(number, row, places, codes))
        except Refused as fault:
            findings.append(Finding(fault.code, fault.message, where=f"row {number}"))
    if findings:
        more = f" ({len(findings) - 1} more)" if len(findings) > 1 else ""
        raise Refused(
            "statement.rows", f"{findings[0].message}{more}", findings=findings[:MOST_FINDINGS]
        )
    if not lines:
        raise Refused("statement.empty", "The file has a head but no line.")
    return lines


def _table(content: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise Refused("statement.text", "The file is not UTF-8 text.") from fault
    first = text.partition("\n")[0]
    delimiter = max((",", ";", "\t"), key=first.count)
    head, rows = read_rows(text, code="statement.text", delimiter=delimiter)
    if not any(head):
        raise Refused("statement.empty", "The first row names no column.")
    if len(rows) > MOST_ROWS:
        raise Refused("statement.long", f"The file has {len(rows):,} rows; {MOST_ROWS:,} are read.")
    return head, rows


def _places(head: list[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Return where each named column stands; one name has one place."""
    known = {name.casefold(): at for at, name in enumerate(head)}
    places: dict[str, int] = {}
    for part in COLUMNS:
        name = columns.get(part, "").strip()
        if not name:
            if part in NEEDED:
                raise Refused("statement.column", f"Say which column has the {part}.")
            continue
        if name.casefold() not in known:
            text = f"There is no column '{name}' for the {part}; the file has {', '.join(head)}."
            raise Refused("statement.column", text)
        places[part] = known[name.casefold()]
    return places


def _refuse_uneven(number: int, row: list[str], head: list[str]) -> None:
    """Refuse a row with other cells than the head names: a comma in a number would be lost."""
    if wrong := uneven(f"Row {number}", row, head):
        raise Refused("statement.cells", f"{wrong}.")


def _line(number: int, row: list[str], places: Mapping[str, int], codes: Mapping[str, int]) -> Side:
    cells = {part: row[at].strip() for part, at in places.items()}
    charge = cells["charge"]
    code = codes.get(charge)
    if code is None and charge.isascii() and charge.isdecimal() and 10 <= int(charge) <= 99:
        code = int(charge)
    if code is None:
        text = f"Row {number}: the charge '{charge}' has no line of ours; map it."
        raise Refused("statement.charge", text)
    amount = read_number(number, "amount", cells["amount"])
    if amount is None:
        raise Refused("statement.amount", f"Row {number}: the amount is empty.")
    if amount.as_tuple().exponent < -CENTS:
        text = f"Row {number}: the amount {cells['amount']} has more than {CENTS} decimals."
        raise Refused("statement.amount", text)
    return Side(
        line_code=code,
        label=cells.get("label") or charge,
        amount_usd=amount,
        quantity=read_number(number, "quantity", cells.get("quantity", "")),
        unit=cells.get("unit", ""),
        rate=read_number(number, "rate", cells.get("rate", "")),
        row=number,
        charge=charge,
    )


def read_number(row: int, column: str, text: str) -> Decimal | None:
    """Return a number of a statement, None for an empty cell.

    >>> str(read_number(2, "amount", "$1,234.50")), str(read_number(2, "amount", "(12.00)"))
    ('1234.50', '-12.00')
    """
    plain = text.replace("$", "").replace("\u2212", "-").replace(" ", "").strip()
    if not plain:
        return None
    if plain.startswith("(") and plain.endswith(")"):
        plain = "-" + plain[1:-1]
    elif plain.endswith("-"):
        plain = "-" + plain[:-1]
    if not _NUMBER.fullmatch(plain):
        said = f"Row {row}: the {column} '{text}' is not a number such as 1,234.50."
        raise Refused("statement.number", said)
    return Decimal(plain.replace(",", ""))


def read_codes(text: str) -> dict[str, int]:
    """Return our line code of each charge from lines such as "ENERGY_ON = 10".

    >>> read_codes("ENERGY_ON = 10")
    {'ENERGY_ON': 10}
    """
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        charge, sign, code = line.rpartition("=")
        code = code.strip()
        if not sign or not charge.strip() or not _CODE.fullmatch(code):
            said = f"Line {number}: '{line.strip()}' is not charge = our line code, 10 to 99."
            raise Refused("statement.codes", said)
        found[charge.strip()] = int(code)
    return found
