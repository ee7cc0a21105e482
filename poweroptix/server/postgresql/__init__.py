"""Django's PostgreSQL backend, which wakes the embedded server at the first connection."""
