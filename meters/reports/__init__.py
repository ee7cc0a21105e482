"""Reports that leave the house: tables of them, as CSV, JSON and PDF."""
