"""Models of billing: number series, invoices and their lines."""

from billing.models.invoices import Invoice, InvoiceLine
from billing.models.numbers import NumberSeries

__all__ = ["Invoice", "InvoiceLine", "NumberSeries"]
