"""Domains: kinds of example, each with its own rules for what is sound and how it is asked."""
