"""The tenant portal: what was used, what it costs, and why, down to the reading."""
