"""The form of an import profile: its fields, and what stands in its options, each by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django import forms

from meters.formats import Table, formats, option_faults, quality_faults
from meters.models import ImportProfile

AS_NAMED, IGNORED = "", "-"
#: Options that have a field of their own, by the kind of field.
TEXTS = ("sheet", "stamp_format", "thousands")
#: Roles of a column that a value of the profile can stand for.
FIXED = ("meter_id", "channel", "tag", "interval_seconds", "status")
APPLIED = (("", "not said"), ("yes", "yes, by the source"), ("no", "no, raw values"))


class ProfileForm(forms.ModelForm):
    """What an analyst says of a source's files. `instance` then is the profile, saved or not."""

    quality = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line: letter = STATUS, such as K = EDITED.",
    )
    accept_lengths = forms.CharField(
        required=False,
        label="Accepted lengths",
        help_text="Shorter intervals that are summed, in minutes: 5, 1.",
    )
    multiplier_applied = forms.ChoiceField(
        required=False,
        choices=APPLIED,
        help_text="Whether CT and PT ratios are in the values; the installation must agree.",
    )
    stamp_format = forms.CharField(
        required=False, help_text="Pattern of local times, such as %m/%d/%Y %H:%M."
    )
    thousands = forms.CharField(
        required=False, max_length=1, label="Thousands separator", strip=False
    )
    layout = forms.ChoiceField(
        required=False,
        choices=(("", "one reading a row"), ("wide", "one day a row")),
        help_text="Of a sheet.",
    )
    header_row = forms.IntegerField(required=False, min_value=1, max_value=1000)
    sheet = forms.CharField(required=False)
    more = forms.CharField(
        required=False,
        label="Other options",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text='What only this format knows, as JSON: {"minutes": 15}.',
    )

    class Meta:
        """Fields of the row itself."""

        model = ImportProfile
        fields = ("code", "format", "zone", "label", "unit", "unit_factor", "sign",
                  "on_row_error", "on_duplicate", "assume_header")  # fmt: skip

    def __init__(self, *args, columns: Mapping[str, str] | None = None, fixed=None, **kwargs):
        """Fill fields from the options; `columns` and `fixed` are what the mapping says."""
        super().__init__(*args, **kwargs)
        formats.discover()
        self.fields["format"] = forms.ChoiceField(choices=formats.choices())
        self.columns, self.fixed = columns, fixed or {}
        options = dict(self.instance.options)
        own = self.initial
        own["quality"] = "\n".join(f"{k} = {v}" for k, v in self.instance.quality_map.items())
        own["accept_lengths"] = ", ".join(map(str, options.pop("accept_lengths", ())))
        applied = options.pop("multiplier_applied", None)
        own["multiplier_applied"] = {True: "yes", False: "no"}.get(applied, "")
        own["header_row"] = options.pop("header_row", None)
        own["layout"] = "wide" if options.pop("layout", "") == "wide" else ""
        for name in TEXTS:
            own[name] = options.pop(name, "")
        for name in ("columns", "ignore_columns", *FIXED):
            options.pop(name, None)
        own["more"] = json.dumps(options) if options else ""

    def clean_quality(self) -> dict[str, str]:
        """Return the letters with their statuses."""
        found: dict[str, str] = {}
        for line in self.cleaned_data["quality"].splitlines():
            if line.strip():
                letter, sign, status = (part.strip() for part in line.partition("="))
                if not (letter and sign and status):
                    raise forms.ValidationError(f"'{line.strip()[:40]}' is not letter = STATUS.")
                found[letter] = status.upper()
        return found

    def clean_accept_lengths(self) -> list[int]:
        """Return whole minutes."""
        parts = self.cleaned_data["accept_lengths"].replace(",", " ").split()
        if not all(part.isascii() and part.isdecimal() and len(part) < 4 for part in parts):
            raise forms.ValidationError("Write minutes such as 5, 15.")
        return [int(part) for part in parts]

    def clean_more(self) -> dict[str, Any]:
        """Return the other options."""
        text = self.cleaned_data["more"].strip()
        try:
            found = json.loads(text) if text else {}
        except (ValueError, RecursionError) as fault:
            raise forms.ValidationError("This is not JSON.") from fault
        if not isinstance(found, dict):
            raise forms.ValidationError('Names with values are needed, such as {"minutes": 15}.')
        return found

    def clean(self):
        """Put options and qualities together, before the row checks them."""
        said = super().clean()
        if self.errors:
            return said
        options = self._options(said)
        for field, faults in (
            ("more", option_faults(options)),
            ("quality", quality_faults(said["quality"])),
        ):
            for fault in faults:
                self.add_error(field, fault)
        if not self.errors:
            self.instance.quality_map, self.instance.options = said["quality"], options
        return said

    def _options(self, said: dict[str, Any]) -> dict[str, Any]:
        options = dict(said["more"])
        before = self.instance.options
        given = {name: said[name] for name in (*TEXTS, "layout", "header_row", "accept_lengths")}
        options |= {name: value for name, value in given.items() if value}
        if said["multiplier_applied"]:
            options["multiplier_applied"] = said["multiplier_applied"] == "yes"
        columns = dict(before.get("columns", {}))
        ignored = list(before.get("ignore_columns", []))
        fixed = {name: before[name] for name in FIXED if name in before}
        if self.columns is not None:
            columns = {k: v for k, v in columns.items() if k not in self.columns}
            ignored = [name for name in ignored if name not in self.columns]
            columns |= {k: v for k, v in self.columns.items() if v not in (AS_NAMED, IGNORED)}
            ignored += [name for name, role in self.columns.items() if role == IGNORED]
            fixed = {name: text for name, text in self.fixed.items() if text}
        if columns:
            options["columns"] = columns
        if ignored:
            options["ignore_columns"] = ignored
        return options | fixed


def asked_columns(posted) -> tuple[dict[str, str] | None, dict[str, str]]:
    """Return what a post says of columns and fixed values; None where it shows no mapping."""
    names, roles = posted.getlist("column"), posted.getlist("role")
    if "mapped" not in posted:
        return None, {}
    columns = dict(zip(names[:1000], roles[:1000], strict=False))
    fixed = {name: posted.get(f"fixed-{name}", "").strip()[:200] for name in FIXED}
    return columns, fixed


def mapping_of(table: Table, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the mapping shows: columns with their role, fixed values, what is missing."""
    renamed, ignored = options.get("columns", {}), options.get("ignore_columns", ())
    rows = [
        {
            "name": name,
            "role": IGNORED if name in ignored else renamed.get(name, AS_NAMED),
            "is_known": name in table.known,
        }
        for name in table.header
    ]
    used = {row["role"] or row["name"] for row in rows}
    fixed = [
        {"name": name, "value": options.get(name, "")}
        for name in FIXED
        if name in table.known and name not in used
    ]
    missing = [name for name in table.required if name not in used and name not in options]
    return {"rows": rows, "fixed": fixed, "missing": missing, "table": table}
