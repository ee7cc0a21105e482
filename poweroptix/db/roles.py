"""The database roles, as SQL for the server's administrator.

Roles belong to the whole server, so they are made once by somebody who may, before the first
migrate; the product itself never needs such rights.
"""

from __future__ import annotations

from poweroptix.db.rules import APP, BACKUP, OWNER, PORTAL, WEB, WORKER

_ATTRIBUTES = {
    OWNER: "NOLOGIN",
    APP: "NOLOGIN",
    PORTAL: "NOLOGIN",
    WORKER: "LOGIN BYPASSRLS",
    WEB: "LOGIN NOINHERIT",
    BACKUP: "LOGIN BYPASSRLS",
}


def roles_sql(*, owner_login: str = "", database: str = "") -> str:
    """Return SQL that makes the roles; running it again changes nothing.

    The web login has NOINHERIT and therefore no rights until a request says for whom it acts.
    `owner_login` names the login that migrates: it becomes a member of all scope roles, so that
    commands and tests can act as staff or tenant.

    >>> "NOINHERIT" in roles_sql()
    True
    """
    lines = [
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') "
        f"THEN CREATE ROLE {role} {attributes} NOSUPERUSER NOCREATEDB NOCREATEROLE; "
        f"END IF; END $$;"
        for role, attributes in _ATTRIBUTES.items()
    ]
    lines.append(f"GRANT {APP}, {PORTAL} TO {WEB};")
    if owner_login:
        scopes = ", ".join((OWNER, APP, PORTAL, WORKER, WEB))
        lines.append(f'GRANT {scopes} TO "{owner_login}";')
    if database:
        lines.append(
            f'GRANT CONNECT ON DATABASE "{database}" TO {APP}, {PORTAL}, {WORKER}, {WEB}, {BACKUP};'
        )
    return "\n".join(lines) + "\n"
