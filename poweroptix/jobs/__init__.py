"""Work that takes longer than a request: recorded, resumable, done exactly once."""
