"""What the sale of a revenue pool reads in a month, pinned, and the same read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.queries import PricePin, prices_for
from meters.queries import Pin, final_many
from poweroptix.kernel.canonical import number
from poweroptix.kernel.errors import Conflict
from poweroptix.kernel.period import Period
from poweroptix.kernel.price_series import PriceSeries
from poweroptix.kernel.series import Series
from poweroptix.kernel.worksheet import Worksheet
from settlement.calc.sale import priced, sent_out, sold
from settlement.models import PoolSale

FINAL = 2


@dataclass(frozen=True)
class SaleReading:
    """A sale's entry in the pool's document, what it names, and the versions that were read.

    The entry proves energy and prices by the digests of what lies inside the month, so that a new
    version of the day at its edge changes nothing; the pins lead to the versions.
    """

    entry: Mapping[str, Any]
    energy: Series
    prices: PriceSeries
    pins: Mapping[str, Any]

    def worksheet(self) -> Worksheet:
        """Return the amount with its rows; none while a reading or a price is missing."""
        vintages = ", ".join(sorted({one[3] for one in self.pins["prices"]})) or "not published"
        return sold(self.entry, self.energy, self.prices, vintage=vintages)


def read_sale(sale: PoolSale, period: Period) -> SaleReading:
    """Return what a sale reads now: the newest final readings and the newest prices."""
    channel, index = sale.channel, sale.index
    series, used = final_many([channel.pk], period.start_utc, period.end_utc)
    prices, read = prices_for([index.code], period)
    is_net = channel.direction == "NET"
    energy = sent_out(series[channel.pk], is_net=is_net)
    on_intervals = priced(prices[index.code], energy, period.zone)
    entry = {
        "first_period": sale.first_period,
        "channel": channel.code,
        "channel_id": channel.pk,
        "is_net": is_net,
        "index": index.code,
        "fee_usd_per_mwh": number(sale.fee_usd_per_mwh.normalize()),
        "energy_sha256": energy.digest(),
        "prices_sha256": on_intervals.digest(),
    }
    pins = {
        "readings": [[pin.day.isoformat(), pin.version, pin.digest] for pin in used],
        "prices": [
            [pin.day.isoformat(), pin.version, pin.digest, pin.vintage, pin.final] for pin in read
        ],
    }
    return SaleReading(entry, energy, on_intervals, pins)


def channels_sold(campus_id: int, label: str, codes: Sequence[str]) -> list[int]:
    """Return the channels whose energy some pools of a campus sell in a month."""
    rows = PoolSale.objects.filter(
        pool__campus=campus_id, pool__code__in=codes, first_period__lte=label
    )
    newest = rows.order_by("pool_id", "-first_period").distinct("pool_id")
    return list(newest.values_list("channel", flat=True))


def read_sale_again(
    entry: Mapping[str, Any], pins: Mapping[str, Any], period: Period
) -> SaleReading:
    """Return exactly what a stored entry read; Conflict when a version is gone or differs."""
    channel, code = entry["channel_id"], entry["index"]
    series, _ = final_many(
        [channel],
        period.start_utc,
        period.end_utc,
        pins=[
            Pin(channel, date.fromisoformat(day), FINAL, version, digest)
            for day, version, digest in pins["readings"]
        ],
    )
    prices, _ = prices_for(
        [code],
        period,
        pins=[PricePin(code, date.fromisoformat(day), *rest) for day, *rest in pins["prices"]],
    )
    energy = sent_out(series[channel], is_net=entry["is_net"])
    on_intervals = priced(prices[code], energy, period.zone)
    found = (energy.digest(), on_intervals.digest())
    if found != (entry["energy_sha256"], entry["prices_sha256"]):
        text = f"{entry['channel']} at {entry['index']}: readings or prices have other digests now."
        raise Conflict("settlement.pool_sale", text)
    return SaleReading(entry, energy, on_intervals, pins)
