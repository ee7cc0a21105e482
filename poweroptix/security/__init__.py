"""Security headers, sessions, log-in and log-out."""
