"""The search: which harness to try next, on what evidence one is better, and what is certified."""
