"""What a value that never changes has to work out only once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

T = TypeVar("T")


def once(method: Callable[[Any], T]) -> Callable[[Any], T]:
    """Return a method of a frozen object that is computed at the first call and kept with it.

    >>> class Circle:
    ...     @once
    ...     def name(self):
    ...         print("asked")
    ...         return "circle"
    >>> one = Circle()
    >>> one.name(), one.name()
    asked
    ('circle', 'circle')
    """
    key = f"_once_{method.__name__}"

    @wraps(method)
    def kept(self: Any) -> T:
        known = self.__dict__
        if key not in known:
            known[key] = method(self)
        return known[key]

    return kept
