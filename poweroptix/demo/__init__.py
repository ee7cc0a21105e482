"""The demonstration campus: generated data, then the whole chain from file to invoice."""
