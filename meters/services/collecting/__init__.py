"""Sources looked at, and what they bring."""
