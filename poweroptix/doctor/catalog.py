"""Invariants of the database's structure: who may do what, and whether the rules are in place."""

from __future__ import annotations

import re

from poweroptix.db.catalog import own_tables, unguarded_numbers
from poweroptix.db.installer import Report, collect, plan
from poweroptix.db.rules import (
    APP,
    BACKUP,
    PORTAL,
    WEB,
    WORKER,
    AppendOnly,
    PortalGrant,
)
from poweroptix.doctor.registry import invariant

_TRIGGER = re.compile(r'TRIGGER (pox_\w+) .*? ON "?(\w+)"?', re.DOTALL)


def _names(cursor, sql: str, params: list | None = None) -> list[str]:
    cursor.execute(sql, params)
    return [row[0] for row in cursor.fetchall()]


@invariant("db.finite", "No number column takes NaN or infinity.", catalog=True)
def finite(cursor):
    """Every numeric column of ours has its check."""
    return [f"{t}.{c} takes NaN" for t, c in unguarded_numbers(cursor, own_tables())]


@invariant("db.row_security", "Every table with a tenant has row-level security.", catalog=True)
def row_security(cursor):
    """Find tables with `tenant_id` that would be readable across tenants."""
    return _names(
        cursor,
        """
        SELECT c.relname || ' has tenant_id but no row policy for the portal'
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
         WHERE c.relname = ANY (%s) AND c.relnamespace = current_schema()::regnamespace
           AND NOT a.attisdropped
           AND (NOT c.relrowsecurity OR NOT EXISTS (
                SELECT FROM pg_policies p WHERE p.tablename = c.relname
                   AND p.schemaname = current_schema() AND p.policyname = 'pox_portal'))
         ORDER BY 1
        """,
        [own_tables()],
    )


@invariant(
    "db.portal_sees_policies_only",
    "What the portal may read has row policies or belongs to no tenant.",
    catalog=True,
)
def portal_reads(cursor):
    """Find granted tables whose columns tie rows to a tenant, but which have no row policies."""
    return _names(
        cursor,
        """
        SELECT DISTINCT c.relname || ' is open to the portal without row policies'
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
           AND NOT c.relrowsecurity
           AND (has_table_privilege(%s, c.oid, 'SELECT')
                OR has_any_column_privilege(%s, c.oid, 'SELECT'))
           AND a.attname IN ('tenant_id', 'channel_id', 'contract_id', 'invoice_id')
         ORDER BY 1
        """,
        [PORTAL, PORTAL],
    )


@invariant("db.portal_owns_nothing", "The portal owns nothing and writes nothing.", catalog=True)
def portal_owns_nothing(cursor):
    """Find property and writing rights of the portal that no rule lists."""
    owned = _names(
        cursor,
        "SELECT c.relname || ' belongs to ' || r.rolname FROM pg_class c "
        "JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = ANY (%s)",
        [[PORTAL, WEB]],
    )
    listed = {
        rule.table
        for _, rule in collect()
        if isinstance(rule, PortalGrant) and set(rule.privileges) != {"SELECT"}
    }
    writable = _names(
        cursor,
        "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v') "
        "AND c.relnamespace = current_schema()::regnamespace "
        "AND (has_table_privilege(%(portal)s, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') "
        "OR has_any_column_privilege(%(portal)s, c.oid, 'INSERT, UPDATE'))",
        {"portal": PORTAL},
    )
    return owned + [f"the portal may write {t}" for t in writable if t not in listed]


@invariant(
    "db.portal_views",
    "The portal reaches no view with its owner's rights and no SECURITY DEFINER function.",
    catalog=True,
)
def portal_views(cursor):
    """Plain views, materialized views and definer functions would pass by the row policies."""
    views = _names(
        cursor,
        """
        SELECT c.relname || ' runs with the rights of its owner' FROM pg_class c
         WHERE c.relkind IN ('v', 'm') AND c.relnamespace = current_schema()::regnamespace
           AND has_table_privilege(%s, c.oid, 'SELECT')
           AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false)
        """,
        [PORTAL],
    )
    functions = _names(
        cursor,
        "SELECT p.proname || ' is SECURITY DEFINER' FROM pg_proc p "
        "WHERE p.pronamespace = current_schema()::regnamespace AND p.prosecdef "
        "AND has_function_privilege(%s, p.oid, 'EXECUTE')",
        [PORTAL],
    )
    return views + functions


@invariant(
    "db.append_only", "Append-only tables cannot be changed by any role at run time.", catalog=True
)
def append_only(cursor):
    """Neither by privilege nor by a missing trigger."""
    kept = [rule.table for _, rule in collect() if isinstance(rule, AppendOnly)]
    return _names(
        cursor,
        """
        SELECT r || ' may change ' || t
          FROM unnest(%s::text[]) t, unnest(%s::text[]) r
         WHERE to_regclass(t) IS NOT NULL
           AND has_table_privilege(r, to_regclass(t), 'UPDATE, DELETE, TRUNCATE')
        """,
        [kept, [APP, WORKER, PORTAL, WEB, BACKUP]],
    )


@invariant("db.rules", "Every rule that an app states is in place.", catalog=True)
def rules_in_place(cursor):
    """Compare the triggers that the rules ask for with those that are there and switched on."""
    report = Report()
    wanted = {
        (table, trigger)
        for statement in plan(cursor, report)
        if "FUNCTION" in statement and statement.startswith("CREATE OR REPLACE TRIGGER")
        for trigger, table in _TRIGGER.findall(statement)
    }
    cursor.execute(
        "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE t.tgname LIKE 'pox\\_%' AND t.tgenabled <> 'D' "
        "AND c.relnamespace = current_schema()::regnamespace"
    )
    there = set(cursor.fetchall())
    missing = [f"trigger {name} of {table} is missing or off" for table, name in wanted - there]
    return sorted(missing) + [f"the table of a rule is missing: {r}" for r in report.skipped]


@invariant("db.roles", "No role of the product can pass by its limits.", catalog=True)
def roles(cursor):
    """No superuser; staff and portal obey row policies; the web login inherits nothing."""
    return _names(
        cursor,
        """
        SELECT rolname || ' is a superuser' FROM pg_roles
         WHERE rolname = ANY (%(all)s) AND rolsuper
        UNION ALL
        SELECT rolname || ' passes by row policies' FROM pg_roles
         WHERE rolname = ANY (%(bound)s) AND rolbypassrls
        UNION ALL
        SELECT rolname || ' inherits rights' FROM pg_roles WHERE rolname = %(web)s AND rolinherit
        """,
        {
            "all": [APP, WORKER, PORTAL, WEB, BACKUP],
            "bound": [APP, PORTAL, WEB],
            "web": WEB,
        },
    )
