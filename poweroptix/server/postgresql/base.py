"""Connections to the embedded server, started when somebody needs it and not before.

So `manage.py shell` just works, while `--help` and `collectstatic` start nothing.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.backends.postgresql import base, client
from django.db.utils import OperationalError

from poweroptix.server.embedded import Server, binaries

# Children of the supervisor may use the database but never bring it back while it shuts down.
ATTACH_ONLY = "POWEROPTIX_ATTACH_ONLY"


class DatabaseClient(client.DatabaseClient):
    """`manage.py dbshell` with the psql of the wheel."""

    def runshell(self, parameters: Iterable[str]) -> None:
        """Start the server where needed, then the shell."""
        server_of(self.connection.settings_dict).start()
        self.executable_name = str(binaries() / "psql")
        super().runshell(parameters)


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that starts the server where it does not run."""

    client_class = DatabaseClient

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect; start the server first where nothing listens."""
        server = server_of(self.settings_dict)
        if not server.is_listening():
            if os.environ.get(ATTACH_ONLY) or sys.argv[1:2] == ["makemigrations"]:
                raise OperationalError("The embedded database does not run.")
            if server.start() and sys.stderr.isatty():
                sys.stderr.write("The embedded database was started and keeps running.\n")
        return super().get_new_connection(conn_params)


def server_of(settings_dict: dict[str, Any]) -> Server:
    """Return the server that a connection's settings speak of."""
    return Server(Path(settings_dict["HOST"]).parent)
