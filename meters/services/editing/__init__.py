"""What people change: previewed, carried out, confirmed by a second person."""
