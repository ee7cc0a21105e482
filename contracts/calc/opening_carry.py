"""What an opening balance may bring along for a line: peaks, blocks, banks, open items."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from contracts.calc.block_counter import counted_of
from contracts.calc.demand import known_peaks
from contracts.calc.make_up import paid_of
from contracts.calc.open_items import known_items
from contracts.calc.price_terms import PricedTerm
from contracts.calc.system_peaks import known_before
from poweroptix.kernel.errors import Refused

#: The charge that bears interest on what is owed.
OWED = "late_interest@1"
READERS: tuple[Callable[[Mapping[str, Any]], Any], ...] = (
    known_peaks,
    counted_of,
    paid_of,
    known_items,
    known_before,
)


def check_carry(carry: Any) -> None:
    """Refuse an opening carry that is not {"line code": {"peaks": {"2025-12": "26000"}}}.

    Beside peaks an entry may hold what blocks counted, what a make-up bank holds, open items, and
    the kW in the peaks of a power system.
    """
    if not isinstance(carry, Mapping):
        raise Refused("contracts.carry", "the carry is not an object of line codes")
    for code, entry in carry.items():
        if not str(code).isdigit() or not isinstance(entry, Mapping):
            raise Refused("contracts.carry", f"'{code}' is not a line code with its carry")
        for read in READERS:
            read(entry)


def opened(
    carry: Mapping[str, Any],
    owed: Sequence[Mapping[str, str]],
    terms: Iterable[PricedTerm],
    before: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what a period begins with: what was carried, and in its place what an opening says.

    The lines that the opening names are replaced and no others. The items that were still owed go
    to each line of late interest; no items say that nothing was owed, unless a carry knows more.

    >>> item = {"reference": "2025-118", "due_date": "2025-12-30", "amount": "12.50"}
    >>> opened({}, [item], [PricedTerm(1, 90, "late_interest@1", "Interest")], {"20": {}})["90"]
    {'open_items': [{'reference': '2025-118', 'due_date': '2025-12-30', 'amount_usd': '12.50'}]}
    """
    items = [
        {
            "reference": one["reference"],
            "due_date": one["due_date"],
            "amount_usd": one["amount"],
        }
        for one in owed
    ]
    codes = {str(term.line_code) for term in terms if term.charge_type == OWED}
    found = {**before, **carry}
    for code in sorted(codes):
        if owed or code not in found:
            found[code] = {"open_items": items, **carry.get(code, {})}
    return found
