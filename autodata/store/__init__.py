"""The store: the journal as the one truth, tables made of it, and the record of sealed tests."""
