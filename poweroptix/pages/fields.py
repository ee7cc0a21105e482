"""Form fields that several apps share."""

from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from poweroptix.pages.asked import FIRST_YEAR, LAST_YEAR

FIRST_DAY, LAST_DAY = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)


def date_field(label: str, **more: Any) -> forms.DateField:
    """Return a day with the browser's calendar, within the years that addresses can ask for."""
    said = f"Give a day from {FIRST_DAY} to {LAST_DAY}."
    return forms.DateField(
        label=label,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        validators=[MinValueValidator(FIRST_DAY, said), MaxValueValidator(LAST_DAY, said)],
        **more,
    )
