"""What each member weighs, one rule per file: energy keys and money keys split by the same rule."""
