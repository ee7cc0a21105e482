"""Blocks become visible, and who hears of it."""
