"""Parameters that check themselves across fields, each mixin its own part."""

from poweroptix.kernel.errors import Refused
from poweroptix.kernel.finding import Finding


class Checked:
    """The end of a chain of `__post_init__`: every mixin checks its fields, then calls the next."""

    def __post_init__(self) -> None:
        """Nothing is left to check."""


def refuse(field: str, text: str, code: str = "contracts.parameters") -> None:
    """Refuse a set of parameters at one field, so that a form shows it there."""
    raise Refused(code, f"{field}: {text}", findings=[Finding(code, text, where=field)])
