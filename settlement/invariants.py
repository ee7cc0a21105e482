"""What must always be true of settlement, each as a query that returns offenders."""

from __future__ import annotations

from poweroptix.doctor import invariant
from settlement.queries.month import DIFFERS

MOST = 20


def offenders(cursor, sql: str) -> list[str]:
    """Return the first rows that offend, in words."""
    cursor.execute(f"{sql} LIMIT {MOST}")
    return [" ".join(str(cell) for cell in row) for row in cursor.fetchall()]


@invariant("settlement.pools_close", "The parts of a pool add up to its whole in every interval.")
def pools_close(cursor):
    """Pools of runs that do not close: parts less whole, interval by interval."""
    return offenders(
        cursor,
        "SELECT DISTINCT 'allocation', p.run_id, p.pool_code FROM ("
        " SELECT p.run_id, p.pool_code, (u.ord - 1) * p.minutes / w.minutes AS slot,"
        " sum(CASE p.kind WHEN 'WHOLE' THEN -u.v::numeric ELSE u.v END) AS rest"
        " FROM settlement_allocationpart p JOIN settlement_allocationpart w"
        " ON w.run_id = p.run_id AND w.pool_code = p.pool_code AND w.kind = 'WHOLE'"
        " CROSS JOIN LATERAL unnest(p.values) WITH ORDINALITY AS u(v, ord)"
        " WHERE p.kind IN ('WHOLE', 'SHARED', 'LOSS', 'SOURCE', 'OPERATOR')"
        " AND u.v <> -9223372036854775808"
        " GROUP BY 1, 2, 3) p WHERE p.rest <> 0",
    )


@invariant("settlement.delivered", "Delivered energy is own, shared and lost energy together.")
def delivered(cursor):
    """Contracts whose total is not the sum of their parts (runs without missing readings)."""
    return offenders(
        cursor,
        "SELECT 'allocation', run_id, 'contract', contract_id FROM settlement_allocationpart"
        " WHERE contract_id IS NOT NULL AND kind <> 'SOURCE' GROUP BY run_id, contract_id"
        " HAVING bool_and(total_kwh IS NOT NULL) AND"
        " sum(CASE kind WHEN 'TOTAL' THEN -total_kwh ELSE total_kwh END) <> 0",
    )


@invariant(
    "settlement.sources",
    "What a contract got of all sources is what it is delivered, per interval.",
)
def sources(cursor):
    """Contracts whose sources do not add up to their total in an interval that is known."""
    return offenders(
        cursor,
        "SELECT DISTINCT 'allocation', run_id, 'contract', contract_id FROM ("
        " SELECT p.run_id, p.contract_id, u.ord FROM settlement_allocationpart p"
        " CROSS JOIN LATERAL unnest(p.values) WITH ORDINALITY AS u(v, ord)"
        " WHERE p.kind IN ('SOURCE', 'TOTAL') AND EXISTS ("
        "  SELECT 1 FROM settlement_allocationpart s WHERE s.run_id = p.run_id"
        "  AND s.contract_id = p.contract_id AND s.kind = 'SOURCE')"
        " GROUP BY 1, 2, 3 HAVING bool_and(u.v <> -9223372036854775808)"
        " AND sum(CASE p.kind WHEN 'TOTAL' THEN -u.v::numeric ELSE u.v END) <> 0) bad",
    )


@invariant(
    "settlement.proved", "An approved run rests on an allocation that was proved to close in kWh."
)
def proved(cursor):
    """Approved runs whose allocation is still being written."""
    return offenders(
        cursor,
        "SELECT 'run', r.id, 'allocation', a.id FROM settlement_settlementrun r"
        " JOIN settlement_allocationrun a ON a.id = r.allocation_run_id"
        " WHERE a.state = 'DRAFT' AND r.state IN ('APPROVED', 'LOCKED', 'INVOICED')",
    )


@invariant("settlement.one_current", "A contract's period has at most one approved run.")
def one_current(cursor):
    """Periods with two approved runs."""
    return offenders(
        cursor,
        "SELECT 'contract', contract_id, period FROM settlement_settlementrun"
        " WHERE state IN ('APPROVED', 'LOCKED', 'INVOICED')"
        " GROUP BY contract_id, period HAVING count(*) > 1",
    )


@invariant("settlement.versions", "Versions of a period are 1 to n and each supersedes the last.")
def versions(cursor):
    """Chains with a hole."""
    return offenders(
        cursor,
        "SELECT 'run', r.id FROM settlement_settlementrun r"
        " LEFT JOIN settlement_settlementrun b ON b.id = r.supersedes_id"
        " WHERE r.version <> coalesce(b.version, 0) + 1"
        " OR (b.id IS NOT NULL AND (b.contract_id, b.period) <> (r.contract_id, r.period))",
    )


@invariant("settlement.totals", "The total of a run is the sum of its printed lines.")
def totals(cursor):
    """Return runs whose total is something else."""
    return offenders(
        cursor,
        "SELECT 'run', r.id, r.total_usd FROM settlement_settlementrun r"
        " LEFT JOIN settlement_line l ON l.run_id = r.id WHERE r.state <> 'DRAFT'"
        " GROUP BY r.id HAVING r.total_usd IS DISTINCT FROM"
        " CASE WHEN bool_and(l.amount_usd IS NOT NULL) OR count(l.id) = 0"
        " THEN coalesce(sum(l.amount_usd), 0) END",
    )


@invariant("settlement.digests", "A run's frozen inputs have the digest that the run says.")
def digests(cursor):
    """Return runs whose document was altered."""
    return offenders(
        cursor,
        "SELECT what, id FROM (SELECT 'run' AS what, id, inputs, inputs_sha256"
        " FROM settlement_settlementrun UNION ALL SELECT 'allocation', id, inputs, inputs_sha256"
        " FROM settlement_allocationrun UNION ALL SELECT 'pool', id, inputs, inputs_sha256"
        " FROM settlement_poolmonth UNION ALL SELECT 'owners', id, inputs, inputs_sha256"
        " FROM settlement_ownermonth) r WHERE encode(sha256(inputs), 'hex') <> inputs_sha256",
    )


@invariant("settlement.second_person", "Approved runs were approved by somebody else than made.")
def second_person(cursor):
    """Return runs that one person made and approved."""
    return offenders(
        cursor,
        "SELECT 'run', id, approved_by FROM settlement_settlementrun"
        " WHERE state IN ('APPROVED', 'LOCKED', 'INVOICED')"
        " AND (approved_by = '' OR approved_by = created_by)",
    )


@invariant("settlement.complete", "An approved run has an amount on every line.")
def complete(cursor):
    """Approved runs with an empty amount."""
    return offenders(
        cursor,
        "SELECT 'run', r.id, 'line', l.position FROM settlement_settlementrun r"
        " JOIN settlement_line l ON l.run_id = r.id WHERE l.amount_usd IS NULL"
        " AND r.state IN ('APPROVED', 'LOCKED', 'INVOICED')",
    )


@invariant("settlement.tenants", "Rows of a run carry the tenant of its contract.")
def tenants(cursor):
    """Return rows that another tenant could see."""
    return offenders(
        cursor,
        "SELECT what, x.id FROM ("
        " SELECT 'run' AS what, id, contract_id, tenant_id FROM settlement_settlementrun"
        " UNION ALL SELECT 'line', l.id, r.contract_id, l.tenant_id FROM settlement_line l"
        " JOIN settlement_settlementrun r ON r.id = l.run_id"
        " UNION ALL SELECT 'part', id, contract_id, tenant_id FROM settlement_allocationpart"
        " WHERE contract_id IS NOT NULL"
        " UNION ALL SELECT 'pool share', id, contract_id, tenant_id FROM settlement_poolshare"
        " WHERE contract_id IS NOT NULL) x JOIN contracts_contract c ON c.id = x.contract_id"
        " WHERE x.tenant_id IS DISTINCT FROM c.tenant_id",
    )


@invariant(
    "settlement.one_split", "The approved runs of a campus month rest on one split of its energy."
)
def one_split(cursor):
    """Approved runs whose contract got other energy in the newest allocation that is approved."""
    return offenders(
        cursor,
        "WITH settled AS (SELECT s.*, c.code, c.campus_id, b.version AS split"  # noqa: S608
        "   FROM settlement_settlementrun s JOIN contracts_contract c ON c.id = s.contract_id"
        "   JOIN settlement_allocationrun b ON b.id = s.allocation_run_id"
        "  WHERE s.state IN ('APPROVED', 'LOCKED', 'INVOICED')),"
        " newest AS (SELECT campus_id, period, max(split) AS version, min(split) AS oldest"
        "   FROM settled GROUP BY 1, 2)"
        " SELECT s.code, s.period, 'v' || s.version, 'rests on allocation', s.split,"
        "  'instead of', n.version FROM settled s"
        " JOIN newest n USING (campus_id, period)"
        " JOIN settlement_allocationrun a"
        "   ON (a.campus_id, a.period, a.version) = (n.campus_id, n.period, n.version)"
        f" WHERE n.oldest < n.version AND s.split < n.version AND {DIFFERS}",
    )


@invariant("settlement.pool_months", "A divided month of a pool is its operator's part and shares.")
def pool_months(cursor):
    """Months of pools of money that do not close to the cent."""
    return offenders(
        cursor,
        "SELECT 'pool', p.code, m.period, 'v' || m.version, m.amount_usd, sum(h.amount_usd)"
        " FROM settlement_poolmonth m JOIN settlement_moneypool p ON p.id = m.pool_id"
        " JOIN settlement_poolshare h ON h.month_id = m.id"
        " WHERE m.operator_usd IS NOT NULL GROUP BY m.id, p.code"
        " HAVING bool_or(h.amount_usd IS NULL)"
        " OR m.amount_usd IS DISTINCT FROM m.operator_usd + sum(h.amount_usd)",
    )


@invariant(
    "settlement.pool_billed",
    "The lines of a pool's contracts are its shares, as soon as all of them are approved.",
)
def pool_billed(cursor):
    """Months of pools whose members are all approved and whose lines add up to something else."""
    return offenders(
        cursor,
        "WITH settled AS (SELECT id, contract_id, period FROM settlement_settlementrun"
        "   WHERE state IN ('APPROVED', 'LOCKED', 'INVOICED')),"
        " shares AS (SELECT m.id, m.period, p.code, p.campus_id, p.kind, h.contract_id,"
        "     h.amount_usd, s.id AS run_id FROM settlement_poolmonth m"
        "   JOIN settlement_moneypool p ON p.id = m.pool_id"
        "   JOIN settlement_poolshare h ON h.month_id = m.id AND h.contract_id IS NOT NULL"
        "   LEFT JOIN settled s ON s.contract_id = h.contract_id AND s.period = m.period"
        "   WHERE m.state = 'CALCULATED'),"
        " wanted AS (SELECT id, period, code, campus_id, sum(amount_usd) *"
        "     CASE WHEN kind = 'REVENUE' THEN -1 ELSE 1 END AS usd FROM shares"
        "   GROUP BY id, period, code, campus_id, kind HAVING bool_and(run_id IS NOT NULL)),"
        " billed AS (SELECT c.campus_id, s.period, t.parameters->>'pool' AS code,"
        "     sum(l.amount_usd) AS usd FROM settled s"
        "   JOIN contracts_contract c ON c.id = s.contract_id"
        "   JOIN settlement_line l ON l.run_id = s.id AND l.charge_type LIKE 'pool_share@%'"
        "   JOIN contracts_term t ON t.id = l.term_id GROUP BY 1, 2, 3)"
        " SELECT 'pool', w.code, w.period, 'lines', b.usd, 'shares', w.usd FROM wanted w"
        " LEFT JOIN billed b ON (b.campus_id, b.period, b.code) = (w.campus_id, w.period, w.code)"
        " WHERE coalesce(b.usd, 0) IS DISTINCT FROM w.usd",
    )


@invariant(
    "settlement.owners", "Statements of owners add up to the approved lines and pools they read."
)
def owners(cursor):
    """Months of owners whose net is not their lines, or not what their pinned inputs give."""
    return offenders(
        cursor,
        "WITH read AS (SELECT o.*, convert_from(o.inputs, 'UTF8')::jsonb AS doc"
        "   FROM settlement_ownermonth o),"
        " billed AS (SELECT r.id, sum(s.total_usd) AS usd,"
        "     bool_and(s.total_usd = (one->>'total_usd')::numeric) AS same FROM read r"
        "   CROSS JOIN LATERAL jsonb_array_elements(r.doc->'lines') one"
        "   JOIN settlement_settlementrun s ON s.id = (one->>'run')::bigint GROUP BY 1),"
        " outside AS (SELECT r.id, sum(CASE one->>'kind' WHEN 'COST' THEN -1 WHEN 'REVENUE' THEN 1"
        "     ELSE 0 END * (one->>'amount_usd')::numeric) AS usd FROM read r"
        "   CROSS JOIN LATERAL jsonb_array_elements(r.doc->'pools') one GROUP BY 1),"
        " stated AS (SELECT month_id, sum(amount_usd) AS usd FROM settlement_ownerline GROUP BY 1)"
        " SELECT 'owners', r.id, r.period, r.net_usd, s.usd FROM read r"
        " LEFT JOIN billed b ON b.id = r.id LEFT JOIN outside p ON p.id = r.id"
        " LEFT JOIN stated s ON s.month_id = r.id WHERE r.net_usd <> coalesce(s.usd, 0)"
        " OR NOT coalesce(b.same, TRUE) OR r.net_usd <> coalesce(p.usd, 0)"
        " + CASE r.doc->>'model' WHEN 'INTEGRATED' THEN 0 ELSE coalesce(b.usd, 0) END",
    )


@invariant("settlement.no_draft", "No run stays half written.")
def no_draft(cursor):
    """Return runs that were committed as drafts."""
    return offenders(
        cursor,
        "SELECT 'run', id FROM settlement_settlementrun WHERE state = 'DRAFT'"
        " UNION ALL SELECT 'allocation', id FROM settlement_allocationrun WHERE state = 'DRAFT'"
        " UNION ALL SELECT 'pool', id FROM settlement_poolmonth WHERE state = 'DRAFT'"
        " UNION ALL SELECT 'owners', id FROM settlement_ownermonth WHERE state = 'DRAFT'",
    )
