"""Reports: what a run says of itself, as data and on a screen."""
