"""Search policies compared on simulated landscapes whose truth is known."""
