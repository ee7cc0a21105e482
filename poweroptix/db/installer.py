"""Make the database keep its promises: triggers, row policies, grants, finite numbers.

`install` can be run at any time and as often as one likes. It drops every object whose name
begins with `pox_` and builds them anew from the rules of all installed apps, in one transaction,
so a rule that was removed disappears and no reader ever sees a half-protected table.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec

from django.apps import apps
from django.db import transaction

from poweroptix.db.catalog import own_tables, present_tables, unguarded_numbers
from poweroptix.db.functions import TENANT_FUNCTIONS, TRIGGER_FUNCTIONS
from poweroptix.db.rules import (
    APP,
    BACKUP,
    PORTAL,
    ROLES,
    WEB,
    WORKER,
    AppendOnly,
    ChannelPolicy,
    Grant,
    Policy,
    Rule,
    ident,
    literal,
)
from poweroptix.kernel.errors import Refused

_SERVED = (APP, WORKER, PORTAL, WEB, BACKUP)
_LOCK_NAME = 7_203_118_645  # any number; two installations wait for each other on it


@dataclass
class Report:
    """What an installation did."""

    statements: int = 0
    changed: bool = False
    skipped: list[str] = field(default_factory=list)
    guarded: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """Return the report in one sentence."""
        if not self.changed:
            return "Database rules are up to date."
        waiting = f"; {len(self.skipped)} rules wait for their tables" if self.skipped else ""
        return f"Database rules installed: {self.statements} statements{waiting}."


def collect() -> list[tuple[str, Rule]]:
    """Return (app label, rule) of every `<app>/dbrules.py` among the installed apps."""
    found = []
    for config in apps.get_app_configs():
        name = f"{config.name}.dbrules"
        if find_spec(name) is not None:
            found += [(config.label, rule) for rule in import_module(name).RULES]
    return found


def install(connection, *, force: bool = False) -> Report:
    """Install all rules on a connection of the owner; nothing happens when nothing changed.

    `force` rebuilds even then, which also mends what was dropped by hand. Raises Refused when the
    roles are missing.
    """
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        require_roles(cursor)
        cursor.execute("SET LOCAL lock_timeout = '15s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK_NAME])
        report = Report()
        script = plan(cursor, report)
        guards = _guards(cursor, report)
        print_of = _fingerprint(cursor, script)
        cursor.execute("SELECT obj_description(to_regproc('app_tenant'), 'pg_proc')")
        if force or cursor.fetchone()[0] != print_of:
            _drop_own(cursor)
            cursor.execute(";\n".join(script))
            _grant_views(cursor)
            cursor.execute(f"COMMENT ON FUNCTION app_tenant() IS {literal(print_of)}")
            report.statements, report.changed = len(script), True
        if guards:
            cursor.execute(";\n".join(guards))
            report.statements, report.changed = report.statements + len(guards), True
        return report


def plan(cursor, report: Report) -> list[str]:
    """Return the statements that fulfil every rule on the tables that are there."""
    tables = present_tables(cursor)
    rules = []
    for label, rule in collect():
        if set(rule.tables) <= set(tables):
            rules.append(rule)
        elif not getattr(rule, "optional", False):
            report.skipped.append(f"{label}: {type(rule).__name__}({', '.join(rule.tables)})")
    script = [TENANT_FUNCTIONS, TRIGGER_FUNCTIONS, *_base_grants(tables, rules)]
    for rule in rules:
        script += rule.statements()
    return script + _web_policies(rules)


def require_roles(cursor) -> None:
    """Raise Refused unless the database roles exist."""
    cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)", [list(ROLES)])
    missing = sorted(set(ROLES) - {row[0] for row in cursor.fetchall()})
    if missing:
        raise Refused(
            "db.roles_missing",
            f"The database has no role {', '.join(missing)}. As its administrator run: "
            "manage.py roles_sql | psql",
            roles=missing,
        )


def _base_grants(tables: list[str], rules: list[Rule]) -> list[str]:
    served = ", ".join(_SERVED)
    listed = ", ".join(ident(t) for t in tables)
    kept = [rule.table for rule in rules if isinstance(rule, AppendOnly)]
    secured = {rule.table for rule in rules if isinstance(rule, Policy | ChannelPolicy)}
    open_tables = sorted(set(own_tables()) & set(tables) - secured)
    script = [
        f"GRANT USAGE ON SCHEMA public TO {served}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"GRANT ALL ON {listed} TO CURRENT_USER",
        f"REVOKE ALL ON {listed} FROM PUBLIC, {served}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {listed} TO {APP}, {WORKER}",
        f"GRANT SELECT ON {listed} TO {BACKUP}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {PORTAL}, {WEB}",
        f"GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {APP}, {WORKER}",
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {BACKUP}",
    ]
    script += [f"ALTER TABLE {ident(t)} DISABLE ROW LEVEL SECURITY" for t in open_tables]
    if kept:
        frozen = ", ".join(ident(t) for t in kept)
        script.append(f"REVOKE UPDATE, DELETE ON {frozen} FROM {APP}, {WORKER}")
    return script


def _web_policies(rules: list[Rule]) -> list[str]:
    """Let the web login read what it was granted although the table has row policies."""
    granted = {rule.table for rule in rules if isinstance(rule, Grant) and rule.role == WEB}
    secured = {rule.table for rule in rules if isinstance(rule, Policy | ChannelPolicy)}
    return [
        f"CREATE POLICY pox_web ON {ident(table)} TO {WEB} USING (true) WITH CHECK (true)"
        for table in sorted(granted & secured)
    ]


def _guards(cursor, report: Report) -> list[str]:
    """Return checks for number columns of ours that would still take NaN or infinity."""
    bare = unguarded_numbers(cursor, own_tables())
    report.guarded += [f"{table}.{column}" for table, column in bare]
    return [_finite(table, column) for table, column in bare]


def _finite(table: str, column: str) -> str:
    name, number = ident(f"pox_finite_{column}"[:63]), ident(column)
    return (
        f"ALTER TABLE {ident(table)} ADD CONSTRAINT {name} "
        f"CHECK ({number} NOT IN ('NaN', 'Infinity', '-Infinity'))"
    )


def _fingerprint(cursor, script: list[str]) -> str:
    """Return a digest of the plan and of the very tables it was made for."""
    cursor.execute(
        "SELECT coalesce(string_agg(c.oid::text, ',' ORDER BY c.oid), '') FROM pg_class c "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"
    )
    text = "\n".join([cursor.fetchone()[0], *script])
    return hashlib.sha256(text.encode()).hexdigest()


_OWN_OBJECTS = r"""
SELECT 1, format('DROP VIEW %I', c.relname) FROM pg_class c
 WHERE c.relkind = 'v' AND c.relnamespace = current_schema()::regnamespace
   AND c.relname LIKE 'pox\_%'
UNION ALL
SELECT 2, format('DROP TRIGGER %I ON %I', t.tgname, c.relname)
  FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND t.tgname LIKE 'pox\_%'
   AND c.relnamespace = current_schema()::regnamespace
UNION ALL
SELECT 3, format('DROP POLICY %I ON %I', p.policyname, p.tablename) FROM pg_policies p
 WHERE p.policyname LIKE 'pox\_%' AND p.schemaname = current_schema()
UNION ALL
SELECT 4, format('DROP FUNCTION %s', p.oid::regprocedure) FROM pg_proc p
 WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'pox\_%'
   AND NOT EXISTS (SELECT FROM pg_depend d LEFT JOIN pg_trigger t
                     ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
                    WHERE d.refobjid = p.oid AND d.deptype = 'n'
                      AND coalesce(t.tgname, '') NOT LIKE 'pox\_%')
ORDER BY 1
"""


def _drop_own(cursor) -> None:
    cursor.execute(_OWN_OBJECTS)
    drops = [row[1] for row in cursor.fetchall()]
    if drops:
        cursor.execute(";\n".join(drops))


def _grant_views(cursor) -> None:
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'v' "
        "AND c.relnamespace = current_schema()::regnamespace AND c.relname LIKE 'pox\\_%'"
    )
    for (view,) in cursor.fetchall():
        cursor.execute(f"GRANT SELECT ON {ident(view)} TO {APP}, {WORKER}, {BACKUP}")
