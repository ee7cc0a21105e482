"""Pure arithmetic on readings: merging, multipliers, resolution, receipts, the ladder."""
