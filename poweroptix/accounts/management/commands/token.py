"""`manage.py token create|list|revoke`: keys of the API."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from poweroptix.accounts.models import ApiToken, Tenant, User
from poweroptix.accounts.permissions import SCOPES
from poweroptix.accounts.services import create_token, revoke_token
from poweroptix.audit.actor import Actor
from poweroptix.clock import now
from poweroptix.kernel.errors import DomainError, NotFoundError, Refused

SYSTEM = Actor.system("token")


class Command(BaseCommand):
    """Makes a token and shows its key once, lists tokens, ends one."""

    help = "Tokens of the API. A key is shown once, when it is made."

    def add_arguments(self, parser):
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make a token and print its key")
        create.add_argument("name", help="what it is for, such as 'historian upload'")
        create.add_argument("--as", dest="user", required=True, help="who answers for its use")
        create.add_argument(
            "--scope", action="append", required=True, help=f"repeat; one of {', '.join(SCOPES)}"
        )
        create.add_argument("--tenant", help="code of the tenant whose rows it sees")
        create.add_argument("--days", type=int, default=90, help="life in days, 365 at most")
        verbs.add_parser("list", help="every token, without keys")
        revoke = verbs.add_parser("revoke", help="end a token at once")
        revoke.add_argument("prefix", help="how its key begins, as the list shows it")
        for each in verbs.choices.values():
            each.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *, verb: str, as_json: bool, **options: Any) -> None:
        """Do it, and say what was done."""
        try:
            said = {"create": _create, "list": _list, "revoke": _revoke}[verb](options)
        except DomainError as fault:
            refusal = {"refused": fault.message, "code": fault.code}
            self.stderr.write(json.dumps(refusal) if as_json else f"refused: {fault.message}")
            raise SystemExit(1) from fault
        if as_json:
            self.stdout.write(json.dumps(said, default=str))
            return
        for row in said:
            self.stdout.write("  ".join(str(value) for value in row.values()))


def _create(options: dict[str, Any]) -> list[dict[str, Any]]:
    user = User.objects.filter(username=options["user"], is_active=True).first()
    if user is None:
        raise NotFoundError("accounts.user", f"There is no active user {options['user']}.")
    tenant = None
    if options["tenant"]:
        tenant = Tenant.objects.filter(code=options["tenant"]).first()
        if tenant is None:
            raise NotFoundError("accounts.tenant", f"There is no tenant {options['tenant']}.")
        if user.tenant_id not in (None, tenant.pk):
            raise Refused(
                "accounts.other_tenant",
                f"{user.username} belongs to another tenant than {tenant.code}.",
            )
    moment = now()
    token, key = create_token(
        options["name"],
        scopes=options["scope"],
        created_by=user,
        actor=SYSTEM,
        tenant=tenant,
        now=moment,
        expires_at=moment + timedelta(days=options["days"]),
    )
    return [{"key": key, "expires": f"until {token.expires_at:%Y-%m-%d}"}]


def _list(_options: dict[str, Any]) -> list[dict[str, Any]]:
    rows = ApiToken.objects.select_related("tenant", "created_by")
    return [
        {
            "prefix": row.prefix,
            "state": row.state(now()),
            "expires": f"{row.expires_at:%Y-%m-%d}",
            "of": row.tenant.code if row.tenant else "operator",
            "by": row.created_by.username,
            "name": row.name,
            "scopes": " ".join(row.scopes),
        }
        for row in rows
    ]


def _revoke(options: dict[str, Any]) -> list[dict[str, Any]]:
    found = list(ApiToken.objects.filter(prefix=options["prefix"]))
    if len(found) != 1:
        raise NotFoundError(
            "accounts.token_prefix",
            f"{len(found)} tokens begin with {options['prefix']}; see manage.py token list.",
        )
    token = revoke_token(found[0], actor=SYSTEM, now=now(), reason="revoked by command")
    return [{"prefix": token.prefix, "state": "revoked"}]
