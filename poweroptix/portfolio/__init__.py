"""A whole portfolio as one document: campus, units, meters, parties, contracts, prices."""
