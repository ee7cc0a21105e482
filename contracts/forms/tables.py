"""Lists of a charge type as tables and lines of the term form, made from its schema.

A list of objects becomes a table with a column per field; a list inside a row (the blocks of a
period) is one cell, its entries apart by semicolons: `up_to_kw=100, rate=13.50; rate=12`.
"""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join

from contracts.forms import choice_words, read_structured
from contracts.forms.wording import label_of
from poweroptix.kernel.errors import Refused

EMPTY_ROWS = 3
MOST_ROWS = 200


class TableWidget(forms.Widget):
    """A list of objects as rows of inputs; empty rows are left out."""

    def __init__(self, properties: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__()
        self.columns = dict(properties)
        self.wrong: list[tuple[int, str]] = []

    def mark(self, row: int, column: str) -> None:
        """Note that a cell is wrong; without a column the first one of the row stands for it."""
        self.wrong.append((row, column if column in self.columns else next(iter(self.columns))))

    def value_from_datadict(self, data, files, name):
        """Return the rows as JSON text; text under the plain name is taken as it is."""
        if name in data:
            return data[name]
        rows = [
            {
                column: _read(schema, data.get(f"{name}-{at}-{column}", ""))
                for column, schema in self.columns.items()
                if data.get(f"{name}-{at}-{column}", "").strip()
            }
            for at in range(self._count(data, name))
        ]
        kept = [row for row in rows if row]
        return json.dumps(kept) if kept else ""

    def value_omitted_from_data(self, data, files, name):
        """Return True when not even an empty table was sent."""
        return name not in data and f"{name}-rows" not in data

    def id_for_label(self, id_, index=None):
        """Return the first input, or the first that is wrong: a label leads to it."""
        row, column = min(self.wrong, default=(0, next(iter(self.columns))))
        return f"{id_}-{row}-{column}"

    def render(self, name, value, attrs=None, renderer=None):
        """Return the table with the rows there are and some empty ones."""
        rows = _rows(value)
        filled = [*rows, *({} for _ in range(EMPTY_ROWS))]
        head = format_html_join(
            "",
            '<th scope="col">{}</th>',
            ((_title(column, schema),) for column, schema in self.columns.items()),
        )
        given = self.attrs | (attrs or {})
        prefix = given.get("id", f"id_{name}")
        wrong = self.wrong or ([(0, next(iter(self.columns)))] if given.get("aria-invalid") else [])
        focus = min(wrong, default=None) if given.get("autofocus") else None
        marks = {at: _mark(given, has_focus=at == focus) for at in wrong}
        body = format_html_join(
            "",
            "<tr>{}</tr>",
            ((self._cells(name, prefix, at, row, marks),) for at, row in enumerate(filled)),
        )
        return format_html(
            '<input type="hidden" name="{}-rows" value="{}"><div class="scroll">'
            '<table class="inputs"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
            name,
            len(filled),
            head,
            body,
        )

    def _cells(
        self,
        name: str,
        prefix: str,
        at: int,
        row: Mapping[str, Any],
        marks: Mapping[tuple[int, str], str],
    ) -> str:
        return format_html_join(
            "",
            "<td>{}</td>",
            (
                (
                    _input(
                        f"{name}-{at}-{column}",
                        f"{prefix}-{at}-{column}",
                        f"{_title(column, schema)}, row {at + 1}",
                        schema,
                        _text(row.get(column), schema),
                        marks.get((at, column), ""),
                    ),
                )
                for column, schema in self.columns.items()
            ),
        )

    @staticmethod
    def _count(data: Mapping[str, Any], name: str) -> int:
        text = str(data.get(f"{name}-rows", "0"))
        return min(int(text), MOST_ROWS) if text.isascii() and text.isdecimal() else 0


class CommaWidget(forms.TextInput):
    """A list of single values, apart by commas."""

    def __init__(self, *, whole: bool) -> None:
        super().__init__(attrs={"size": 40})
        self.whole = whole

    def value_from_datadict(self, data, files, name):
        """Return the values as JSON text."""
        text = str(data.get(name, "") or "")
        if text.lstrip().startswith("["):
            return text
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not parts:
            return ""
        return json.dumps([_whole(part) if self.whole else part for part in parts])

    def format_value(self, value):
        """Return stored values apart by commas."""
        listed = _rows(value)
        return ", ".join(str(one) for one in listed) if listed else ""


def list_widget(schema: Mapping[str, Any]) -> forms.Widget | None:
    """Return the widget of a list parameter, or None when it is no list."""
    items = schema.get("items")
    if schema.get("type") != "array" or not items:
        return None
    if items.get("type") == "object" and items.get("properties"):
        return TableWidget(items["properties"])
    if items.get("type") in ("integer", "string"):
        return CommaWidget(whole=items["type"] == "integer")
    return None


def _title(column: str, schema: Mapping[str, Any]) -> str:
    title = schema.get("title") or column.replace("_", " ")
    return label_of({"label": title, "unit": schema.get("x-unit", "")})


def _input(name: str, key: str, said: str, schema: Mapping[str, Any], value: str, mark: str) -> str:
    if schema.get("enum"):
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (one, " selected" if str(one) == value else "", choice_words(str(one)))
                for one in ["", *schema["enum"]]
            ),
        )
        return format_html(
            '<select name="{}" id="{}" aria-label="{}"{}>{}</select>',
            name, key, said, mark, options,
        )  # fmt: skip
    kind = "date" if schema.get("format") == "date" else "text"
    inner = schema.get("type") == "array"
    return format_html(
        '<input type="{}" name="{}" id="{}" aria-label="{}" value="{}" size="{}"{}{}>',
        kind,
        name,
        key,
        said,
        value,
        42 if inner else 12,
        format_html(' placeholder="{}"', _hint(schema)) if inner else "",
        mark,
    )


def _mark(attrs: Mapping[str, Any], *, has_focus: bool) -> str:
    """Return what says to everybody that a cell is wrong, and where the reason stands."""
    text = ' aria-invalid="true" aria-describedby="{}" autofocus'
    return format_html(text if has_focus else text.removesuffix(" autofocus"),
                       attrs.get("aria-describedby", ""))  # fmt: skip


def _hint(schema: Mapping[str, Any]) -> str:
    """Return how entries of a list inside a row are written."""
    fields = schema.get("items", {}).get("properties") or {}
    entry = ", ".join(f"{name}=" for name in fields)
    return f"{entry}; {entry}" if entry else "1, 2, 3"


def _read(schema: Mapping[str, Any], text: str) -> Any:
    """Return the value of a cell: text, a truth value, a whole number or the entries of a list."""
    text = text.strip()
    if schema.get("type") == "boolean":
        return text.lower() in ("yes", "true", "on", "1")
    if schema.get("type") == "integer":
        return _whole(text)
    if schema.get("type") != "array":
        return text
    items = schema.get("items", {})
    if items.get("type") != "object":
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [_whole(one) if items.get("type") == "integer" else one for one in parts]
    return [
        {
            key.strip(): value.strip()
            for key, _sign, value in (part.partition("=") for part in entry.split(","))
            if key.strip()
        }
        for entry in text.split(";")
        if entry.strip()
    ]


def _whole(text: str) -> Any:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else text


def _text(value: Any, schema: Mapping[str, Any]) -> str:
    """Return a stored value as it is typed into a cell, fields in the order of the schema."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        if all(isinstance(one, Mapping) for one in value):
            names = list(schema.get("items", {}).get("properties", {}))
            return "; ".join(
                ", ".join(f"{name}={one[name]}" for name in names if one.get(name) is not None)
                for one in value
            )
        return ", ".join(str(one) for one in value)
    return str(value)


def _rows(value: Any) -> list[Any]:
    """Return the entries of a stored or typed list; what cannot be read shows none."""
    if isinstance(value, str):
        try:
            value = read_structured(value)
        except Refused:
            return []
    return list(value) if isinstance(value, list) else []
