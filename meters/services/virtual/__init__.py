"""Virtual channels: definitions, and readings that follow from other channels."""
