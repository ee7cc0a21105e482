"""How Django's own pages (the set-up) write dates; FORMAT_MODULE_PATH names this package."""
