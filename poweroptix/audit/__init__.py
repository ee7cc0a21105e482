"""The audit trail: who did what to which thing, when and why; only ever added to."""
