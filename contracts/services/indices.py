"""Publishing prices: a changed price is a new version of its day, an equal one is nothing.

Apps above add a function to `published` in their `AppConfig.ready`. It is called in the transaction
of the publication and says in sentences what rests on other prices now.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from django.db import transaction

from contracts.calc.index_csv import PriceFile, by_day, read_prices
from contracts.calc.index_gaps import Gap, gaps_between
from contracts.models import IndexBlock, IndexSeries
from contracts.queries import blocks_of
from poweroptix.accounts.permissions import require
from poweroptix.audit.actor import Actor
from poweroptix.audit.services import record
from poweroptix.kernel.canonical import canonical_json
from poweroptix.kernel.errors import Refused
from poweroptix.kernel.fixed import MISSING, price
from poweroptix.kernel.grid import Grid

DAY_MINUTES = 1440
Listener = Callable[[IndexSeries, datetime, datetime, datetime], list[str]]
#: Asked as told(series, first_utc, last_utc, now) for prices in [first, last).
published: list[Listener] = []


@dataclass(frozen=True)
class IndexReceipt:
    """What a publication did to its UTC days, and what it leaves missing.

    A day is new, or changed (a price that stood is another now), or filled (prices came to those
    that stand), or restated (the same prices under another vintage or finality), or equal. `gaps`
    lie between the first and the last interval that the publication names. `told` says which runs
    rest on other prices now.
    """

    series: str
    new_days: int
    changed_days: int
    filled_days: int
    restated_days: int
    equal_days: int
    changed_prices: int
    gaps: tuple[Gap, ...] = ()
    told: tuple[str, ...] = ()


@transaction.atomic
def publish_index(
    series: IndexSeries,
    rows: Iterable[tuple[datetime, Decimal | None]],
    *,
    vintage: str,
    final: bool = False,
    source: str = "",
    actor: Actor,
    now: datetime,
) -> IndexReceipt:
    """Publish prices by their start in UTC; prices not named keep their last version.

    A null price withdraws nothing. Refused when a start is off the grid of the series or a price
    has more than 8 decimals.
    """
    require(actor, "contracts.publish_index")
    IndexSeries.objects.select_for_update().get(pk=series.pk)
    tally: Counter[str] = Counter()
    given = sorted(rows)
    for midnight, prices in by_day(given):
        publication = (vintage, final, source)
        tally.update(_publish_day(series, midnight, prices, publication, actor, now))
    receipt = IndexReceipt(
        series.code,
        *(tally[what] for what in ("new", "changed", "filled", "restated", "equal", "prices")),
        gaps=_gaps(series, given[0][0], given[-1][0]) if given else (),
    )
    if written := sum(tally[what] for what in ("new", "changed", "filled", "restated")):
        after = {"vintage": vintage, "days": written, "source": source}
        record("index.published", series, actor=actor, after=after)
        end = given[-1][0] + timedelta(minutes=series.minutes)
        told = [said for tell in published for said in tell(series, given[0][0], end, now)]
        receipt = replace(receipt, told=tuple(told))
    return receipt


def _publish_day(
    series: IndexSeries,
    midnight: datetime,
    prices: list[tuple[datetime, Decimal | None]],
    publication: tuple[str, bool, str],
    actor: Actor,
    now: datetime,
) -> dict[str, int]:
    """Write a new version of one UTC day when it differs; return what to count."""
    vintage, final, source = publication
    day = midnight.date()
    latest = series.blocks.filter(day=day).order_by("-version").first()
    before = list(latest.values) if latest else [MISSING] * (DAY_MINUTES // series.minutes)
    values, given = merged(series, before, midnight, prices)
    not_final = (latest.not_final if latest else set()) - given | (set() if final else given)
    not_final = {at for at in not_final if values[at] != MISSING}
    known = latest is not None and (latest.vintage, _open(latest)) == (vintage, not_final)
    if known and values == before:
        return {"equal": 1}
    IndexBlock.objects.create(
        series=series,
        day=day,
        version=latest.version + 1 if latest else 1,
        values=values,
        vintage=vintage,
        final=not not_final and bool(given or latest),
        provisional=sorted(not_final),
        digest=block_digest(series, day, values, vintage, sorted(not_final)),
        recorded_at=now,
        recorded_by=str(actor),
        source=source,
    )
    corrected = sum(old not in (MISSING, new) for old, new in zip(before, values, strict=True))
    what = "changed" if corrected else "restated" if values == before else "filled"
    return {what if latest else "new": 1, "prices": corrected}


def _gaps(series: IndexSeries, first: datetime, last: datetime) -> tuple[Gap, ...]:
    """Return what has no price from the first to the last interval, whoever published it."""
    step = timedelta(minutes=series.minutes)
    span = Grid(first, series.minutes, (last - first) // step + 1)
    known = [
        datetime.combine(block.day, time(), tzinfo=UTC) + at * step
        for block in blocks_of(series, span, None)
        for at, value in enumerate(block.values)
        if value != MISSING
    ]
    return tuple(gaps_between(known, first, last, step))


def _open(block: IndexBlock) -> set[int]:
    """Return the positions of the prices of a block that are there and not final."""
    return {at for at in block.not_final if block.values[at] != MISSING}


def publish_index_file(
    series: IndexSeries,
    content: bytes,
    *,
    vintage: str,
    final: bool = False,
    source: str = "",
    zone: str = "",
    actor: Actor,
    now: datetime,
) -> IndexReceipt:
    """Publish a CSV file (gridstatus LMP or SPP layout, or start,price).

    Only rows of the series' location and market count. Refused with a finding per bad row.
    """
    wanted = PriceFile(series.minutes, series.location, series.market, zone)
    rows = read_prices(content, wanted)
    return publish_index(
        series, rows, vintage=vintage, final=final, source=source, actor=actor, now=now
    )


def merged(
    series: IndexSeries,
    before: list[int],
    midnight: datetime,
    prices: list[tuple[datetime, Decimal | None]],
) -> tuple[list[int], set[int]]:
    """Return the day's values with the published prices laid over them, and where those stand."""
    values, given = list(before), set()
    for start, value in prices:
        index, rest = divmod(start - midnight, timedelta(minutes=series.minutes))
        if rest:
            text = f"{start:%Y-%m-%d %H:%M:%S} UTC begins no interval of {series.minutes} minutes"
            raise Refused("contracts.price_grid", text)
        if value is not None:
            values[index] = price(value)
            given.add(index)
    return values, given


def block_digest(
    series: IndexSeries, day, values: list[int], vintage: str, not_final: list[int]
) -> bytes:
    """SHA-256 of what a day of prices says."""
    said = {
        "series": series.code,
        "unit": series.unit,
        "minutes": series.minutes,
        "day": day,
        "values": values,
        "vintage": vintage,
        "not_final": not_final,
    }
    return hashlib.sha256(canonical_json(said)).digest()
