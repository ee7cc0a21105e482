"""The shape of a JSON document, checked where it is read: what is wrong is named by its path.

Every refusal has the code `contracts.document` and begins with the path of the entry, such as
`inputs.versions[0].terms[0]: label is missing`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeVar

from poweroptix.kernel.errors import Refused

T = TypeVar("T")
CODE = "contracts.document"
#: What Python says of an entry that has not the shape which its reader takes for granted.
SHAPELESS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Unquoted(str):
    """A fraction that a JSON file writes without quotes: `json.loads(..., parse_float=Unquoted)`.

    Its digits are kept, but a document does not take it: most readers of JSON would make a binary
    float of it, and then the same file says two things.
    """

    __slots__ = ()


def refused(path: str, text: str) -> Refused:
    """Return the refusal of the entry at a path."""
    return Refused(CODE, f"{path}: {text}")


def as_object(path: str, value: Any, known: Collection[str] = ()) -> Mapping[str, Any]:
    """Return an object; Refused for another shape and, where `known` are given, other fields.

    >>> as_object("inputs.period", {"start": "2026-03"}, ["start_utc", "end_utc"])
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: inputs.period: there is no field 'start'; known: \
end_utc, start_utc.
    """
    if not isinstance(value, Mapping):
        raise refused(path, f"{_shown(value)} is not an object {{...}}.")
    unknown = sorted(set(value) - set(known)) if known else []
    if unknown:
        raise refused(path, f"there is no field {unknown[0]!r}; {_known(known)}.")
    return value


def as_list(path: str, value: Any) -> Sequence[Any]:
    """Return a list; Refused for another shape."""
    if not isinstance(value, list | tuple):
        raise refused(path, f"{_shown(value)} is not a list [...].")
    return value


def as_text(path: str, value: Any) -> str:
    """Return text; Refused for another shape."""
    if not isinstance(value, str):
        raise refused(path, f"{_shown(value)} is not text in quotes.")
    return value


def as_whole(path: str, value: Any) -> int:
    """Return a whole number; Refused for another shape."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise refused(path, f"{_shown(value)} is not a whole number such as 10.")
    return value


def as_date(path: str, value: Any) -> date:
    """Return a local date such as 2026-07-15; Refused for what is none."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise refused(path, f"{_shown(value)} is not a date such as 2026-07-15.") from error


def exact(path: str, value: Any) -> None:
    """Refuse a fraction without quotes anywhere in a document: money meets no binary float.

    >>> exact("inputs", {"fees": [{"fee": 0.1}]})
    Traceback (most recent call last):
        ...
    poweroptix.kernel.errors.Refused: inputs.fees[0].fee: 0.1 is a fraction without quotes; \
write "0.1".
    """
    if isinstance(value, float | Unquoted):
        raise refused(path, f'{value} is a fraction without quotes; write "{value}".')
    if isinstance(value, Mapping):
        for name, one in value.items():
            exact(f"{path}.{name}", one)
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value):
            if not isinstance(one, str | None) or isinstance(one, Unquoted):
                exact(f"{path}[{at}]", one)


def required(path: str, entry: Mapping[str, Any], names: Sequence[str], known: Collection[str]):
    """Refuse an object without one of the fields that it must have."""
    for name in names:
        if name not in entry:
            raise refused(path, f"{name} is missing; {_known(known)}.")


def each(path: str, value: Any, read: Callable[[str, Any], T]) -> dict[str, T]:
    """Return what `read` makes of every named entry; each is given its path."""
    entries = as_object(path, value)
    found = {}
    for name, entry in entries.items():
        with reading(f"{path}.{name}"):
            found[name] = read(name, as_object(f"{path}.{name}", entry))
    return found


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Refuse, with its path, an entry on which its reader fails for its shape."""
    try:
        yield
    except KeyError as error:
        raise refused(path, f"{error} is missing or not known.") from error
    except SHAPELESS as error:
        raise refused(path, f"cannot be read: {error}.") from error


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _known(known: Collection[str]) -> str:
    return f"known: {', '.join(sorted(known))}"
