"""Forms of the workspace: versions, terms, and what a take-over brings along."""

from collections.abc import Mapping
from decimal import Decimal
from itertools import chain
from typing import Any

from django import forms

from contracts.calc.demand import month_before
from contracts.calc.line_rules import wrong_lines
from contracts.charges import charge_type
from contracts.forms import (
    CHOOSE,
    PREFIX,
    StructuredField,
    TermForm,
    parameter_fields,
    read_structured,
)
from contracts.forms.tables import list_widget
from contracts.models import (
    ContractDocument,
    ContractVersion,
    CreditSupport,
    DiaryEntry,
    IndexSeries,
    Term,
    TouCalendar,
)
from contracts.models.quantities import ALLOCATED
from contracts.queries import priced_term
from contracts.services.examples import version_before
from contracts.services.versions import parameter_findings
from poweroptix.kernel.errors import DomainError, Refused
from poweroptix.kernel.parameters import describe, json_schema
from poweroptix.pages.fields import date_field

#: Parameters that name a row of another table, by how their name ends.
NAMED = {"calendar": TouCalendar, "index": IndexSeries}

#: Where the lines of a bill stand, in the order in which they are priced.
CODES = (
    "10-19 energy, 20-29 demand and capacity, 30-34 fuel and starts, 35-39 take or pay and excess, "
    "40-49 fees and shares of pools, 50-59 guarantees, 60-69 minimum bill, 80-89 taxes, 90-99 "
    "interest; fixed for its life."
)


class VersionForm(forms.Form):
    """A new draft: its days, and whether it starts with the terms of the version before."""

    first_day = date_field("First day")
    last_day = date_field("Last day", required=False, help_text="Empty: open-ended.")
    anchor_date = date_field(
        "First day of contract year 1",
        required=False,
        help_text="Escalators and yearly fees count from here. Empty: as before.",
    )
    note = forms.CharField(
        label="What changes and why", max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
    facts = forms.CharField(
        label="Agreed numbers",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line, such as contract_kw=50000. Empty: as before.",
    )
    copy_terms = forms.BooleanField(
        label="Start with the terms of the newest version", required=False, initial=True
    )

    def clean_facts(self) -> dict[str, str] | None:
        """Return the numbers by name, or None for those of before."""
        text = self.cleaned_data["facts"].strip()
        found = {}
        for line in text.splitlines():
            name, sign, value = line.partition("=")
            if line.strip() and (not sign or not name.strip() or not value.strip()):
                raise forms.ValidationError(f"'{line.strip()}' is not name=number.")
            if line.strip():
                found[name.strip()] = value.strip()
        return found or None


class WorkspaceTermForm(TermForm):
    """A term of one version, with its lists as tables and names to choose from."""

    class Meta:
        """The clause; the version is that of the page, the position that of the form's order."""

        model = Term
        fields = ["line_code", "label", "clause_number", "clause_text", "quantity_name"]
        widgets = {"clause_text": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, version: ContractVersion, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = version
        self.fields["line_code"].help_text = CODES
        if not charge_type(self.key).uses_quantity:
            del self.fields["quantity_name"]

    def parameters(self) -> dict[str, list[forms.BoundField]]:
        """Return the fields of the charge type: what the clause has to say, then the rest."""
        found = [self[name] for name in self.fields if name.startswith(PREFIX)]
        asked = [one for one in found if one.field.required]
        own = {PREFIX + name for name in charge_type(self.key).Parameters.__annotations__}
        rest = [one for one in found if not one.field.required]
        further = sorted(rest, key=lambda one: one.name not in own)
        return {"What the clause has to say": asked, "What it may say besides": further}

    def clause(self) -> list[forms.BoundField]:
        """Return the fields of the line and its clause."""
        return [self[name] for name in self.fields if not name.startswith(PREFIX)]

    def clean(self) -> dict[str, Any]:
        """Add what the days of the version and other terms say about these parameters."""
        cleaned = super().clean()
        code = cleaned.get("line_code")
        others = self.version.terms.exclude(pk=self.instance.pk)
        if code is not None and others.filter(line_code=code).exists():
            self.add_error("line_code", f"Line {code} has a term in this version already.")
        self._check_identity(code, cleaned.get("quantity_name"))
        if any(name.startswith(PREFIX) for name in self.errors) or self.non_field_errors():
            return cleaned
        kind = charge_type(self.key)
        parsed = kind.parse(self.instance.parameters)
        for found in parameter_findings(kind, parsed, self.version):
            self.add_finding(found)
        if code is not None:
            self._check_lines(code)
        return cleaned

    def _check_identity(self, code: int | None, quantity_name: str | None) -> None:
        """Refuse another code for a line that goes on, and a quantity that the contract has not."""
        kept = self.version.terms.filter(pk=self.instance.pk).first()
        if code is not None and kept is not None and code != kept.line_code:
            before = version_before(self.version)
            if before is not None and before.terms.filter(line_code=kept.line_code).exists():
                text = f"Line {kept.line_code} goes on from version {before.number}: its code is"
                self.add_error("line_code", f"{text} fixed for its life. Write a new term instead.")
        if quantity_name and quantity_name != (kept.quantity_name if kept else "delivered"):
            bound = self.version.contract.quantities.values_list("name", flat=True).distinct()
            known = [*ALLOCATED, *sorted(bound)]
            if quantity_name not in known and not quantity_name.startswith("delivered."):
                text = f"There is no quantity '{quantity_name}'. The contract has"
                said = f"{text} {', '.join(known)}, and delivered.<source>."
                self.add_error("quantity_name", f"{said} Bind further ones first.")

    def _check_lines(self, line_code: int) -> None:
        """Refuse lines that the term must not rest on, at the parameter that names them."""
        self.instance.line_code = line_code
        others = [priced_term(one) for one in self.version.terms.exclude(pk=self.instance.pk)]
        for code, text in wrong_lines(priced_term(self.instance), others).items():
            name = PREFIX + _naming(self.instance.parameters, code)
            self.add_error(name if name in self.fields else "line_code", f"Line {code}: {text}.")

    def _post_clean(self) -> None:
        """Leave the checks of the row to the service: it has the version, the form has not."""

    def full_clean(self) -> None:
        """Check the form; the page opens at the first field that is wrong."""
        super().full_clean()
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong is not None:
            self.fields[wrong].widget.attrs["autofocus"] = True


def _naming(parameters: Mapping[str, Any], code: int) -> str:
    """Return the parameter whose entries name a line.

    >>> _naming({"rate": "60", "lines": [10, 60]}, 60)
    'lines'
    """
    for name, held in parameters.items():
        entries = held if isinstance(held, list) else ()
        texts = [[*one.values()] if isinstance(one, Mapping) else [one] for one in entries]
        if str(code) in {str(text) for text in chain(*texts)}:
            return name
    return ""


def workspace_form(key: str) -> type[WorkspaceTermForm]:
    """Return the form class of one charge type, made from its parameters."""
    schema = json_schema(charge_type(key).Parameters)["properties"]
    fields = parameter_fields(key)
    for row in describe(charge_type(key).Parameters):
        field = fields[PREFIX + row["name"]]
        widget = list_widget(schema[row["name"]])
        if widget is not None and isinstance(field, StructuredField):
            widget.is_required = field.required
            field.widget = widget
        elif row["name"].rsplit("_", 1)[-1] in NAMED:
            fields[PREFIX + row["name"]] = _named_field(field, row)
        elif row["type"] == "date":
            field.widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    name = "WorkspaceFormOf" + key.split("@")[0].title()
    return type(name, (WorkspaceTermForm,), {**fields, "key": key})


def _named_field(field: forms.Field, row: Mapping[str, Any]) -> forms.ChoiceField:
    """Return a choice among the rows there are, asked again for each form."""
    model = NAMED[row["name"].rsplit("_", 1)[-1]]

    def choices() -> list[tuple[str, str]]:
        rows = model.objects.order_by("code").values_list("code", "name")
        first = CHOOSE if field.required else ("", "none")
        return [first, *((code, f"{code} {name}") for code, name in rows)]

    return forms.ChoiceField(
        choices=choices, label=field.label, help_text=field.help_text, required=field.required
    )


class OpeningForm(forms.Form):
    """What a contract brings along: peaks of twelve months, other figures, open items, source."""

    period = forms.RegexField(
        r"^\d{4}-(0[1-9]|1[0-2])$",
        label="First month that is settled here",
        error_messages={"invalid": "Give the month as 2026-01."},
        widget=forms.TextInput(attrs={"type": "month"}),
    )
    line_code = forms.IntegerField(
        label="Line whose peaks are given", required=False, min_value=10, max_value=99
    )
    figures = forms.CharField(
        label="Other figures of lines",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One a line: line code, name and value, such as 33 make_up_kwh=120000; a value "
        "that is a list stands as JSON. Year-to-date quantities and the make-up bank belong here.",
    )
    items = forms.CharField(
        label="Open items",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text="One a line: reference, due date, amount, such as 2025-118, 2025-12-30, 1250.00. "
        "Late interest counts from them; none say that nothing was owed.",
    )
    reason = forms.CharField(
        label="Source",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Where the figures come from and who agreed to them.",
    )

    MONTHS = 12

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for back in range(self.MONTHS, 0, -1):
            self.fields[f"peak_{back}"] = forms.CharField(
                label=f"{back} before" if back > 1 else "Month before",
                required=False,
                max_length=20,
                widget=forms.TextInput(attrs={"size": 8, "inputmode": "decimal"}),
            )

    def peaks(self) -> list[forms.BoundField]:
        """Return the fields of the months, the oldest first."""
        return [self[f"peak_{back}"] for back in range(self.MONTHS, 0, -1)]

    def clean(self) -> dict[str, Any]:
        """Put the carry together; every refusal lands on its field."""
        cleaned = super().clean()
        given = {
            back: cleaned[f"peak_{back}"].replace(",", "").strip()
            for back in range(1, self.MONTHS + 1)
            if cleaned.get(f"peak_{back}", "").strip()
        }
        if given and cleaned.get("line_code") is None and "line_code" not in self.errors:
            self.add_error("line_code", "Say which line the peaks belong to.")
        if not self.errors:
            cleaned["carry"] = self._carry(cleaned, given)
            cleaned["open_items"] = self._items(cleaned["items"])
            if not cleaned["carry"] and not cleaned["open_items"] and not self.errors:
                self.add_error(None, "Give at least one figure or open item.")
        return cleaned

    def _carry(self, cleaned: Mapping[str, Any], given: Mapping[int, str]) -> dict[str, Any]:
        carry: dict[str, dict[str, Any]] = {}
        if given:
            peaks = {
                month_before(cleaned["period"], back): None if text == "-" else text
                for back, text in sorted(given.items(), reverse=True)
            }
            carry[str(cleaned["line_code"])] = {"peaks": peaks}
        for number, line in enumerate(cleaned["figures"].splitlines(), start=1):
            if not line.strip():
                continue
            code, _space, rest = line.strip().partition(" ")
            name, sign, value = rest.partition("=")
            if not code.isdecimal() or not sign or not name.strip() or not value.strip():
                said = f"Line {number}: '{line.strip()}' is not code name=value."
                self.add_error("figures", said)
                continue
            try:
                carry.setdefault(code, {})[name.strip()] = figure(value.strip())
            except Refused as fault:
                self.add_error("figures", f"Line {number}: {fault.message}")
        return carry

    def _items(self, text: str) -> list[dict[str, str]]:
        found = []
        for number, line in enumerate(text.splitlines(), start=1):
            if not line.strip():
                continue
            parts = [part.strip() for part in line.split(",")]
            if len(parts) != 3:
                said = f"Line {number}: give reference, due date and amount, apart by commas."
                self.add_error("items", said)
                continue
            found.append(dict(zip(("reference", "due_date", "amount"), parts, strict=True)))
        return found


def figure(text: str) -> Any:
    """Return a figure as text, or the list or object that its JSON holds. Refused otherwise.

    >>> figure("120000"), figure('[{"year": "2025", "kwh": "100"}]')
    ('120000', [{'year': '2025', 'kwh': '100'}])
    """
    return read_structured(text) if text.startswith(("[", "{")) else text


class DiaryForm(forms.ModelForm):
    """A date to act before."""

    due_date = date_field("By this day")

    class Meta:
        """What a person enters."""

        model = DiaryEntry
        fields = ["kind", "title", "due_date", "lead_days"]

    def _post_clean(self) -> None:
        """Leave the checks of the row to the service."""


class SecurityForm(forms.ModelForm):
    """A deposit, letter of credit or guarantee."""

    first_date = date_field("Held from")
    expiry_date = date_field("Last day", required=False, help_text="Empty only for a deposit.")

    class Meta:
        """What a person enters."""

        model = CreditSupport
        fields = ["kind", "issuer", "reference", "amount_usd", "first_date", "expiry_date"]

    def clean(self) -> dict[str, Any]:
        """Refuse what the row would refuse, at its field."""
        cleaned = super().clean()
        first, last = cleaned.get("first_date"), cleaned.get("expiry_date")
        if first and last and last < first:
            self.add_error("expiry_date", "The last day is not before the first.")
        if last is None and cleaned.get("kind") not in (None, "", "DEPOSIT"):
            self.add_error("expiry_date", "A letter of credit or a guarantee has a last day.")
        amount = cleaned.get("amount_usd")
        if amount is not None and amount <= Decimal(0):
            self.add_error("amount_usd", "The amount is above zero.")
        return cleaned

    def _post_clean(self) -> None:
        """Leave the checks of the row to the service."""


class DocumentForm(forms.Form):
    """A paper of the contract."""

    kind = forms.ChoiceField(choices=[CHOOSE, *ContractDocument.Kind.choices], label="What it is")
    file = forms.FileField(label="File", help_text="PDF, PNG, JPEG, DOCX, XLSX, CSV, TXT; 20 MB.")


class TerminationForm(forms.Form):
    """The last day of a contract."""

    last_day = date_field("Last day")
    reason = forms.CharField(label="Why it ends", max_length=400)


def refused(form: forms.BaseForm, fault: DomainError) -> None:
    """Put the findings of a service at their fields, and the rest on top."""
    for finding in fault.findings:
        if isinstance(form, TermForm) and finding.where not in form.fields:
            form.add_finding(finding)
            continue
        name = finding.where if finding.where in form.fields else None
        form.add_error(name, finding.message)
    if not fault.findings:
        form.add_error(None, fault.message)
