"""Tests of the house itself: layers, names, sizes, and what every plug-in owes."""
