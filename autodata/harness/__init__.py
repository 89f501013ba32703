"""Harnesses: their files, versions in git, and the sandbox that runs their workflow."""
