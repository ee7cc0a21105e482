"""A list that can be searched, filtered, sorted, paged and taken away; one class for all pages.

Subclasses say the columns, filters and search fields. What is in the address decides what is
shown, so a view can be shared as a link; the download is what is on screen, not only this page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import render
from django.views import View

from poweroptix.pages.downloads import table_response

PAGE_SIZES = (25, 50, 100, 200)
MAX_SEARCH_TERMS = 5
MAX_EXPORT_ROWS = 50_000


@dataclass(frozen=True)
class Column:
    """A column: its heading, how to read the cell, how to show it, and what it sorts by.

    `kind` is text, num, short (a number without its last zeros), money, energy, percent, moment,
    day, person or state; `link` gives the address that the cell leads to, `zone` the time zone of
    a moment (UTC without it). What is not `on_screen` stands in the downloads alone.
    """

    name: str
    label: str
    kind: str = "text"
    value: Callable[[Any], Any] | None = None
    sort: str = ""
    link: Callable[[Any], str] | None = None
    places: int = 3
    zone: Callable[[Any], str] | None = None
    on_screen: bool = True

    @property
    def is_number(self) -> bool:
        """Whether the column is set to the right."""
        return self.kind in {"num", "short", "money", "energy", "percent"}

    def read(self, row: Any) -> Any:
        """Return the cell of a row."""
        if self.value is not None:
            return self.value(row)
        found = row
        for part in self.name.split("__"):
            found = getattr(found, part, None)
        return found


@dataclass(frozen=True)
class Filter:
    """A choice above the list; `choices` is called once per request.

    `narrow` says what a value means where a lookup cannot. Without `choices` the value is free:
    `kind` month is a field of its own, link (what only addresses ask for) a chip that can be taken
    away. `narrow` refuses what it cannot read. `usual` is chosen while an address does not name the
    filter; an empty value in the address asks for all.
    """

    name: str
    label: str
    choices: Callable[[], Sequence[tuple[str, str]]] | None = None
    lookup: str = ""
    narrow: Callable[[QuerySet, str], QuerySet] | None = None
    kind: str = "choice"
    usual: str = ""

    def asked(self, said: Mapping[str, str]) -> str:
        """Return the value that an address asks for, empty for all."""
        return said.get(self.name, self.usual)

    def offered(self) -> list[tuple[str, str]]:
        """Return the choices, none where the value is free."""
        return [] if self.choices is None else list(self.choices())

    def applied(self, rows: QuerySet, value: str, offered: Sequence[tuple[str, str]]) -> QuerySet:
        """Return the rows that a value leaves; Http404 for one that is not offered."""
        if self.choices is not None and value not in {str(key) for key, _label in offered}:
            raise Http404(f"unknown value of {self.name}")
        if self.narrow is not None:
            return self.narrow(rows, value)
        return rows.filter(**{self.lookup or self.name: value})


class ListPage(View):
    """A page with one table."""

    title: ClassVar[str] = ""
    intro: ClassVar[str] = ""
    name: ClassVar[str] = "list"
    template_name: ClassVar[str] = "office/list.html"
    columns: ClassVar[Sequence[Column]] = ()
    filters: ClassVar[Sequence[Filter]] = ()
    search: ClassVar[Sequence[str]] = ()
    default_sort: ClassVar[str] = "-pk"
    empty_title: ClassVar[str] = "Nothing here yet"
    empty_text: ClassVar[str] = ""
    page_size: ClassVar[int] = 50
    #: Whether rows can be chosen; the template has a form `bulk` that takes their keys as `pick`.
    picks: ClassVar[bool] = False

    def rows(self) -> QuerySet:
        """Return all rows that this person may see."""
        raise NotImplementedError

    def can_pick(self, row: Any) -> bool:
        """Whether a row can be chosen by this person."""
        return self.picks

    def extra(self) -> dict[str, Any]:
        """Return what else the template needs."""
        return {}

    def narrowed(self, said: Mapping[str, str]) -> QuerySet:
        """Return the rows that the query of an address asks for, in its order; Http404 as `get`."""
        offered = {one.name: one.offered() for one in self.filters}
        return self._sorted(self._filtered(self.rows(), offered, said), said)

    def cell_link(self, column: Column, row: Any) -> str:
        """Return where a cell leads to, empty for nowhere."""
        return column.link(row) if column.link is not None else ""

    def get(self, request, *_args, **_kwargs):
        """Show the list or hand it out as a file."""
        offered = self.offered = {one.name: one.offered() for one in self.filters}
        rows = self._sorted(self._filtered(self.rows(), offered, request.GET), request.GET)
        form = request.GET.get("export", "")
        if form in {"csv", "xlsx"}:
            head = [column.label for column in self.columns]
            taken = ([c.read(row) for c in self.columns] for row in rows[:MAX_EXPORT_ROWS])
            return table_response(form, f"poweroptix_{self.name}", head, taken)
        size = _number(request.GET.get("size"), self.page_size)
        page = Paginator(rows, size if size in PAGE_SIZES else self.page_size).get_page(
            request.GET.get("page")
        )
        return render(request, self.template_name, {**self._context(page, offered), **self.extra()})

    def _context(self, page, offered) -> dict[str, Any]:
        sort = self.request.GET.get("sort", "")
        columns = [column for column in self.columns if column.on_screen]
        heads = [
            {
                "column": column,
                "ascending": sort == column.sort,
                "descending": sort == f"-{column.sort}",
                "next": f"-{column.sort}" if sort == column.sort else column.sort,
            }
            for column in columns
        ]
        shown = [
            {
                "row": row,
                "can_pick": self.picks and self.can_pick(row),
                "cells": [
                    {
                        "column": c,
                        "value": c.read(row),
                        "link": self.cell_link(c, row),
                        "zone": c.zone(row) if c.zone is not None else "UTC",
                    }
                    for c in columns
                ],
            }
            for row in page
        ]
        chosen = [
            {
                "filter": one,
                "choices": offered[one.name],
                "value": one.asked(self.request.GET),
            }
            for one in self.filters
        ]
        return {
            "list": self,
            "page": page,
            "heads": heads,
            "shown": shown,
            "chosen": chosen,
            "searched": self.request.GET.get("q", ""),
            "narrowed": bool(self.request.GET.get("q"))
            or any(one["value"] != one["filter"].usual for one in chosen),
        }

    def _filtered(
        self, rows: QuerySet, offered: dict[str, list], said: Mapping[str, str]
    ) -> QuerySet:
        known = {"q", "sort", "page", "size", "export", *(one.name for one in self.filters)}
        unknown = sorted(set(said) - known)
        if unknown:
            raise Http404(f"unknown parameter {unknown[0]}")
        for one in self.filters:
            value = one.asked(said)
            if value:
                rows = one.applied(rows, value, offered[one.name])
        for term in said.get("q", "").replace("\x00", "").split()[:MAX_SEARCH_TERMS]:
            hit = Q()
            for name in self.search:
                hit |= Q(**{f"{name}__icontains": term})
            rows = rows.filter(hit)
        return rows

    def _sorted(self, rows: QuerySet, said: Mapping[str, str]) -> QuerySet:
        asked = said.get("sort", "")
        allowed = {column.sort for column in self.columns if column.sort}
        by = asked if asked.removeprefix("-") in allowed else self.default_sort
        return rows.order_by(by, "pk") if by.removeprefix("-") != "pk" else rows.order_by(by)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 6 else default
