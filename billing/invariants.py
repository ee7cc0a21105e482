"""What must always be true of invoices, each as one query; empty means it holds."""

from poweroptix.doctor import invariant

MOST = 20


def offenders(cursor, sql: str) -> list[str]:
    """Return the rows that offend, as text."""
    cursor.execute(f"{sql} LIMIT {MOST}")
    return [" ".join(str(cell) for cell in row) for row in cursor.fetchall()]


@invariant("billing.total", "An invoice's total is the sum of its lines.")
def total(cursor):
    """Find invoices whose lines give another sum."""
    return offenders(
        cursor,
        "SELECT 'invoice', i.id, i.total_usd, coalesce(sum(l.amount_usd), 0) "
        "FROM billing_invoice i LEFT JOIN billing_invoiceline l ON l.invoice_id = i.id "
        "GROUP BY i.id HAVING i.total_usd <> coalesce(sum(l.amount_usd), 0)",
    )


@invariant("billing.gapless", "The numbers of a seller run from 1 without a gap.")
def gapless(cursor):
    """Find sellers whose counter is not one more than their issued invoices, or with a hole."""
    return offenders(
        cursor,
        "SELECT 'series', s.prefix, s.next_number, count(i.id), coalesce(max(i.serial), 0) "
        "FROM billing_numberseries s LEFT JOIN billing_invoice i "
        "ON i.seller_id = s.seller_id AND i.serial IS NOT NULL GROUP BY s.id "
        "HAVING s.next_number <> count(i.id) + 1 OR coalesce(max(i.serial), 0) <> count(i.id)",
    )


@invariant("billing.of_run", "Lines of an invoice are those of its settlement run.")
def of_run(cursor):
    """Find invoice lines whose amount is not that of a line of the invoice's run."""
    return offenders(
        cursor,
        "SELECT 'line', l.id FROM billing_invoiceline l "
        "JOIN billing_invoice i ON i.id = l.invoice_id "
        "JOIN settlement_line s ON s.id = l.settlement_line_id "
        "WHERE s.run_id <> i.run_id OR s.amount_usd IS DISTINCT FROM l.amount_usd "
        "OR l.tenant_id <> i.tenant_id",
    )


@invariant("billing.run_invoiced", "The run of an issued invoice is marked as invoiced.")
def run_invoiced(cursor):
    """Find issued invoices whose run never became INVOICED."""
    return offenders(
        cursor,
        "SELECT 'invoice', i.number FROM billing_invoice i "
        "JOIN settlement_settlementrun r ON r.id = i.run_id "
        "WHERE i.state = 'ISSUED' AND NOT r.was_invoiced",
    )
