"""Calls by role: journaled, counted against the budget, never paid for twice."""
