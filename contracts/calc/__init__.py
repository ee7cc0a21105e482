"""Pure arithmetic that charge types share, and the pricing of a whole version."""
