"""Attacks on the boundary of a harness, a row each; see docs/threat-model.md."""
