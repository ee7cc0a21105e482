"""Running the house: its home folder, the embedded database, set-up and supervision."""
