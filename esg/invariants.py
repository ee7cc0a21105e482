"""What must always be true of carbon, each as one query; empty means it holds."""

from esg.dbrules import MASSES
from poweroptix.doctor import invariant

MOST = 20


def offenders(cursor, sql: str) -> list[str]:
    """Return the rows that offend, as text."""
    cursor.execute(f"{sql} LIMIT {MOST}")
    return [" ".join(str(cell) for cell in row) for row in cursor.fetchall()]


@invariant("esg.conserved", "The lines of a carbon run add up to what was emitted, to the gram.")
def conserved(cursor):
    """Find runs whose lines lose or make mass."""
    differs = " OR ".join(f"r.{name} <> coalesce(sum(l.{name}), 0)" for name in MASSES)
    return offenders(
        cursor,
        "SELECT 'run', r.id FROM esg_emissionrun r "  # noqa: S608 - column names of ours
        "LEFT JOIN esg_emissionline l ON l.run_id = r.id WHERE r.state <> 'DRAFT' "
        f"GROUP BY r.id HAVING {differs}",
    )


@invariant("esg.version", "A carbon run has the version of its allocation run.")
def version(cursor):
    """Find runs that hang off another version, month or campus."""
    return offenders(
        cursor,
        "SELECT 'run', r.id FROM esg_emissionrun r "
        "JOIN settlement_allocationrun a ON a.id = r.allocation_run_id "
        "WHERE (a.version, a.period, a.campus_id) <> (r.version, r.period, r.campus_id)",
    )


@invariant("esg.settled_energy", "A contract's carbon line carries its settled energy.")
def settled_energy(cursor):
    """Find lines whose energy is not the delivered energy of the allocation."""
    return offenders(
        cursor,
        "SELECT 'line', l.id FROM esg_emissionline l "
        "JOIN esg_emissionrun r ON r.id = l.run_id "
        "JOIN settlement_allocationpart p ON p.run_id = r.allocation_run_id "
        "AND p.contract_id = l.contract_id AND p.kind = 'TOTAL' "
        "WHERE l.sink = 'CONTRACT' AND p.total_kwh <> l.energy_kwh",
    )


@invariant("esg.energy", "What a carbon run says was taken is what entered, no less, hardly more.")
def energy(cursor):
    """Find runs whose uses are less than what entered, or more by over 1 % (meters that differ).

    Masses add up even when some energy stands twice; this is what shows it.
    """
    return offenders(
        cursor,
        "SELECT 'run', r.id, r.energy_in_kwh, sum(l.pooled_kwh) FROM esg_emissionrun r "
        "JOIN esg_emissionline l ON l.run_id = r.id WHERE r.state = 'CALCULATED' "
        "GROUP BY r.id HAVING sum(l.pooled_kwh) < r.energy_in_kwh "
        "OR sum(l.pooled_kwh) > r.energy_in_kwh * 1.01",
    )
