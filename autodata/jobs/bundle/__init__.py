"""autodata bundle: one file about a run for a bug report."""
