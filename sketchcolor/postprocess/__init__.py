"""Makes the networks' picture keep to its conditions, and lays the artist's lines over it."""
