"""The journal record of a call: what is kept of it, and how its reply or error is read back."""

from typing import Any

from autodata import errors
from autodata.errors import ProviderError, StoreError
from autodata.models.base import CheckReply, Reply, Request, Site
from autodata.models.endpoint.endpoint import Answer, Endpoint
from autodata.store.episodes import CallRecord

FINAL = (
    "ok",
    "Malformed",
    "Truncated",
    "Refused",
    "ContextTooLong",
    "RequestRejected",
    "CallFailed",
)
"""What a call may come to for good; anything else is asked again when the run resumes."""


def call_name(key: str, call: CallRecord | Site) -> str:
    """Name a call of a run for people, from its record or its site."""
    place = f"{call.document_id}, repeat {call.repeat}" if call.document_id else "none"
    return (
        f"call {call.ordinal} of role {call.role} "
        f"(candidate {call.candidate_id or 'none'}, document {place}, key {key})"
    )


def record_of(
    site: Site, endpoint: Endpoint, request: Request, answer: Answer, check: CheckReply | None
) -> CallRecord:
    """Return what the journal keeps of a call: where it was made, what came of it and its cost."""
    reply, error = answer.reply, answer.error
    outcome, problem, fix = "ok", "", ""
    if error is not None:
        outcome, problem, fix = type(error).__name__, error.problem, error.fix
    elif check is not None and (problem := check(reply.text)):
        outcome = "Malformed"
    return CallRecord(
        role=site.role,
        ordinal=site.ordinal,
        tree=site.tree,
        commit=site.commit,
        candidate_id=site.candidate_id,
        document_id=site.document_id,
        split=site.split,
        repeat=site.repeat,
        endpoint=endpoint.name,
        provider=endpoint.service.provider,
        model=endpoint.service.model_name,
        request=request.to_json(),
        reply=reply.to_json(),
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        cached_tokens=reply.cached_tokens,
        cost_usd=reply.cost_usd,
        seconds=reply.seconds,
        outcome=outcome,
        tries=answer.tries,
        problem=problem,
        fix=fix,
    )


def unanswered(error: ProviderError) -> Reply:
    """Return the reply that there is none of, with what it took all the same."""
    took = error.spend
    return Reply(
        "",
        prompt_tokens=took.prompt_tokens,
        completion_tokens=took.completion_tokens,
        cost_usd=took.cost_usd,
    )


def recall(record: CallRecord) -> Reply:
    """Return the journaled reply, or raise the error that it came to.

    Raises:
        StoreError: the record is none that this version wrote.
    """
    answer = answer_of(record)
    if answer.error is not None:
        raise answer.error
    return answer.reply


def answer_of(record: CallRecord) -> Answer:
    """Return the journaled answer, its error in it; see `recall`."""
    try:
        reply = Reply.from_json(record.reply)
        final = None if record.outcome in ("ok", "Malformed") else _error(record, reply)
        return Answer(reply, record.tries, final)
    except (AttributeError, KeyError, TypeError) as error:
        raise StoreError(
            f"a call in the journal has no readable reply: {error}",
            "was the run written by another version of autodata?",
        ) from error


def _error(record: CallRecord, reply: Reply) -> ProviderError:
    kind: Any = getattr(errors, record.outcome)
    error: ProviderError = kind(record.problem, record.fix)
    error.spend = reply.spend
    return error
