"""Work pages of contracts: what was agreed, in sentences, and what proves it."""
