"""What `./start` says once everything runs."""

from django.conf import settings

from poweroptix.accounts.models import User
from poweroptix.db.scope import staff_scope
from poweroptix.server.prepare import is_embedded

DEMO_PASSWORD = "demo"  # noqa: S105 - the public password of the demonstration
_SHOWN = 8


def welcome(address: str, *, open_to_network: bool) -> str:
    """Return a few lines: where to go, with which log-in, where the files are, what to mind."""
    staff, tenants = demo_people()
    lines = [
        "PowerOptix is running.",
        f"  back office    {address}/office/{_log_ins(staff)}",
        f"  tenant portal  {address}/portal/{_log_ins(tenants)}",
        f"  API            {address}/api/docs/",
        f"  files and logs {settings.HOME}",
    ]
    if is_embedded():
        lines.append(
            "  The embedded database serves this user (and root) of this host only; for more, "
            "see docs/deploy.md."
        )
    if open_to_network and (staff or tenants):
        lines.append("  Anybody on the network can log in with the demonstration's passwords!")
    if open_to_network and not settings.HTTPS:
        lines.append("  Anybody on the network can connect, unencrypted: see docs/deploy.md.")
    return "\n".join([*lines, "Ctrl-C stops everything."])


def demo_people() -> tuple[list[str], list[str]]:
    """Return names of staff and of tenants whose password is the demonstration's."""
    with staff_scope():
        people = list(User.objects.filter(is_active=True).order_by("username")[:50])
    # Passwords are slow to check, so a few of each kind must do.
    staff = [user for user in people if user.tenant_id is None][:_SHOWN]
    tenants = [user for user in people if user.tenant_id is not None][:_SHOWN]
    return _names(staff), _names(tenants)


def _names(people: list[User]) -> list[str]:
    return [user.username for user in people if user.check_password(DEMO_PASSWORD)]


def _log_ins(names: list[str]) -> str:
    return f"   {', '.join(names)}; password {DEMO_PASSWORD}" if names else ""
