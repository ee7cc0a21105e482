"""A command on a database without our tables: said in one sentence, not as a traceback."""

from __future__ import annotations

from django.db import connection

SENTENCE = (
    "this database is not prepared (no tables): run ./start or manage.py migrate; "
    "is DATABASE_URL set as it was for ./start?"
)


def is_prepared() -> bool:
    """Say whether migrations ever ran here; asked anew, for an error may have ended the session."""
    connection.close()
    return "django_migrations" in connection.introspection.table_names()
