"""Small whole worlds for tests, built through the product's own services."""
