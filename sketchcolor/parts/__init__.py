"""Parts of a drawing: which places belong together, and what colour each has."""
