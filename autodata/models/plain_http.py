"""A minimal HTTP GET on loopback, for health checks and metrics of model servers.

It asks in HTTP/1.0, so that the answer ends with the connection; no TLS, redirects or chunks.
"""

import asyncio
from urllib.parse import urlsplit

LONGEST = 4 << 20


async def get(url: str, timeout_s: float) -> tuple[int, str]:
    """Return status and body of an `http://` address.

    Raises:
        OSError: nobody answers, not in time, or not in HTTP.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    ask = f"GET {parts.path or '/'} HTTP/1.0\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(ask.encode())
                await writer.drain()
                raw = await reader.read(1)
                while len(raw) < LONGEST and (more := await reader.read(1 << 16)):
                    raw += more
            finally:
                writer.close()
    except TimeoutError as error:
        raise OSError(f"no answer from {host}:{port} within {timeout_s:g} s") from error
    head, _, body = raw.partition(b"\r\n\r\n")
    first = head.split(b"\r\n", 1)[0].split()
    if len(first) < 2 or not first[0].startswith(b"HTTP/") or not first[1].isdigit():
        raise OSError(f"{host}:{port} does not speak HTTP")
    return int(first[1]), body.decode("utf-8", "replace")
