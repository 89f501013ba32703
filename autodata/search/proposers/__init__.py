"""Proposers: from a parent harness to a candidate, by knob moves or by edits of texts."""
