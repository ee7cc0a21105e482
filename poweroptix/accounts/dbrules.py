"""What the database keeps of tenants, people and tokens.

The web login has no rights of its own except what finding out *who is asking* takes.
"""

from poweroptix.db.rules import WEB, Grant, Policy, PortalGrant, Rule

_READ_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
_USER_COLUMNS = (
    "id",
    "username",
    "first_name",
    "last_name",
    "email",
    "role",
    "tenant_id",
    "is_active",
    "last_login",
    "date_joined",
)

RULES: list[Rule] = [
    Policy("accounts_tenant", tenant_column="id"),
    Policy("accounts_user"),
    Policy("accounts_apitoken"),
    PortalGrant("accounts_tenant"),
    PortalGrant("accounts_user", columns=_USER_COLUMNS),
    PortalGrant("accounts_apitoken"),
    Grant("accounts_tenant", WEB, ("SELECT",)),
    Grant("accounts_user", WEB, ("SELECT",)),
    Grant("accounts_user", WEB, ("UPDATE",), columns=("last_login", "password")),
    Grant("accounts_user_groups", WEB, ("SELECT",)),
    Grant("accounts_user_user_permissions", WEB, ("SELECT",)),
    Grant("accounts_apitoken", WEB, ("SELECT",)),
    Grant("accounts_apitoken", WEB, ("UPDATE",), columns=("last_used_at",)),
    Grant("auth_group", WEB, ("SELECT",), optional=True),
    Grant("auth_permission", WEB, ("SELECT",), optional=True),
    Grant("auth_group_permissions", WEB, ("SELECT",), optional=True),
    Grant("django_content_type", WEB, ("SELECT",), optional=True),
    Grant("django_session", WEB, _READ_WRITE, optional=True),
    Grant("axes_accessattempt", WEB, _READ_WRITE, optional=True),
    Grant("axes_accessattemptexpiration", WEB, _READ_WRITE, optional=True),
    Grant("axes_accesslog", WEB, _READ_WRITE, optional=True),
    Grant("axes_accessfailurelog", WEB, _READ_WRITE, optional=True),
]
