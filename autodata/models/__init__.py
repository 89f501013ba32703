"""Models: one request in, one reply out, whoever serves it."""
