"""Tenants, people, tokens, and what each role may do."""
