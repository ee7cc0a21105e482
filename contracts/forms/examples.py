"""The form of a worked example: inputs of a month and the amounts that were agreed for it."""

import json
from typing import Any

from django import forms

from contracts.forms import refuse_float
from contracts.models import ContractVersion
from contracts.services.examples import check_example
from poweroptix.db.numbers import PlainDecimalField
from poweroptix.kernel.errors import DomainError, Refused


class ExampleForm(forms.Form):
    """A worked example: inputs of a month, and the amount of each line that was agreed."""

    name = forms.CharField(label="Name", max_length=120)
    inputs = forms.CharField(
        label="Inputs of the month",
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text="JSON: period, series, prices, facts, events, carry_in. Numbers stand in quotes; "
        "a series or price is values, flat or runs, daily prices have minutes 1440.",
    )

    def __init__(self, *args: Any, version: ContractVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = version
        for term in version.terms.order_by("line_code"):
            self.fields[f"line_{term.line_code}"] = PlainDecimalField(
                label=f"Agreed amount of line {term.line_code}, {term.label}",
                required=False,
                max_digits=18,
                decimal_places=2,
                help_text="Empty: the example says nothing about this line.",
            )

    def clean_inputs(self) -> dict[str, Any]:
        """Return the document; ValidationError names line and column."""
        try:
            found = json.loads(self.cleaned_data["inputs"], parse_float=refuse_float)
        except json.JSONDecodeError as error:
            text = f"Line {error.lineno}, column {error.colno}: {error.msg}."
            raise forms.ValidationError(text) from error
        except (Refused, RecursionError) as error:
            raise forms.ValidationError(str(error)) from error
        if not isinstance(found, dict):
            raise forms.ValidationError("The inputs are an object, {...}.")
        return found

    def clean(self) -> dict[str, Any]:
        """Price the inputs under the terms; what cannot be priced is said at the inputs."""
        cleaned = super().clean()
        if self.errors:
            return cleaned
        if not self.expected():
            self.add_error(None, "Give the agreed amount of at least one line.")
            return cleaned
        try:
            check_example(self.version, cleaned["inputs"], self.expected())
        except DomainError as fault:
            self.add_error("inputs", fault.message)
        return cleaned

    def expected(self) -> dict[str, str]:
        """Return the agreed amounts by line code."""
        return {
            name.removeprefix("line_"): f"{value:.2f}"
            for name, value in self.cleaned_data.items()
            if name.startswith("line_") and value is not None
        }
