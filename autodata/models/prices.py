"""The price table of hosted models, as of one date; a price in the configuration wins.

Unknown models cost nothing here; their tokens are counted all the same.
"""

import re

from autodata.config.providers.base import Price
from autodata.models.base import Reply

CACHE_WRITE = 1.25
"""Price of a token that is put into Anthropic's cache for 5 minutes, in tokens of input."""
AS_OF = "2026-11"
"""When the vendors' public list prices were last compared with this table, by way of their pages
(platform.claude.com, developers.openai.com) and of others who had read these since October."""

_PRICES: dict[str, tuple[float, float, float]] = {  # dollars per million: input, output, cached
    "gpt-6.1-sol": (2.00, 10.00, 0.10),
    "gpt-6.1-terra": (1.00, 5.00, 0.05),
    "gpt-6-astra": (10.00, 50.00, 1.00),
    "gpt-6-sol": (2.00, 10.00, 0.20),
    "gpt-6-luna": (0.10, 0.50, 0.01),
    "gpt-5.6": (4.00, 20.00, 0.40),
    "gpt-5.6-sol": (4.00, 20.00, 0.40),
    "gpt-5.6-terra": (2.00, 12.00, 0.20),
    "gpt-5.6-luna": (0.20, 1.20, 0.02),
    "gpt-5.5": (5.00, 30.00, 0.50),
    "gpt-5.4": (2.50, 15.00, 0.25),
    "gpt-5.4-mini": (0.75, 4.50, 0.075),
    "gpt-5.4-nano": (0.20, 1.25, 0.02),
    "gpt-5.2": (1.75, 14.00, 0.175),
    "gpt-5.1": (1.25, 10.00, 0.125),
    "gpt-5": (1.25, 10.00, 0.125),
    "gpt-5-mini": (0.25, 2.00, 0.025),
    "gpt-5-nano": (0.05, 0.40, 0.005),
    "gpt-4.1": (2.00, 8.00, 0.50),
    "gpt-4.1-mini": (0.40, 1.60, 0.10),
    "gpt-4.1-nano": (0.10, 0.40, 0.025),
    "gpt-4o": (2.50, 10.00, 1.25),
    "gpt-4o-mini": (0.15, 0.60, 0.075),
    "o3": (2.00, 8.00, 0.50),
    "o4-mini": (1.10, 4.40, 0.275),
    "claude-fable-5-1": (10.00, 50.00, 0.25),
    "claude-fable-5": (10.00, 50.00, 1.00),
    "claude-opus-5-5": (4.00, 20.00, 0.20),
    "claude-opus-5": (5.00, 25.00, 0.50),
    "claude-opus-4-8": (5.00, 25.00, 0.50),
    "claude-opus-4-7": (5.00, 25.00, 0.50),
    "claude-opus-4-6": (5.00, 25.00, 0.50),
    "claude-opus-4-5": (5.00, 25.00, 0.50),
    "claude-sonnet-5-5": (2.00, 10.00, 0.10),
    "claude-sonnet-5": (2.00, 10.00, 0.20),
    "claude-sonnet-4-6": (3.00, 15.00, 0.30),
    "claude-sonnet-4-5": (3.00, 15.00, 0.30),
    "claude-haiku-5-5": (0.10, 0.50, 0.01),
    "claude-haiku-4-5": (1.00, 5.00, 0.10),
}
"""Standard tier, short prompts: some models cost more from 100,000 or 272,000 prompt tokens on."""


def known_price(model: str) -> Price | None:
    """Look up a hosted model, with or without the date at the end of its name."""
    name = re.sub(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$", "", model)
    if name not in _PRICES:
        return None
    input_, output, cached = _PRICES[name]
    return Price(input=input_, output=output, cached_input=cached)


def cost_usd(price: Price | None, reply: Reply) -> float:
    """Return a call's dollars; what it took from the server's cache or put there has its price."""
    if price is None:
        return 0.0
    cached_price = price.input if price.cached_input is None else price.cached_input
    fresh = max(0, reply.prompt_tokens - reply.cached_tokens - reply.stored_tokens)
    read = (fresh + CACHE_WRITE * reply.stored_tokens) * price.input
    dollars = read + reply.cached_tokens * cached_price + reply.completion_tokens * price.output
    return dollars / 1e6
