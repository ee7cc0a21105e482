"""Forms of statements and disputes."""

from datetime import date
from typing import Any

from django import forms

from poweroptix.db.numbers import PlainDecimalField
from poweroptix.kernel.errors import Refused
from poweroptix.pages.fields import date_field
from settlement.calc.statement_csv import COLUMNS, NEEDED, read_codes

#: Names that statements often give their columns; a form starts with them.
USUAL = {
    "charge": "charge",
    "label": "description",
    "quantity": "quantity",
    "unit": "unit",
    "rate": "rate",
    "amount": "amount",
}


class StatementForm(forms.Form):
    """The file, its month, which column holds what, and our line code of each charge."""

    file = forms.FileField(label="Statement", help_text="CSV with a head, at most 5 MB.")
    period = forms.RegexField(
        r"^\d{4}-(0[1-9]|1[0-2])$",
        label="Month",
        error_messages={"invalid": "Give the month as 2026-03."},
        widget=forms.TextInput(attrs={"type": "month"}),
    )
    codes = forms.CharField(
        label="Our line of each charge",
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text="One a line, such as ENERGY_ON = 10. Charges that are line codes need none.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for part in COLUMNS:
            self.fields[f"column_{part}"] = forms.CharField(
                label=f"Column of the {part}",
                required=part in NEEDED,
                max_length=100,
                initial=USUAL[part] if part in NEEDED else "",
                help_text="" if part in NEEDED else "Empty: the file has none.",
            )

    def columns_fields(self) -> list[forms.BoundField]:
        """Return the fields of the mapping."""
        return [self[f"column_{part}"] for part in COLUMNS]

    def clean_codes(self) -> dict[str, int]:
        """Return our line code of each charge."""
        try:
            return read_codes(self.cleaned_data["codes"])
        except Refused as fault:
            raise forms.ValidationError(fault.message) from fault

    def columns(self) -> dict[str, str]:
        """Return the column of each part that the file has."""
        names = {part: self.cleaned_data[f"column_{part}"].strip() for part in COLUMNS}
        return {part: name for part, name in names.items() if name}


class DisputeForm(forms.Form):
    """Why a break is disputed, and what the contract says about time and interest."""

    reason = forms.CharField(label="Why", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    answer_due_date = date_field("Answer by")
    due_date = date_field("The statement is due on", required=False)
    interest_percent = PlainDecimalField(
        label="Interest by the contract (% a year)",
        required=False,
        min_value=0,
        max_value=100,
        max_digits=7,
        decimal_places=4,
        help_text="Simple, actual/365; counted on what is owed after all.",
    )

    def interest_ratio(self):
        """Return the rate as a ratio, or None."""
        given = self.cleaned_data["interest_percent"]
        return None if given is None else given / 100

    def starting(self, day: date) -> None:
        """Offer a day for the answer."""
        self.fields["answer_due_date"].initial = day


class DecisionForm(forms.Form):
    """How a dispute ends."""

    state = forms.ChoiceField(
        label="It is",
        choices=[
            ("", "choose …"),
            ("GRANTED", "granted: our amount holds, all of it is credited"),
            ("PARTIAL", "granted in part"),
            ("DENIED", "denied: their amount holds"),
            ("WITHDRAWN", "withdrawn"),
        ],
    )
    credited_usd = PlainDecimalField(
        label="Credited, when in part", required=False, max_digits=18, decimal_places=2
    )
    outcome = forms.CharField(label="What was agreed", max_length=2000)
