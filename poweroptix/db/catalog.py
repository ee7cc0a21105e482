"""What the database catalogue says about our tables: read by the installer and the doctor."""

from __future__ import annotations

from pathlib import Path

from django.apps import apps
from django.conf import settings


def own_tables() -> list[str]:
    """Return the tables of the models that this product defines, not those of its packages."""
    base = Path(settings.BASE_DIR)
    tables = {
        model._meta.db_table
        for config in apps.get_app_configs()
        if Path(config.path).is_relative_to(base) and "site-packages" not in config.path
        for model in config.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }
    return sorted(tables)


def present_tables(cursor) -> list[str]:
    """Return the tables of the current schema that the connected role owns."""
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace "
        "AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'USAGE') ORDER BY 1"
    )
    return [row[0] for row in cursor.fetchall()]


def unguarded_numbers(cursor, tables: list[str]) -> list[tuple[str, str]]:
    """Return (table, column) of number columns of `tables` that would take NaN or infinity."""
    cursor.execute(
        """
        SELECT c.relname, a.attname
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY (%s)
           AND a.atttypid IN ('numeric'::regtype, 'float8'::regtype, 'float4'::regtype)
           AND NOT EXISTS (SELECT FROM pg_constraint k
                            WHERE k.conrelid = c.oid AND k.contype = 'c' AND k.convalidated
                              AND k.conkey = ARRAY[a.attnum] AND k.conname LIKE 'pox\\_finite\\_%%')
         ORDER BY 1, 2
        """,
        [tables],
    )
    return [(row[0], row[1]) for row in cursor.fetchall()]
