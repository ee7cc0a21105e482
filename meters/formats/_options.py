"""What may stand in the options of an import profile, checked before any reader trusts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from meters.formats._base import INTERVAL_MINUTES, printable
from poweroptix.kernel.quality import Status

Check = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _is_header(value: Any) -> bool:
    return _is_texts(value) and bool(value) and len(set(value)) == len(value)


def _is_words(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str | int) for one in value)


def _is_renaming(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_is_text(k) and _is_text(v) for k, v in value.items())


def _is_lengths(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(
        _is_count(one) and one in INTERVAL_MINUTES for one in value
    )


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str) or _is_count(value)


_LENGTHS = "a list of " + ", ".join(map(str, INTERVAL_MINUTES))
OPTIONS: Mapping[str, tuple[Check, str]] = {
    "accept_lengths": (_is_lengths, f"{_LENGTHS} minutes"),
    "columns": (_is_renaming, 'names of the file and what they are, {"kWh": "value"}'),
    "header": (_is_header, "a list of different column names, for a file without a header"),
    "ignore_columns": (_is_texts, "a list of column names"),
    "stamp_format": (_is_text, "a pattern such as %m/%d/%Y %H:%M"),
    "thousands": (_is_text, "one separator"),
    "jump_label": (_is_flag, "true or false"),
    "forecast": (_is_flag, "true or false"),
    "multiplier_applied": (_is_flag, "true or false"),
    "accumulation": (_is_text, '"delta"'),
    "channels": (_is_renaming, "names of the file and channels"),
    "sheet": (_is_text, "the name of a sheet"),
    "layout": (lambda value: value in ("long", "wide"), "long or wide"),
    "header_row": (_is_count, "the number of a row"),
    "good": (_is_words, "a list of words"),
    "bad": (_is_words, "a list of words"),
    "max_rows": (_is_count, "a whole number above 0"),
    "window_rows": (_is_count, "a whole number above 0"),
    "window_intervals": (_is_count, "a whole number above 0"),
} | dict.fromkeys(
    ("meter_id", "channel", "interval_seconds", "unit", "status", "tag", "read_type", "digits"),
    (_is_scalar, "a text"),
)


def option_faults(options: Any) -> list[str]:
    """Return what is wrong with the options of a profile; those of plug-ins are not known here.

    >>> option_faults({"accept_lengths": [7], "tariff_of_plug_in": 3})
    ['accept_lengths is [7]; it has to be a list of 1, 5, 10, 15, 30, 60 minutes.']
    """
    if not isinstance(options, Mapping):
        return [f"The options are '{printable(options)}', not names with values."]
    return [
        f"{name} is {printable(options[name])}; it has to be {wanted}."
        for name, (check, wanted) in OPTIONS.items()
        if name in options and not check(options[name])
    ]


def quality_faults(quality_map: Any) -> list[str]:
    """Return what is wrong with the quality map of a profile.

    >>> quality_faults({"K": "EDITED", "Z": "PERHAPS"})[0][:42]
    "Quality 'Z' is mapped to 'PERHAPS', which "
    """
    if not isinstance(quality_map, Mapping):
        return [f"The quality map is '{printable(quality_map)}', not letters with statuses."]
    known = ", ".join(status.name for status in Status)
    return [
        f"Quality '{printable(letter)}' is mapped to '{printable(name)}', which is no status; "
        f"known: {known}."
        for letter, name in quality_map.items()
        if not isinstance(name, str) or name not in Status.__members__
    ]
