"""An edit as it was asked for, and what it makes of the readings; nothing is stored here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
from django.conf import settings
from django.db.models import TextChoices

from meters.models import Channel, EditAction, Layer, ReasonCode
from meters.queries.history import as_of
from meters.queries.series import aligned_grid
from meters.services.editing.actions import CHANNEL, DAY, NUMBER, PUBLICATION, action_of
from meters.services.judging.judge import Readings
from meters.services.judging.window import Window
from poweroptix.kernel import exact
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import EXACT, MISSING, from_micro, micro
from poweroptix.kernel.grid import Grid
from poweroptix.kernel.period import LocalClock, day_start, zone_of

COMMENT_CHARACTERS = 10
LIMIT_RATIO = Decimal("0.01")
LIMIT_KWH = Decimal("10000")
NEEDS = {DAY: "a day", CHANNEL: "a channel", PUBLICATION: "an earlier version"}


@dataclass(frozen=True)
class EditOrder:
    """One edit: the range [start, end) of a channel, the action and what it needs."""

    channel: Channel
    start: datetime
    end: datetime
    action: str
    operand: Decimal | None = None
    source: str = ""

    @property
    def zone(self) -> str:
        """Return the zone of the channel's campus."""
        return self.channel.delivery_point.campus.zone

    @property
    def grid(self) -> Grid:
        """Return the edited intervals; Refused for none, or a range off the intervals."""
        grid = aligned_grid(self.start, self.end, self.channel.minutes)
        if grid.count == 0:
            raise Refused("edit.range", "The range holds no interval.")
        return grid

    @property
    def days(self) -> tuple[datetime, datetime]:
        """Return the UTC range of the local days that the edit touches."""
        place = zone_of(self.zone)
        last = (self.end - timedelta(microseconds=1)).astimezone(place).date()
        first = self.start.astimezone(place).date()
        return day_start(first, self.zone), day_start(last + timedelta(days=1), self.zone)

    @property
    def reverts(self) -> bool:
        """Return whether the rules get the readings back."""
        return self.action == EditAction.REVERT

    def check(self) -> None:
        """Refuse a computed channel, an unknown action, a missing or needless number or source."""
        if self.channel.is_virtual:
            raise Refused("edit.virtual", virtual_words(self.channel))
        needs = action_of(self.action).needs
        if (self.operand is None) == (needs == NUMBER):
            need = "needs a" if self.operand is None else "takes no"
            raise Refused("edit.operand", f"The action {self.action} {need} number.")
        if needs in NEEDS and not self.source:
            raise Refused("edit.source", f"The action {self.action} needs {NEEDS[needs]}.")
        if needs not in NEEDS and self.source:
            raise Refused("edit.source", f"The action {self.action} copies nothing.")


def virtual_words(channel: Channel) -> str:
    """Say why the readings of a virtual channel are not edited, and what to edit instead."""
    terms = Channel.objects.filter(
        uses__definition__channel=channel, uses__definition__withdrawn_at__isnull=True
    )
    codes = ", ".join(terms.order_by("code").distinct().values_list("code", flat=True))
    return (
        f"{channel.code} is computed and follows its terms: edit the readings of "
        f"{codes or 'its terms, once it is defined'}."
    )


def check_words(reason_code: str, comment: str, reasons: type[TextChoices] = ReasonCode) -> None:
    """Refuse a decision that does not say why, or for a reason that does not fit it."""
    if not reason_code:
        raise Refused(
            "edit.reason_missing",
            "Choose a reason: what do you know of this reading that the rule does not?",
        )
    if reason_code not in reasons.values:
        known = ", ".join(reasons.values)
        raise Refused("edit.reason", f"There is no reason '{reason_code}' here; known: {known}.")
    if len(comment.strip()) < COMMENT_CHARACTERS:
        raise Refused("edit.comment", f"Say why in at least {COMMENT_CHARACTERS} characters.")


@dataclass(frozen=True)
class Outcome:
    """Readings of a window before and after an edit; `part` is edited, `days` are its days."""

    before: Readings
    after: Readings
    part: slice
    days: slice

    @property
    def totals(self) -> tuple[Decimal, Decimal]:
        """Return the sums of the edited intervals before and after."""
        return total(self.before, self.part), total(self.after, self.part)

    def digest(self, order: EditOrder) -> str:
        """Return the SHA-256 of the readings that the edit rests on and what it makes of them.

        A revert makes of them what the rules do, so only what it ends is counted.
        """
        number = "" if order.operand is None else micro(order.operand)
        said = hashlib.sha256(
            f"{order.channel.pk}/{order.start.isoformat()}/{order.end.isoformat()}/{order.action}/"
            f"{number}/{order.source}".encode()
        )
        parts = [(self.before, self.days)]
        if not order.reverts:
            parts.append((self.after, self.part))
        for readings, rows in parts:
            for array in (readings.values, readings.status, readings.method):
                said.update(np.ascontiguousarray(array[rows]).tobytes())
        return said.hexdigest()


def work_out(order: EditOrder, window: Window) -> Outcome:
    """Return what an edit makes of a window that holds at least its days."""
    grid = order.grid
    # A copy: the window's own readings change when the edit is laid into it.
    before = window.readings(order.channel.pk, Layer.FINAL).copy()
    part = _inside(window.grid, grid.start_utc, grid.end_utc)
    old = Readings(before.values[part], before.status[part], before.method[part])
    new = action_of(order.action).change(old, _given(order))
    if order.channel.direction != "NET" and ((new.values < 0) & (new.values != MISSING)).any():
        raise Refused(
            "edit.negative", f"{order.channel.code} measures one direction; no value is < 0."
        )
    after = before.copy()
    after.values[part], after.status[part], after.method[part] = new.values, new.status, new.method
    return Outcome(before, after, part, _inside(window.grid, *order.days))


def over_limit(order: EditOrder, outcome: Outcome) -> str:
    """Say why an edit takes a second person; empty when one person may decide it."""
    if order.reverts:
        return ""
    old, new = outcome.totals
    change, days = abs(new - old), total(outcome.before, outcome.days)
    ratio = Decimal(str(getattr(settings, "METERS_EDIT_LIMIT_RATIO", LIMIT_RATIO)))
    ceiling = Decimal(str(getattr(settings, "METERS_EDIT_LIMIT_KWH", LIMIT_KWH)))
    if change <= ceiling and (not days or change <= EXACT.multiply(abs(days), ratio)):
        return ""
    channel = order.channel
    return (
        f"This edit changes {channel.code} by {change:,f} {channel.unit}, more than one person "
        f"may decide (limit {(ratio * 100).normalize():f} % of the touched days or {ceiling:,f} "
        f"{channel.unit}). A second person must approve it."
    )


def total(readings: Readings, part: slice) -> Decimal:
    """Return the exact sum of the values that are there."""
    values = readings.values[part]
    return from_micro(exact.total(values[values != MISSING]))


def _inside(grid: Grid, start: datetime, end: datetime) -> slice:
    """Return the indices of [start, end) in a grid that holds it."""
    step = timedelta(minutes=grid.minutes)
    return slice((start - grid.start_utc) // step, (end - grid.start_utc) // step)


def _given(order: EditOrder) -> Decimal | Readings | None:
    """Return what the action needs: a number, or the readings to copy."""
    needs = action_of(order.action).needs
    if needs == NUMBER:
        # Refused early, whatever the action makes of it: more than six decimals, out of range.
        micro(order.operand)
        return order.operand
    if needs == DAY:
        return _other_day(order)
    if needs == CHANNEL:
        return _other_channel(order)
    if needs == PUBLICATION:
        return _earlier(order)
    return None


def _other_day(order: EditOrder) -> Readings:
    """Return the final readings of the same wall-clock times of days shifted to the source."""
    try:
        source = date.fromisoformat(order.source)
    except ValueError as fault:
        raise Refused(
            "edit.source", f"'{order.source}' is not a day such as 2026-03-14."
        ) from fault
    grid, zone = order.grid, order.zone
    clock = LocalClock.of(grid, zone)
    shift = source.toordinal() - int(clock.date_ordinal[0])
    last = date.fromordinal(int(clock.date_ordinal[-1]) + shift + 1)
    bounds = day_start(source, zone), day_start(last, zone)
    window = Window.read([order.channel.pk], *bounds, grid.minutes)
    there = LocalClock.of(window.grid, zone)
    places: dict[tuple[int, int], int] = {}
    for at, slot in enumerate(_slots(there, 0)):
        places.setdefault(slot, at)
    rows = [places.get(slot) for slot in _slots(clock, shift)]
    if None in rows:
        at = grid.start_of(rows.index(None)).astimezone(zone_of(zone))
        raise Refused(
            "edit.source",
            f"{source} has no {at:%H:%M} (the clock was put forward); choose another.",
        )
    found = window.readings(order.channel.pk, Layer.FINAL)
    return Readings(found.values[rows], found.status[rows], found.method[rows])


def _slots(clock: LocalClock, shift: int) -> list[tuple[int, int]]:
    """Return (local day, minute of day) of each interval, shifted by days."""
    return list(
        zip((clock.date_ordinal + shift).tolist(), clock.minute_of_day.tolist(), strict=True)
    )


def sources_of(channel: Channel) -> list[Channel]:
    """Return the channels that readings may be copied from: same point, quantity and intervals."""
    return list(
        Channel.objects.filter(
            delivery_point=channel.delivery_point_id,
            quantity=channel.quantity,
            direction=channel.direction,
            unit=channel.unit,
            minutes=channel.minutes,
        ).exclude(pk=channel.pk)
    )


def _other_channel(order: EditOrder) -> Readings:
    """Return the final readings of another channel of the same point."""
    offered = {channel.code: channel for channel in sources_of(order.channel)}
    if order.source not in offered:
        known = ", ".join(offered) or "none"
        raise Refused(
            "edit.source",
            f"'{order.source}' does not measure the same as {order.channel.code}; "
            f"offered: {known}.",
        )
    other = offered[order.source]
    window = Window.read([other.pk], order.start, order.end, order.grid.minutes)
    return window.readings(other.pk, Layer.FINAL)


def _earlier(order: EditOrder) -> Readings:
    """Return the readings as they were after an earlier publication."""
    if not (order.source.isascii() and order.source.isdecimal() and len(order.source) < 19):
        raise Refused("edit.source", f"'{order.source}' is not the number of a publication.")
    snapshot = as_of(order.channel, order.start, order.end, int(order.source))
    return Readings(snapshot.values, snapshot.status, snapshot.method)
