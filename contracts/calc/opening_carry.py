"""What an opening balance may bring along for a line: peaks, blocks, banks, open items."""

from collections.abc import Callable, Mapping
from typing import Any

from contracts.calc.block_counter import counted_of
from contracts.calc.demand import known_peaks
from contracts.calc.make_up import paid_of
from contracts.calc.open_items import known_items
from contracts.calc.system_peaks import known_before
from poweroptix.kernel.errors import Refused

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
