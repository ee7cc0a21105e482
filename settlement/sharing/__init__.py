"""Money keys: how a sum of money is weighed among those who share it; one per file."""
