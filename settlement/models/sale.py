"""What a revenue pool sells, so that its amount is computed instead of entered."""

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from settlement.calc.sale import UNITS
from settlement.models.money import MoneyPool

NOT_REVENUE = "Only a pool of revenue sells energy."
MONTH = RegexValidator(r"^[0-9]{4}-(0[1-9]|1[0-2])\Z", "Write a month as 2026-03.")


class PoolSale(models.Model):
    """From a month on a pool's amount is the energy of a channel x a price, less a fee.

    The next row of the pool ends the one before it.
    """

    pool = models.ForeignKey(MoneyPool, on_delete=models.CASCADE, related_name="sales")
    first_period = models.CharField(
        "from month",
        max_length=7,
        validators=[MONTH],
        help_text="Local month, e.g. 2026-03; it holds until the month of the next row.",
    )
    channel = models.ForeignKey(
        "meters.Channel",
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Whose energy is sold: the export of the grid tie. Of a net channel it is what "
        "flows out.",
    )
    index = models.ForeignKey(
        "contracts.IndexSeries",
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The price of every interval; below zero it costs.",
    )
    fee_usd_per_mwh = models.DecimalField(
        "fee (USD/MWh)",
        max_digits=14,
        decimal_places=8,
        validators=[MinValueValidator(0), MaxValueValidator(1000)],
        help_text="What scheduling and the market take off every MWh sold; 0 for none.",
    )

    class Meta:
        ordering = ["pool", "first_period"]
        verbose_name = "sale of a revenue pool"
        verbose_name_plural = "sales of revenue pools"
        constraints = [
            models.UniqueConstraint(
                fields=["pool", "first_period"],
                name="pool_sale_once_per_month",
                violation_error_message="The pool has a sale from this month on already.",
            ),
            models.CheckConstraint(
                condition=Q(fee_usd_per_mwh__gte=0), name="pool_sale_fee_not_negative"
            ),
        ]

    def __str__(self):
        return f"{self.channel} at {self.index} from {self.first_period}"

    def clean(self):
        """Refuse what cannot be priced, and channels of another campus as if unknown."""
        faults = {}
        if self.pool_id and self.pool.kind != MoneyPool.Kind.REVENUE:
            faults[NON_FIELD_ERRORS] = NOT_REVENUE
        if self.channel_id:
            faults |= _of_channel(self)
        if self.index_id and self.index.unit not in UNITS:
            said = f"{self.index} is quoted in {self.index.unit}, not in {' or '.join(UNITS)}."
            faults["index"] = said
        elif self.index_id and self.channel_id and self.index.minutes % self.channel.minutes:
            faults["index"] = (
                f"Prices every {self.index.minutes} minutes cannot price readings of "
                f"{self.channel.minutes} minutes; the prices must be as long or a multiple."
            )
        if faults:
            raise ValidationError(faults)


def _of_channel(sale: PoolSale) -> dict[str, str]:
    """Return what is wrong with the channel."""
    channel = sale.channel
    if sale.pool_id and channel.delivery_point.campus_id != sale.pool.campus_id:
        return {"channel": f"there is no '{channel.code}' on this campus"}
    if channel.unit != "kWh":
        return {"channel": f"{channel.code} is in {channel.unit}; energy is sold in kWh."}
    is_tie = channel.delivery_point.kind == "GRID_TIE"
    if is_tie and channel.direction == "DELIVERED":
        return {"channel": f"{channel.code} is what the grid delivers; sold is what it receives."}
    if channel.direction == "NET" and not is_tie:
        return {"channel": f"{channel.code} is net of both ways; only a grid tie sells by it."}
    return {}
