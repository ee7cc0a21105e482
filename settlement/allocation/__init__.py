"""Allocation keys: how one shared quantity becomes parts that close. One file, one key."""
