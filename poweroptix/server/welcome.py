"""What `./start` says once everything runs."""

from django.conf import settings

from poweroptix.server.prepare import is_embedded


def welcome(address: str, *, open_to_network: bool) -> str:
    """Return a few lines: where to go, with which log-in, where the files are, what to mind."""
    lines = [
        "PowerOptix is running.",
        f"  back office    {address}/office/",
        f"  tenant portal  {address}/portal/",
        f"  API            {address}/api/docs/",
        f"  files and logs {settings.HOME}",
    ]
    if is_embedded():
        lines.append(
            "  The embedded database serves this user (and root) of this host only; for more, "
            "see docs/deploy.md."
        )
    if open_to_network and not settings.HTTPS:
        lines.append("  Anybody on the network can connect, unencrypted: see docs/deploy.md.")
    return "\n".join([*lines, "Ctrl-C stops everything."])
