"""Work pages of billing: invoices of all tenants."""
