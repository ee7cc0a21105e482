"""Work pages of settlement: runs, review, month."""
