"""Providers: each speaks to one kind of server in the shape that all share."""
