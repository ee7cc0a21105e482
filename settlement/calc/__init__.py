"""Pure arithmetic of settlement: balance, frozen inputs, settling, differences."""
