"""Documents: reading a corpus, and dealing it into splits."""
