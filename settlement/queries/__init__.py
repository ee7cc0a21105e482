"""Questions about settlement: what a run reads, what it said, and why."""
