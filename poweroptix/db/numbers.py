"""Decimal columns take plain decimals alone, whoever writes them: form, file or document."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from poweroptix.kernel.canonical import number
from poweroptix.kernel.plain import plain_decimal


def check_plain(given: Any) -> None:
    """Refuse text that is no plain decimal (ValidationError); what is no text passes.

    >>> check_plain("1250.5")
    >>> check_plain("1e5")
    Traceback (most recent call last):
        ...
    django.core.exceptions.ValidationError: ["'1e5' is not a plain number such as 1250.5."]
    """
    if isinstance(given, str) and given.strip() and plain_decimal(given) is None:
        raise ValidationError(f"'{given[:40]}' is not a plain number such as 1250.5.")


class PlainDecimalField(forms.DecimalField):
    """A number as people type it: digits, a minus, a point; no exponent, no other script."""

    def prepare_value(self, value: Any) -> Any:
        """Show a stored number as it can be typed again: 0.00000000, not 0E-8."""
        return number(value) if isinstance(value, Decimal) else value

    def to_python(self, value: Any) -> Any:
        """Return the number, None for an empty field; ValidationError otherwise."""
        check_plain(value)
        return super().to_python(value)
