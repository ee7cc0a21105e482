"""What an invoice says, computed from what was settled: no database, no clock."""
