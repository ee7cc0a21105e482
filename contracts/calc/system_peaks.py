"""The kW that a contract took in the published peaks of a power system.

What a month took in its peaks is carried on, so that a later year can be billed by the season that
ended before it: the 4CP of June to September from January on, a 5CP of the summer from June on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from contracts.calc.demand import MONTH, month_before
from contracts.charges._base import ChargeInputs
from contracts.events import SYSTEM_PEAK, Event, check_together, values_of
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.figure import Figure, Source
from poweroptix.kernel.finding import Finding, Severity
from poweroptix.kernel.fixed import EXACT, from_micro
from poweroptix.kernel.period import zone_of
from poweroptix.kernel.plain import WRITTEN_DIGITS, plain_decimal
from poweroptix.kernel.series import Series

#: Months that the carry goes back: a season before a billing year that began a year ago.
REACH = 24


@dataclass(frozen=True)
class Peak:
    """An interval of the system's peak and the kW that were taken in it; None while not known."""

    start_utc: datetime
    kw: Figure
    is_final: bool = True

    @property
    def key(self) -> str:
        """The instant as it stands in the carry."""
        return f"{self.start_utc:%Y-%m-%dT%H:%M:%SZ}"


def peaks_of_period(inputs: ChargeInputs, system: str) -> list[Peak]:
    """Return the peaks of a system that begin in the period, with the kW of the term's quantity.

    The whole period counts, also where the version holds on a part of it. Refused when the
    readings are too long for a peak, or peaks overlap.
    """
    events = [
        one
        for one in inputs.events
        if one.kind == SYSTEM_PEAK
        and one.values.get("system") == system
        and inputs.period.contains(one.start_utc)
    ]
    check_together(events)
    if not events:
        return []
    inputs.quantity()
    series = inputs.series[inputs.term.quantity_name]
    return [
        Peak(event.start_utc, _kw(inputs, series, event), values_of(event).finality == "FINAL")
        for event in sorted(events, key=lambda one: one.order)
    ]


def _kw(inputs: ChargeInputs, series: Series, event: Event) -> Figure:
    """Return the average kW of an interval: kWh x 60 / minutes."""
    minutes = (event.end_utc - event.start_utc) // timedelta(minutes=1)
    step = timedelta(minutes=series.grid.minutes)
    aligned = (event.start_utc - series.grid.start_utc) % step == timedelta(0)
    if series.unit != "kWh" or not aligned or (event.end_utc - event.start_utc) % step:
        text = (
            f"readings of {series.grid.minutes} minutes in {series.unit} do not give the "
            f"{minutes} minutes of the {event.name()}; they have to be kWh of its length or a part"
        )
        raise Refused("contracts.system_peak", text)
    if event.start_utc < series.grid.start_utc or event.end_utc > series.grid.end_utc:
        return Figure("kw", None, "kW", note="no reading of that time")
    part = series.slice(event.start_utc, event.end_utc)
    values, local = values_of(event), event.start_utc.astimezone(zone_of(inputs.zone))
    source = Source(
        "readings",
        part.digest(),
        f"{inputs.term.quantity_name} in the peak of {values.system}, begins "
        f"{local:%Y-%m-%d %H:%M %Z}, {values.source}",
        {"start_utc": f"{event.start_utc:%Y-%m-%dT%H:%M:%SZ}", "event": event.reference},
    )
    known = None if part.missing_count else from_micro(exact.total(part.values))
    note = "a reading is missing" if known is None else ""
    kwh = Figure("peak_kwh", known, "kWh", source, note=note)
    length = Figure("minutes", Decimal(minutes), "minutes", event.source("length of the peak"))
    return Figure.computed("kw", "kW", "peak_kwh * 60 / minutes", kwh, length)


def known_before(carry: Mapping[str, Any]) -> dict[str, Decimal | None]:
    """Return the kW of earlier peaks by instant. Refused when the carry is not that."""
    kept = carry.get("kw", {})
    if not isinstance(kept, Mapping):
        raise Refused("contracts.carry", f"kw: {kept!r} is not an object of instants and kW")
    return {_instant(key): _number(key, text) for key, text in kept.items()}


def _instant(key: str) -> str:
    try:
        found = datetime.fromisoformat(key)
    except ValueError as error:
        raise Refused("contracts.carry", f"'{key}' is not an instant") from error
    if found.tzinfo is None:
        raise Refused("contracts.carry", f"'{key}' has no offset from UTC")
    return f"{found.astimezone(zone_of('UTC')):%Y-%m-%dT%H:%M:%SZ}"


def _number(key: str, text: Any) -> Decimal | None:
    value = plain_decimal(text, digits=WRITTEN_DIGITS)
    if value is None and text is not None:
        raise Refused("contracts.carry", f"kW of {key}: {text!r} is not a plain decimal")
    return value


def kept_on(
    before: Mapping[str, Decimal | None], now: Iterable[Peak], inputs: ChargeInputs
) -> dict[str, str | None]:
    """Return the kW that later months may read: those of the period replace what was carried."""
    label = inputs.period.label[:7]
    oldest = month_before(label, REACH)
    kept = {
        key: kw
        for key, kw in before.items()
        if oldest <= month_of(key, inputs.zone) and month_of(key, inputs.zone) != label
    }
    kept |= {one.key: one.kw.value for one in now}
    return {
        key: None if kw is None else f"{kw.normalize(EXACT):f}" for key, kw in sorted(kept.items())
    }


def month_of(key: str, zone: str) -> str:
    """Return the local month of an instant.

    >>> month_of("2026-07-01T03:00:00Z", "America/Chicago")
    '2026-06'
    """
    return f"{datetime.fromisoformat(key).astimezone(zone_of(zone)):%Y-%m}"


def season_before(label: str, months: Iterable[int], billed_from: int) -> list[str]:
    """Return the months of the last season that ended before the billing year of a month began.

    >>> season_before("2027-03", [6, 7, 8, 9], 1)
    ['2026-06', '2026-07', '2026-08', '2026-09']
    >>> season_before("2027-03", [6, 7, 8, 9], 6)
    ['2025-06', '2025-07', '2025-08', '2025-09']
    """
    if not MONTH.fullmatch(label[:7]):
        raise Refused("contracts.period", f"'{label}' is not a month such as 2027-03")
    year, month = int(label[:4]), int(label[5:7])
    begins = f"{year if month >= billed_from else year - 1}-{billed_from:02d}"
    found = (month_before(begins, step) for step in range(1, 13))
    return sorted(one for one in found if int(one[5:7]) in set(months))


def carried(
    inputs: ChargeInputs, before: Mapping[str, Decimal | None], months: list[str]
) -> list[Peak]:
    """Return the peaks of earlier months from the carry, in order of time."""
    return [
        Peak(
            datetime.fromisoformat(key),
            Figure("kw", kw, "kW", Source("carry", key, f"taken in the peak of {key}")),
        )
        for key, kw in sorted(before.items())
        if month_of(key, inputs.zone) in months
    ]


def findings_of(
    inputs: ChargeInputs, system: str, peaks: list[Peak], count: int, months: list[str]
) -> list[Finding]:
    """Return what keeps the peaks from being billed, and a warning of preliminary ones."""
    where = f"{inputs.term.contract} line {inputs.term.line_code}"
    when = months[0] if len(months) == 1 else f"{', '.join(months[:-1])} and {months[-1]}"
    found = []
    if len(peaks) != count:
        fix = (
            f"Enter the peaks of {system} as events of the contract, each in its month; what was "
            "taken before the contract came here stands in an opening balance."
            if len(peaks) < count
            else "Withdraw what was no peak."
        )
        text = f"{len(peaks)} of {count} peaks of {system} are known of {when}"
        found.append(Finding("contracts.system_peaks", text, where=where, fix=fix))
    absent = [one.key for one in peaks if one.kw.value is None]
    if absent:
        text = f"the kW in the peak of {system} of {', '.join(absent)} are not known"
        fix = "Bring in the readings of that time and calculate its month and this one."
        found.append(Finding("contracts.quantity_missing", text, where=where, fix=fix))
    if any(not one.is_final for one in peaks):
        text = f"a peak of {system} in {when} is preliminary"
        found.append(
            Finding("contracts.peak_preliminary", text, severity=Severity.WARN, where=where)
        )
    return found
