"""Probes of the endpoints that a run would use: who listens, and which models are there.

Nothing that is paid for is asked.
"""

import asyncio
from dataclasses import dataclass
from difflib import get_close_matches

from autodata.concurrency import all_of
from autodata.config.providers.base import ModelConfig, RemoteConfig
from autodata.engine.endpoints import replica, values_of
from autodata.errors import ConfigurationError, ProviderError, RateLimited, TimedOut, Unreachable
from autodata.models.providers.listing import Listing
from autodata.models.providers.registry import Surroundings

ANSWER_S = 5.0
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `more` are lines that belong to it."""

    good: bool
    what: str
    fix: str = ""
    more: tuple[str, ...] = ()


async def ask_all(models: dict[str, ModelConfig], answer_s: float = ANSWER_S) -> list[Check]:
    """Ask the servers of all these models, all at the same time, for their lists of models."""
    checks = [
        (name, model, url)
        for name, model in models.items()
        if isinstance(model, RemoteConfig) and not model.served
        for url in model.urls
    ]
    return await all_of(_ask(*one, answer_s) for one in checks)


async def _ask(name: str, model: RemoteConfig, url: str, answer_s: float) -> Check:
    place = f" at {url}" if url else ""
    label = f"model {name} ({model.provider}): {model.model}{place}"
    fix = f"see that it is up, or correct models.{name}.base_url"
    if not url:
        fix = "see whether this machine gets there, and whether it needs a proxy"
    try:
        listing = await _listing(model, url, answer_s)
        if listing is None:
            return await _unlisted(name, model, url, label, answer_s)
    except Unreachable:
        return Check(False, f"{label}: nobody listens there", fix)
    except TimedOut:
        return Check(False, f"{label}: no answer within {answer_s:g} s", fix)
    except RateLimited as error:
        return Check(True, f"{label}: there, but too busy to be asked: {error.problem}")
    except (ProviderError, ConfigurationError) as error:
        return Check(False, f"{label}: {error.problem}", error.fix or fix)
    return _named(name, model, listing, label)


async def _listing(model: RemoteConfig, url: str, answer_s: float) -> Listing | None:
    place = Surroundings(secrets=values_of(model.header_variables.values()))
    server, headers = replica(model, url, place), model.header_variables.items()
    try:
        async with asyncio.timeout(answer_s):
            listing: Listing | None = await server.models(answer_s, headers)
            return listing
    except TimeoutError:
        raise TimedOut("") from None
    finally:
        await server.close()


async def _unlisted(name: str, model: RemoteConfig, url: str, label: str, answer_s: float) -> Check:
    """Say that a server lists no models; it may be that its API begins elsewhere."""
    other = url.rstrip("/").removesuffix("/v1") + model.api_begins
    if url and other != url.rstrip("/"):
        try:
            elsewhere = await _listing(model, other, answer_s)
        except (ProviderError, ConfigurationError):
            elsewhere = None
        if elsewhere:
            return Check(
                False, f"{label}: the API begins elsewhere", f"models.{name}.base_url: {other}"
            )
    return Check(True, f"{label}: there; it lists no models, so only a call tells (doctor --call)")


def _named(name: str, model: RemoteConfig, listing: Listing, label: str) -> Check:
    names = ", ".join(listing.names[:MOST_NAMED])
    more = len(listing.names) - MOST_NAMED
    names += f" and {more} more" if more > 0 else ""
    if not model.named:
        return Check(True, f"{label}: serves {names}")
    if listing.has(model.model):
        return Check(True, f"{label}: there")
    near = get_close_matches(model.model, listing.names, 1, cutoff=0.5)
    nearest = near[0] if near else listing.names[0] if len(listing.names) == 1 else ""
    fix = f"correct models.{name}.model"
    if nearest:
        fix = f"did you mean models.{name}.model: {nearest}?"
    return Check(False, f"{label}: the server does not list that model, but {names}", fix)
