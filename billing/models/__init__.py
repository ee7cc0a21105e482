"""Models, one noun family per file."""
