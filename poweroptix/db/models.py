"""No tables; the module lets the app hear that a migrate has ended."""
