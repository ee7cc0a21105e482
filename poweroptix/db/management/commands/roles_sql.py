"""`manage.py roles_sql`: print the SQL that makes the database roles."""

from django.conf import settings
from django.core.management.base import BaseCommand

from poweroptix.db.roles import roles_sql


class Command(BaseCommand):
    """Print SQL for the administrator of the database server."""

    help = "Print the SQL that creates the database roles; pipe it to psql as administrator."
    requires_system_checks: list[str] = []

    def handle(self, *args, **options):
        """Print; nothing is connected to or changed."""
        database = settings.DATABASES["default"]
        self.stdout.write(
            roles_sql(
                owner_login=database.get("USER", ""), database=database.get("NAME", "")
            ).rstrip()
        )
