"""What an app asks of the database beyond its migrations.

Each app lists its wishes in `<app>/dbrules.py` as `RULES: list[Rule]`; the installer turns them
into triggers, row policies and grants after every migrate. A rule is a value: it knows the table
it concerns and the SQL that fulfils it, and nothing of Django.

>>> AppendOnly("meters_readingblock").statements()[0][:52]
'CREATE OR REPLACE TRIGGER pox_append_only BEFORE UPD'
>>> StateMachine("t", "state", {"DRAFT": ("ISSUED",)}).tables
('t',)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

APP, PORTAL, WORKER = "poweroptix_app", "poweroptix_portal", "poweroptix_worker"
WEB, OWNER, BACKUP = "poweroptix_web", "poweroptix_owner", "poweroptix_backup"
ROLES = (OWNER, APP, WORKER, PORTAL, WEB, BACKUP)


def ident(name: str) -> str:
    """Quote an SQL identifier.

    >>> ident('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote an SQL string literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def _tag(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _trigger(name: str, table: str, event: str, call: str, when_sql: str = "") -> str:
    when = f" WHEN ({when_sql})" if when_sql else ""
    return (
        f"CREATE OR REPLACE TRIGGER {name} BEFORE {event} ON {ident(table)} "
        f"FOR EACH ROW{when} EXECUTE FUNCTION {call}"
    )


def _no_truncate(table: str) -> str:
    return (
        f"CREATE OR REPLACE TRIGGER pox_no_truncate BEFORE TRUNCATE ON {ident(table)} "
        "FOR EACH STATEMENT EXECUTE FUNCTION pox_refuse_change()"
    )


@dataclass(frozen=True)
class AppendOnly:
    """Rows of the table are only ever added: no UPDATE, DELETE or TRUNCATE for anybody.

    The privileges are withheld from every role, and a row trigger refuses even the owner
    (SQLSTATE 23001). `lock_owner` also revokes the owner's privileges; leave it off when foreign
    keys point at the table, because their checks run with the owner's UPDATE privilege.
    """

    table: str
    lock_owner: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that must exist."""
        return (self.table,)

    def statements(self) -> list[str]:
        """Return the SQL that fulfils the rule."""
        made = [
            _trigger("pox_append_only", self.table, "UPDATE OR DELETE", "pox_refuse_change()"),
            _no_truncate(self.table),
        ]
        if self.lock_owner:
            made.append(f"REVOKE UPDATE, DELETE, TRUNCATE ON {ident(self.table)} FROM CURRENT_USER")
        return made


@dataclass(frozen=True)
class Immutable:
    """Rows may not change or vanish while `when_sql` holds for the stored row.

    `when_sql` is written over OLD and without sub-selects, for example
    `OLD.state IN ('ISSUED', 'VOID')`. Columns in `allow_columns` may still change (SQLSTATE 23001
    for the others).
    """

    table: str
    when_sql: str = "TRUE"
    allow_columns: Sequence[str] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that must exist."""
        return (self.table,)

    def statements(self) -> list[str]:
        """Return the SQL that fulfils the rule."""
        tag = _tag(self.when_sql + repr(tuple(self.allow_columns)))
        call = f"pox_immutable({', '.join(literal(c) for c in self.allow_columns)})"
        return [
            _trigger(f"pox_immutable_{tag}", self.table, "UPDATE", call, self.when_sql),
            _trigger(
                f"pox_undeletable_{tag}",
                self.table,
                "DELETE",
                "pox_refuse_change()",
                self.when_sql,
            ),
            _no_truncate(self.table),
        ]


@dataclass(frozen=True)
class FrozenChild:
    """Rows of `table` may not be added, changed or removed while `when_sql` holds for the parent.

    `when_sql` is written over the alias `p` of the parent, for example `p.state <> 'DRAFT'`. The
    parent row is locked FOR SHARE, so a line cannot slip in while the header is being issued.
    """

    table: str
    parent: str
    column: str
    when_sql: str

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that must exist."""
        return (self.table, self.parent)

    def statements(self) -> list[str]:
        """Return the SQL that fulfils the rule."""
        args = ", ".join(literal(a) for a in (self.parent, self.column, self.when_sql))
        name = f"pox_frozen_child_{_tag(self.parent + self.when_sql)}"
        return [
            _trigger(name, self.table, "INSERT OR UPDATE OR DELETE", f"pox_frozen_child({args})")
        ]


@dataclass(frozen=True)
class StateMachine:
    """`column` moves only along `allowed`: state -> states that may follow it (SQLSTATE 23514).

    With `initial`, rows may only be inserted in one of these states.
    """

    table: str
    column: str
    allowed: Mapping[str, Sequence[str]] = field(hash=False)
    initial: Sequence[str] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that must exist."""
        return (self.table,)

    def statements(self) -> list[str]:
        """Return the SQL that fulfils the rule."""
        moves = json.dumps({k: list(v) for k, v in self.allowed.items()}, sort_keys=True)
        args = ", ".join(literal(a) for a in (self.column, moves, json.dumps(list(self.initial))))
        event = (
            f"INSERT OR UPDATE OF {ident(self.column)}"
            if self.initial
            else (f"UPDATE OF {ident(self.column)}")
        )
        name = f"pox_state_{_tag(self.column)}"
        return [_trigger(name, self.table, event, f"pox_state({args})")]


@dataclass(frozen=True)
class Policy:
    """Row-level security by tenant: staff see all rows, a tenant's session only its own.

    A portal session sees rows whose `tenant_column` equals the setting `app.tenant_id`. Reading
    rights for the portal come from `PortalGrant`.
    """

    table: str
    tenant_column: str = "tenant_id"

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that must exist."""
        return (self.table,)

    def portal_sql(self) -> str:
        """Return the condition under which a portal session sees a row."""
        return f"{ident(self.tenant_column)} = (SELECT app_tenant())"

    def statements(self) -> list[str]:
        """Return the SQL that fulfils the rule."""
        return _row_security(self.table, self.portal_sql())


@dataclass(frozen=True)
class ChannelPolicy:
    """Row-level security of block tables: a portal session sees the channels in `app.channels`.

    One stable function and no sub-select, so that it also holds on a distributed table.
    """

    table: str
    channel_column: str = "channel_id"

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that must exist."""
        return (self.table,)

    def portal_sql(self) -> str:
        """Return the condition under which a portal session sees a row."""
        return f"{ident(self.channel_column)} = ANY (app_channels())"

    def statements(self) -> list[str]:
        """Return the SQL that fulfils the rule."""
        return _row_security(self.table, self.portal_sql())


def _row_security(table: str, portal_sql: str) -> list[str]:
    name = ident(table)
    return [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY pox_staff ON {name} TO {APP} USING (true) WITH CHECK (true)",
        f"CREATE POLICY pox_portal ON {name} TO {PORTAL} "
        f"USING ({portal_sql}) WITH CHECK ({portal_sql})",
    ]


@dataclass(frozen=True)
class Grant:
    """Give `role` privileges on a table, beyond what staff, worker and backup have anyway.

    `columns` narrows SELECT, INSERT or UPDATE. `optional` tables may be absent (third-party apps
    that a deployment leaves out).
    """

    table: str
    role: str
    privileges: Sequence[str]
    columns: Sequence[str] = ()
    optional: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that must exist."""
        return (self.table,)

    def statements(self) -> list[str]:
        """Return the SQL that fulfils the rule."""
        if self.role not in ROLES:
            raise ValueError(f"unknown database role {self.role}; known: {', '.join(ROLES)}")
        words = (self.privileges,) if isinstance(self.privileges, str) else self.privileges
        columns = f" ({', '.join(ident(c) for c in self.columns)})" if self.columns else ""
        listed = ", ".join(f"{word.strip()}{columns}" for word in words)
        return [f"GRANT {listed} ON {ident(self.table)} TO {self.role}"]


@dataclass(frozen=True)
class PortalGrant:
    """Let tenant sessions read the table; row policies still decide which rows.

    A table with rows of more than one tenant must also have a `Policy` or `ChannelPolicy`.
    """

    table: str
    privileges: Sequence[str] = ("SELECT",)
    columns: Sequence[str] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that must exist."""
        return (self.table,)

    def statements(self) -> list[str]:
        """Return the SQL that fulfils the rule."""
        return Grant(self.table, PORTAL, self.privileges, self.columns).statements()


@dataclass(frozen=True)
class Sql:
    """Any other statement, for example a deferred sum check or a view.

    It runs after every migrate, so it must be repeatable. Name functions, triggers, policies and
    views with the prefix `pox_`: the installer drops everything so named before it starts, which
    is how an object whose rule was removed disappears. Views need
    `WITH (security_invoker = true)`. `needs` names tables without which the statement is skipped.
    """

    name: str
    sql_up: str
    needs: Sequence[str] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables that must exist."""
        return tuple(self.needs)

    def statements(self) -> list[str]:
        """Return the SQL that fulfils the rule."""
        return [self.sql_up]


Rule = (
    AppendOnly
    | Immutable
    | FrozenChild
    | StateMachine
    | Policy
    | ChannelPolicy
    | Grant
    | PortalGrant
    | Sql
)
