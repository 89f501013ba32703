"""One endpoint under load: how many calls, how fast, when to wait."""
