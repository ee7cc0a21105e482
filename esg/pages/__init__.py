"""Work pages of carbon."""
