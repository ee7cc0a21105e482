"""The form of an event: when, the fields of its kind, and where it is known from."""

from datetime import datetime
from typing import Any

from django import forms

from contracts.calc.month_days import days_text, read_days
from contracts.events import SYSTEM_PEAK, event_kind
from contracts.forms import PREFIX, fields_of, plain_of
from contracts.models import ContractEvent
from poweroptix.kernel.errors import DomainError
from poweroptix.pages.asked import read_local


class LocalTime(forms.CharField):
    """A time as people write it: local time of a zone, or with its offset."""

    zone = "UTC"

    def clean(self, value: Any) -> datetime | None:
        """Return the instant; ValidationError says how it is to be written."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return read_local(text, self.zone)
        except DomainError as fault:
            raise forms.ValidationError(fault.message) from fault


class LocalDays(forms.CharField):
    """A month as people write it, or whole local days of one."""

    zone = "UTC"

    def clean(self, value: Any) -> tuple[datetime, datetime]:
        """Return [start, end) in UTC; ValidationError says how it is to be written."""
        try:
            return read_days(super().clean(value), self.zone)
        except DomainError as fault:
            raise forms.ValidationError(fault.message) from fault


class EventForm(forms.Form):
    """When it was and where it is known from; the fields of the kind come in between."""

    start = LocalTime(max_length=40)
    end = LocalTime(max_length=40, required=False)
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        label="Known from",
        help_text="Log, order, report or agreement.",
    )

    key = ""

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("start", "end"):
            if name in self.fields:
                self.fields[name].zone = zone
                self.fields[name].help_text = f"2026-03-14 10:15, local time of {zone}"
        if "month" in self.fields:
            self.fields["month"].zone = zone
        self.order_fields(["month", "start", "end"])

    def clean(self) -> dict[str, Any]:
        """Read the values; every finding lands on its field."""
        cleaned = super().clean()
        kind = event_kind(self.key)
        cleaned["values"] = plain_of(cleaned, kind.Values)
        if any(name.startswith(PREFIX) for name in self.errors):
            return cleaned
        try:
            kind.parse(cleaned["values"])
        except DomainError as error:
            for finding in error.findings:
                name = PREFIX + finding.where
                self.add_error(name if name in self.fields else None, finding.message)
        return cleaned

    def deed(self) -> dict[str, Any]:
        """Return what `record_event` takes."""
        cleaned = self.cleaned_data
        start, end = cleaned.get("month") or (cleaned["start"], cleaned.get("end"))
        return {
            "kind": self.key,
            "start_utc": start,
            "end_utc": end,
            "values": cleaned["values"],
            "reason": cleaned["reason"],
        }


def event_form(key: str) -> type[EventForm]:
    """Return the form class of one kind; what happens at an instant has no end.

    What is stated of a month asks for the month instead.
    """
    kind = event_kind(key)
    fields: dict[str, Any] = {**fields_of(kind.Values), "key": key}
    if kind.by_days:
        said = "2026-03; where a version holds on a part of it, 2026-03-15 to 2026-03-31"
        fields |= {"start": None, "end": None, "month": LocalDays(max_length=40, help_text=said)}
    elif not kind.lasts:
        fields["end"] = None
    if key == SYSTEM_PEAK:
        fields["everywhere"] = forms.BooleanField(
            required=False, initial=True, label="For every contract that reads this system"
        )
    return type("EventFormOf" + key.split("@")[0].title(), (EventForm,), fields)


def initial_of(event: ContractEvent) -> dict[str, Any]:
    """Return the fields of an event that is to be corrected."""
    found = {PREFIX + name: value for name, value in event.values.items()}
    if event_kind(event.kind).by_days:
        found["month"] = days_text(event.start_utc, event.end_utc, event.contract.zone)
        return found
    found["start"] = event.start_utc.isoformat()
    if event.end_utc != event.start_utc:
        found["end"] = event.end_utc.isoformat()
    return found
