"""The engine: the only builder of collaborators, and how a run lives and ends."""
