"""Episodes: one document, a harness, and what became of it."""
