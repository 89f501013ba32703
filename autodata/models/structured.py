"""Structured output: asks for JSON of a pydantic type, validates it, and asks again.

Constrained decoding helps, but what came back is validated always.
"""

import copy
import json
import re
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from autodata.errors import Malformed
from autodata.models.base import Caller, Message, Request, Site, whole
from autodata.types import Json, Spend

T = TypeVar("T", bound=BaseModel)

LONGEST_QUOTE = 4000  # characters of a bad reply that are shown back to the model
_FENCED = re.compile(r"```(?:json|JSON)?\s*\n(.*?)```", re.DOTALL)


async def ask_json(
    caller: Caller, site: Site, request: Request, model_type: type[T], tries: int = 3
) -> tuple[T, Spend]:
    """Return the reply as a `model_type`, and what it took with all re-asking.

    A reply that does not validate is shown to the model with the errors, as call `<ordinal>.t1`,
    `.t2` and so on, each journaled like any other call, with the outcome `Malformed`.

    Raises:
        Malformed: none of `tries` replies fits.
        ProviderError, BudgetSpent: from the call itself.
    """
    request = replace(request, schema=reply_schema(model_type), schema_name=model_type.__name__)
    spend, problem = Spend(), ""
    attempt = request
    check = partial(_problem, model_type)
    for number in range(max(1, tries)):
        ordinal = f"{site.ordinal}.t{number}" if number else site.ordinal
        reply = await caller.call(replace(site, ordinal=ordinal), attempt, check)
        spend += reply.spend
        problem = check(reply.text)
        if not problem:
            return model_type.model_validate(json_in(reply.text)), spend
        attempt = replace(request, messages=(*_turns(request), *_retry(reply.text, problem)))
    raise Malformed(
        f"the {site.role}'s reply is no {model_type.__name__} after {tries} tries: {problem}",
        "use a model or server that follows JSON schemas",
    )


def json_in(text: str) -> Any:
    """Parse the JSON of a reply: alone, in a ```fence```, or with words around one object.

    Raises:
        ValueError: there is none.
    """
    stripped = text.strip()
    fenced = _FENCED.search(stripped)
    candidates = [stripped] + ([fenced[1]] if fenced else [])
    first, last = stripped.find("{"), stripped.rfind("}")
    if 0 <= first < last:
        candidates.append(stripped[first : last + 1])
    problem = ""
    for candidate in candidates:
        try:
            return whole(json.loads(candidate))
        except ValueError as error:
            problem = problem or str(error)
    raise ValueError(f"not JSON: {problem}")


@lru_cache(maxsize=64)
def reply_schema(model_type: type[BaseModel]) -> Json:
    """Return a type's JSON schema, closed as strict servers want it.

    Every property is required and no other is allowed; titles and defaults are left out.
    """
    schema: Json = _close(copy.deepcopy(model_type.model_json_schema()))
    return schema


def _close(node: Any, *, names: bool = False) -> Any:
    """Close all objects below; `names` says that the keys here are names, not keywords."""
    if isinstance(node, list):
        return [_close(item) for item in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {name: _close(value) for name, value in node.items()}
    closed = {
        key: _close(value, names=key in ("properties", "$defs"))
        for key, value in node.items()
        if key not in ("title", "default")
    }
    if isinstance(closed.get("properties"), dict):
        closed["required"] = list(closed["properties"])
        closed["additionalProperties"] = False
    return closed


def _problem(model_type: type[BaseModel], text: str) -> str:
    try:
        model_type.model_validate(json_in(text))
    except (ValueError, RecursionError) as error:
        return _explain(error)
    return ""


def _explain(error: Exception) -> str:
    if isinstance(error, ValidationError):
        lines = [
            f"{'.'.join(str(part) for part in item['loc']) or 'reply'}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)[:8]
        ]
        return "; ".join(lines)
    return str(error)[:300]


def _turns(request: Request) -> tuple[Message, ...]:
    return request.messages or (Message("user", request.prompt),)


def _retry(text: str, problem: str) -> tuple[Message, Message]:
    words = (
        f"That reply cannot be used: {problem}\n"
        "Reply again with the whole JSON object, corrected, and nothing else."
    )
    return Message("assistant", text[:LONGEST_QUOTE] or "(nothing)"), Message("user", words)
