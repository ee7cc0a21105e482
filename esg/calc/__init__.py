"""Carbon arithmetic: masses in whole milligrams, energies in micro-kWh; no database, no clock."""
