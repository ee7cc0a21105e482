"""Counted things in words; the one place that knows singular from plural."""

#: Units inside the names of fields, as people write them.
UNITS = {
    "kw": "kW", "kwh": "kWh", "mw": "MW", "mwh": "MWh", "mmbtu": "MMBtu", "usd": "USD",
    "rte": "RTE", "vom": "VOM",
}  # fmt: skip


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: grouped thousands, plural unless it is one.

    >>> counted(1, "finding"), counted(0, "finding"), counted(1200, "entry", "entries")
    ('1 finding', '0 findings', '1,200 entries')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def label(name: str) -> str:
    """Return the name of a field in words, units written as they are.

    >>> label("up_to_kwh"), label("price")
    ('Up to kWh', 'Price')
    """
    first, *rest = (UNITS.get(word, word) for word in name.split("_"))
    return " ".join([first if first in UNITS.values() else first[:1].upper() + first[1:], *rest])
