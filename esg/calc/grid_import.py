"""Grid import to kilograms, location-based: subregion output rates in lb per MWh."""

from decimal import Decimal

#: International avoirdupois pound in kilograms, exact by definition.
KG_PER_POUND = Decimal("0.45359237")


def kg_per_mwh(lb_per_mwh: Decimal) -> Decimal:
    """Return a published rate in kg per MWh, exact.

    >>> kg_per_mwh(Decimal("736.629"))
    Decimal('334.12929392073')
    """
    return lb_per_mwh * KG_PER_POUND


def kg_per_kwh(lb_per_mwh: Decimal) -> Decimal:
    """Return a published rate in kg per kWh, exact."""
    return kg_per_mwh(lb_per_mwh) * Decimal("0.001")
