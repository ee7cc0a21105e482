"""What the database itself keeps: roles, row policies, immutability, and the scopes of requests."""
