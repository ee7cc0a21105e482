"""Forms made from the parameters of a charge type: no form is written per clause.

A scalar becomes a field with its unit and help; a list such as prices or steps becomes text, one
entry per line (`period=ON, price=98.40`) or JSON when entries hold lists themselves. A list of
names or numbers is written with commas (`10, 20, 40`); `none` says that it is empty on purpose.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, get_args, get_origin, get_type_hints

from django import forms

from contracts.charges import charge_type
from contracts.forms.wording import label_of, worded
from contracts.models import ContractVersion, Term
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.finding import Finding
from poweroptix.kernel.parameters import describe, to_json

PREFIX = "p_"
CHOOSE = ("", "choose …")


class StructuredField(forms.CharField):
    """A list or an object as text: lines of `name=value, name=value`, or JSON."""

    widget = forms.Textarea

    def __init__(self, *, is_list: bool = True, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}))
        super().__init__(**kwargs)
        self.is_list = is_list

    def prepare_value(self, value: Any) -> Any:
        """Text of a stored value; text that was typed stays as it is."""
        return value if isinstance(value, str) or value is None else structured_text(value)

    def clean(self, value: Any) -> Any:
        """Return the list or object behind the text; ValidationError names the wrong line."""
        text = super().clean(value)
        if not text:
            return [] if self.is_list else {}
        try:
            return read_structured(text)
        except Refused as error:
            raise forms.ValidationError(error.message) from error


def structured_text(value: Any) -> str:
    """Lines when every entry is flat, JSON otherwise.

    >>> structured_text([{"period": "ON", "price": "98.40"}])
    'period=ON, price=98.40'
    """
    flat = isinstance(value, list) and all(
        isinstance(entry, Mapping)
        and all(isinstance(part, str | int) for part in entry.values())
        and not any(set(str(part)) & set(",=\n") for part in entry.values())
        for entry in value
    )
    if flat:
        return "\n".join(", ".join(f"{k}={v}" for k, v in entry.items()) for entry in value)
    return json.dumps(value, indent=2)


def read_structured(text: str) -> Any:
    """Return the value of a structured text. Refused with line and column, or line and entry.

    >>> read_structured("period=ON, price=98.40")
    [{'period': 'ON', 'price': '98.40'}]
    """
    if text.lstrip()[:1] in "[{":
        try:
            return json.loads(text, parse_float=refuse_float)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise Refused("contracts.json", f"{where}: {error.msg}") from error
        except RecursionError as error:
            raise Refused("contracts.json", "the text is nested too deeply") from error
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        entry = {}
        for part in line.split(","):
            name, sign, value = part.partition("=")
            if not sign or not name.strip():
                text = f"line {number}: '{part.strip()}' is not name=value"
                raise Refused("contracts.structured", text)
            entry[name.strip()] = value.strip()
        entries.append(entry)
    return entries


def refuse_float(text: str) -> Any:
    """Numbers with a point stand in quotes, so that no digit is lost."""
    raise Refused("contracts.json", f'write {text} in quotes: "{text}"')


def parameter_fields(key: str) -> dict[str, forms.Field]:
    """One form field per parameter of a charge type, in the order of the clause."""
    return fields_of(charge_type(key).Parameters)


def fields_of(described: type) -> dict[str, forms.Field]:
    """One form field per described field of a plug-in's dataclass."""
    hints = get_type_hints(described)
    return {
        PREFIX + row["name"]: form_field(row, plain_item(hints[row["name"]]))
        for row in describe(described)
    }


def form_field(row: Mapping[str, Any], item: type | None = None) -> forms.Field:
    """Return the field of one described parameter; `item` is what a plain list holds."""
    shared = {"label": label_of(row), "help_text": row["help"], "initial": row["default"]}
    if row["choices"]:
        choices = [(each, choice_words(str(each))) for each in row["choices"]]
        if row["default"] is None:  # nothing is chosen for the writer of the contract
            choices.insert(0, CHOOSE if row["required"] else ("", "none"))
        return forms.ChoiceField(choices=choices, required=row["required"], **shared)
    if row["type"] == "boolean":
        return forms.BooleanField(required=False, **shared)
    if item is not None:
        return PlainListField(item=item, required=row["required"], **shared)
    if row["type"] in ("list", "object"):
        is_list = row["type"] == "list"
        return StructuredField(is_list=is_list, required=row["required"], **shared)
    return forms.CharField(required=row["required"], **shared)


def choice_words(choice: str) -> str:
    """Return a choice as a person reads it; a unit stays as it is written.

    >>> choice_words("FROM_BASE"), choice_words("USD/MWh")
    ('from base', 'USD/MWh')
    """
    return choice if "/" in choice else choice.replace("_", " ").lower()


def parameters_of(cleaned: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Parameters as plain JSON from the cleaned fields; empty ones take their default."""
    return plain_of(cleaned, charge_type(key).Parameters)


def plain_of(cleaned: Mapping[str, Any], described: type) -> dict[str, Any]:
    """Fields of a plug-in's dataclass as plain JSON; empty ones take their default."""
    found = {}
    for row in describe(described):
        value = cleaned.get(PREFIX + row["name"])
        if value is None or (value == "" and row["type"] != "text"):
            continue
        if value in ("", {}) and not row["required"] and row["default"] in (None, ""):
            continue
        found[row["name"]] = int(value) if integer_choice(row, value) else value
    return found


def integer_choice(row: Mapping[str, Any], value: Any) -> bool:
    """Return True when a choice is a number that the browser sent as text."""
    return bool(row["choices"]) and row["type"] == "integer" and str(value).isdigit()


class PlainListField(forms.CharField):
    """A list of names or whole numbers, with commas; "none" is an empty list."""

    def __init__(self, *, item: type, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.item = item

    def prepare_value(self, value: Any) -> Any:
        """Text of a stored list; text that was typed stays as it is."""
        if not isinstance(value, list | tuple):
            return value
        return ", ".join(str(each) for each in value) or "none"

    def clean(self, value: Any) -> Any:
        """Return the list; JSON is read as well. ValidationError names what is no number."""
        text = super().clean(value).strip()
        if text.startswith("["):
            try:
                return read_structured(text)
            except Refused as error:
                raise forms.ValidationError(error.message) from error
        parts = [] if text.lower() == "none" else re.split(r"[,\n]", text)
        entries = [part.strip() for part in parts if part.strip()]
        if self.item is not int:
            return entries
        for entry in entries:
            if not entry.isdigit():
                raise forms.ValidationError(f"'{entry}' is not a whole number")
        return [int(entry) for entry in entries]


def plain_item(hint: Any) -> type | None:
    """Return what a list holds when that is text or whole numbers.

    >>> plain_item(list[int]), plain_item(list[dict])
    (<class 'int'>, None)
    """
    held = get_args(hint)
    return held[0] if get_origin(hint) is list and held and held[0] in (str, int) else None


class TermForm(forms.ModelForm):
    """A term with the fields of its charge type; the clause's number and words are kept."""

    key = ""

    class Meta:
        """Everything but the raw parameters."""

        model = Term
        fields = [
            "version",
            "position",
            "line_code",
            "label",
            "clause_number",
            "clause_text",
            "quantity_name",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in (self.instance.parameters or {}).items():
            if PREFIX + name in self.fields:
                self.initial[PREFIX + name] = value
        if "version" in self.fields:
            drafts = ContractVersion.objects.filter(state=ContractVersion.State.DRAFT)
            self.fields["version"].queryset = drafts.select_related("contract")

    def clean(self) -> dict[str, Any]:
        """Read the parameters; every finding lands on its field."""
        cleaned = super().clean()
        self.instance.charge_type = self.key
        if any(name.startswith(PREFIX) for name in self.errors):
            return cleaned
        kind = charge_type(self.key)
        try:
            parsed = kind.parse(parameters_of(cleaned, self.key))
        except DomainError as error:
            for finding in error.findings:
                self.add_finding(finding)
            if not error.findings:
                self.add_error(None, error.message)
            return cleaned
        self.instance.parameters = to_json(parsed)
        return cleaned

    def add_finding(self, finding: Finding) -> None:
        """Put a finding about a parameter at its field, in the words of the form."""
        place, text = worded(charge_type(self.key).Parameters, finding)
        name = PREFIX + place.field
        if name not in self.fields:
            self.add_error(None, text)
            return
        self.add_error(name, text)
        mark = getattr(self.fields[name].widget, "mark", None)
        if mark is not None and place.row is not None:
            mark(place.row, place.column)


def term_form(key: str) -> type[TermForm]:
    """Return the form class of one charge type."""
    fields = parameter_fields(key)
    return type("TermFormOf" + key.split("@")[0].title(), (TermForm,), {**fields, "key": key})
