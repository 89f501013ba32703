"""The journal record of a call: what is kept of it, and how its reply or error is read back."""

from typing import Any

from autodata import errors
from autodata.errors import ProviderError, StoreError
from autodata.models.base import Check, Reply, Request, Site
from autodata.models.endpoint.endpoint import Answer, Endpoint
from autodata.types import Json

FINAL = ("ok", "Malformed", "Truncated", "Refused", "ContextTooLong", "RequestRejected")
"""What a call may come to for good; anything else is asked again when the run resumes."""


def call_name(key: str, body: Json) -> str:
    """Name a call of this run for people, from its journaled body or its site."""
    place = f"{body['document_id']}, repeat {body['repeat']}" if body["document_id"] else "none"
    return (
        f"call {body['ordinal']} of role {body['role']} "
        f"(candidate {body['candidate_id'] or 'none'}, document {place}, key {key})"
    )


def record_of(
    site: Site, endpoint: Endpoint, request: Request, answer: Answer, check: Check | None
) -> Json:
    """Return what the journal keeps of a call: where it was made, what came of it and its cost."""
    reply, error = answer.reply, answer.error
    body: Json = {
        "role": site.role,
        "ordinal": site.ordinal,
        "tree": site.tree,
        "commit": site.commit,
        "candidate_id": site.candidate_id,
        "document_id": site.document_id,
        "split": site.split,
        "repeat": site.repeat,
        "endpoint": endpoint.name,
        "provider": endpoint.provider,
        "model": endpoint.model_name,
        "request": request.to_json(),
        "reply": reply.to_json(),
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "cached_tokens": reply.cached_tokens,
        "cost_usd": reply.cost_usd,
        "seconds": reply.seconds,
        "outcome": "ok" if error is None else type(error).__name__,
        "tries": answer.tries,
    }
    if error is not None:
        body["problem"], body["fix"] = error.problem, error.fix
    elif check is not None and (problem := check(reply.text)):
        body["outcome"], body["problem"] = "Malformed", problem
    return body


def unanswered(error: ProviderError) -> Reply:
    """Return the reply that there is none of, with what it took all the same."""
    took = error.spend
    return Reply(
        "",
        prompt_tokens=took.prompt_tokens,
        completion_tokens=took.completion_tokens,
        cost_usd=took.cost_usd,
    )


def recall(body: Json) -> Reply:
    """Return the journaled reply, or raise the error that it came to.

    Raises:
        StoreError: the record is none that this version wrote.
    """
    answer = answer_of(body)
    if answer.error is not None:
        raise answer.error
    return answer.reply


def answer_of(body: Json) -> Answer:
    """Return the journaled answer, its error in it; see `recall`."""
    try:
        final = None if body["outcome"] in ("ok", "Malformed") else _error(body)
        return Answer(Reply.from_json(body["reply"]), body["tries"], final)
    except (KeyError, TypeError) as error:
        raise StoreError(
            f"a call in the journal has no readable reply: {error}",
            "was the run written by another version of autodata?",
        ) from error


def _error(body: Json) -> ProviderError:
    kind: Any = getattr(errors, body["outcome"])
    error: ProviderError = kind(body["problem"], body["fix"])
    error.spend = Reply.from_json(body["reply"]).spend
    return error
