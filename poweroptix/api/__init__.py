"""API version 1: everything that can be read and started, for programs."""
