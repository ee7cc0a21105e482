"""Examples that need what is stored."""
