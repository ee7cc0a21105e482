"""Models of billing: number series, invoices and their lines."""

from billing.models.invoices import Invoice, InvoiceLine
from billing.models.numbers import NumberSeries, numbered

__all__ = ["Invoice", "InvoiceLine", "NumberSeries", "numbered"]
