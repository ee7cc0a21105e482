"""The kernel: value types and exact arithmetic. Imports nothing of the product."""
