"""HTTP client options shared by all providers: pool size, keep-alive and proxy."""

from typing import Any

import httpx2

MOST_CONNECTIONS = 10_000  # concurrency is limited per endpoint, not per connection pool
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def options(host: str) -> dict[str, Any]:
    """Return what an SDK's HTTP client is made with; servers on this machine need no proxy."""
    limits = httpx2.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=60.0)
    return {"limits": limits, "trust_env": host not in LOOPBACK}
