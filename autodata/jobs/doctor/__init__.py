"""autodata doctor: what it looks at, asks of servers, and tries."""
