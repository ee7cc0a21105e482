"""A receipt as people see it: multipliers, what is missing and where, and what rules found."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from meters.models import ImportFile
from meters.pages.findings import titles
from meters.pages.multipliers import product, with_multipliers
from meters.queries.arrived import Found, found_of_file
from poweroptix.pages.templatetags.po import span_text


def as_arrived(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the channels of a receipt with their multipliers and what has no value, and where.

    `lacking` counts what is absent and what came empty; `where` are the stretches in local time,
    `unlisted` the intervals beyond those listed. Two queries.
    """
    made = with_multipliers(rows)
    for row in made:
        holes = row.get("holes", [])
        row["lacking"] = row["missing"] + row.get("absent", 0)
        row["unlisted"] = row["lacking"] - sum(hole["intervals"] for hole in holes)
        row["where"] = [
            span_text(
                datetime.fromisoformat(hole["from_utc"]),
                datetime.fromisoformat(hole["to_utc"]),
                row["zone"],
            )
            for hole in holes
        ]
    return made


def replaced(document: Mapping[str, Any], arrived: Iterable[Mapping[str, Any]]) -> list[dict]:
    """Return whose readings a receipt replaces: each row with the difference in primary units.

    `primary` is None where no single multiplier holds; `is_own`: another reading of the same file.
    """
    multipliers = {row["code"]: row["multiplier"] for row in arrived}
    return [
        row
        | {
            "is_own": row["file"] == document.get("file"),
            "primary": product(row["difference"], multipliers.get(row["code"])),
        }
        for row in document.get("replaces", [])
    ]


def judged(file: ImportFile) -> dict[str, Any]:
    """Return what rules found on what a file brought: `rows`, and what is open by rule.

    `open` counts them all, `by_rule` has title, count and the address of each rule's. Two queries.
    """
    found, names = found_of_file(file), titles()
    waiting = sorted((one for one in found if one.is_open), key=lambda one: one.rule_code)
    by_rule = [
        {
            "title": _title(code, names),
            "count": sum(one.findings for one in some),
            "link": _link(file, rule=code),
        }
        for code, some in ((code, list(some)) for code, some in groupby(waiting, _rule))
    ]
    return {
        "open": sum(one.findings for one in waiting),
        "by_rule": by_rule,
        "link": _link(file),
        "rows": [
            {
                "one": one,
                "title": _title(one.rule_code, names),
                "link": reverse("office-finding", args=[one.finding_id])
                if one.findings == 1
                else _link(file, rule=one.rule_code, state=one.state),
            }
            for one in found
        ],
    }


def _rule(one: Found) -> str:
    return one.rule_code


def _title(code: str, names: Mapping[str, str]) -> str:
    return f"{names[code]} ({code})" if code in names else code


def _link(file: ImportFile, **more: str) -> str:
    """Return the address of the exceptions of a file, the open ones unless it says otherwise."""
    return f"{reverse('office-findings')}?{urlencode({'file': file.pk, **more})}"
