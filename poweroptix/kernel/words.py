"""Counted things in words; the one place that knows singular from plural."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count with its noun: grouped thousands, plural unless it is one.

    >>> counted(1, "finding"), counted(0, "finding"), counted(1200, "entry", "entries")
    ('1 finding', '0 findings', '1,200 entries')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
