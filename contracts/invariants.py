"""What must always be true of contracts, each as one query."""

from contracts.calc.price_terms import needs_of
from contracts.models import ContractVersion, IndexSeries, TouCalendar
from contracts.queries import calendar_of, terms
from poweroptix.doctor import invariant
from poweroptix.kernel.errors import DomainError

MOST = 20


def offenders(cursor, sql: str) -> list[str]:
    """First words of the rows that offend."""
    cursor.execute(f"{sql} LIMIT {MOST}")
    return [" ".join(str(cell) for cell in row) for row in cursor.fetchall()]


@invariant("contracts.one_version", "One active version per contract and day.")
def one_version(cursor):
    """Pairs of active versions with a common day."""
    return offenders(
        cursor,
        "SELECT 'versions', a.id, 'and', b.id FROM contracts_contractversion a "
        "JOIN contracts_contractversion b ON a.contract_id = b.contract_id AND a.id < b.id "
        "WHERE a.state = 'ACTIVE' AND b.state = 'ACTIVE' AND a.valid && b.valid",
    )


@invariant("contracts.proved", "Every active version has terms and a worked example.")
def proved(cursor):
    """Active versions without a term or without an example."""
    return offenders(
        cursor,
        "SELECT 'version', v.id FROM contracts_contractversion v WHERE v.state = 'ACTIVE' AND "
        "(NOT EXISTS (SELECT 1 FROM contracts_term t WHERE t.version_id = v.id) OR NOT EXISTS "
        "(SELECT 1 FROM contracts_contractexample e WHERE e.version_id = v.id))",
    )


@invariant("contracts.point_once", "A delivery point serves at most one contract at a time.")
def point_once(cursor):
    """Pairs of rows that give one point to two contracts on a day."""
    return offenders(
        cursor,
        "SELECT 'points', a.id, 'and', b.id FROM contracts_tenantpoint a "
        "JOIN contracts_tenantpoint b ON a.delivery_point_id = b.delivery_point_id "
        "AND a.id < b.id WHERE a.valid && b.valid",
    )


@invariant("contracts.tenant", "Rows of a contract carry the tenant of its offtaker.")
def tenant(cursor):
    """Rows whose tenant is not that of the contract."""
    return offenders(
        cursor,
        "SELECT what, id FROM ("
        "SELECT 'contract' AS what, c.id FROM contracts_contract c "
        "JOIN contracts_party p ON p.id = c.offtaker_id "
        "WHERE p.tenant_id IS DISTINCT FROM c.tenant_id "
        "UNION ALL SELECT 'version', v.id FROM contracts_contractversion v "
        "JOIN contracts_contract c ON c.id = v.contract_id WHERE v.tenant_id <> c.tenant_id "
        "UNION ALL SELECT 'term', t.id FROM contracts_term t "
        "JOIN contracts_contractversion v ON v.id = t.version_id WHERE t.tenant_id <> v.tenant_id "
        "UNION ALL SELECT 'point', p.id FROM contracts_tenantpoint p "
        "JOIN contracts_contract c ON c.id = p.contract_id WHERE p.tenant_id <> c.tenant_id"
        ") AS wrong",
    )


@invariant("contracts.index_blocks", "Index blocks have an owner, whole days and no hole.")
def index_blocks(cursor):
    """Blocks of unknown series, of a wrong length, or with a version missing below them."""
    return offenders(
        cursor,
        "SELECT 'series', b.series_id, b.day, 'v', b.version FROM contracts_indexblock b "
        "LEFT JOIN contracts_indexseries s ON s.id = b.series_id "
        "WHERE s.id IS NULL OR cardinality(b.values) <> 1440 / s.minutes "
        "OR b.version > 1 AND NOT EXISTS (SELECT 1 FROM contracts_indexblock o "
        "WHERE o.series_id = b.series_id AND o.day = b.day AND o.version = b.version - 1)",
    )


@invariant("contracts.terms_readable", "Terms of active versions parse and find what they name.")
def terms_readable(cursor):
    """Active versions whose terms, calendars or index series cannot be used any more."""
    found = []
    codes = set(TouCalendar.objects.values_list("code", flat=True))
    known = set(IndexSeries.objects.values_list("code", flat=True))
    for version in ContractVersion.objects.filter(state="ACTIVE").order_by("pk"):
        try:
            needs = needs_of(terms(version))
        except DomainError as error:
            found.append(f"version {version.pk}: {error.message}")
            continue
        found += [f"version {version.pk}: no calendar {c}" for c in set(needs.calendars) - codes]
        found += [
            f"version {version.pk}: no index series {c}" for c in set(needs.index_codes) - known
        ]
    return found[:MOST]


@invariant("contracts.calendars_cover", "Every calendar prices every minute exactly once.")
def calendars_cover(cursor):
    """Calendars whose schedule leaves or doubles minutes."""
    found = []
    for row in TouCalendar.objects.order_by("code"):
        try:
            calendar_of(row)
        except DomainError as error:
            found.append(f"{row.code}: {error.message}")
    return found[:MOST]
