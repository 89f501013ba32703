"""The allow-list of a bundle: which numbers, hashes and names of records and settings it may hold.

Everything that is not listed here is told by its length.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from autodata.config.schema import Config
from autodata.store.format import INSIDE, OWN_WORDS, QUOTING
from autodata.store.kinds import RECORDS
from autodata.store.strict import marked
from autodata.types import Json

Tell = Callable[[str], str]
LONGEST_WORD = 120


def _names(mark: str) -> frozenset[str]:
    """Return the names of all fields of records whose type has this mark."""
    return frozenset(name for kind in RECORDS for name in marked(kind, mark))


WORDS = _names(OWN_WORDS) | {"finish", "rolled_back_to"}
"""Fields of records whose words are autodata's own, names of settings, or hashes."""
_TEXTS = _names(QUOTING) | {"reasons", "ending", "overridden"}
"""Fields whose words may quote anything: they are scrubbed."""
_INSIDE = _names(INSIDE) | {"certificate", "steps", "attempts", "verdict"}
"""Fields that are looked into; of all others with parts only the size is told. What is added to
these three are names inside of evidence and rounds."""
# fmt: off
_PLAIN = frozenset({
    "harness", "provider", "api", "structured", "acceptance", "domain", "mode", "proposer",
    "selection", "objective", "reasoning_effort", "type",
})
# fmt: on
"""Settings whose words are told, beside the names of models."""


def texts(value: Any, name: str = "") -> Iterator[str]:
    """Yield the texts of a record's fields that may be shown once they are redacted."""
    return (text for field, text in _strings(value, name) if field in _TEXTS)


def private(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of a record's fields that may not be shown."""
    for name, value in body.items():
        if name not in WORDS | _TEXTS:
            yield from (text for field, text in _strings(value, name) if field != "model")


def _strings(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield all texts of a value, each with the field that it or its list stands in."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _strings(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part, name)


def skeleton(body: Mapping[str, Any], redact: Tell) -> Json:
    """Return the public part of a record; texts that may quote anything go through `redact`."""
    fields: Json = {}
    for name, value in body.items():
        if _number(value):
            fields[name] = value
        elif name in _TEXTS:
            fields[name] = [redact(part) for part in texts(value, name)]
        elif name == "model" and isinstance(value, str):
            fields[name] = _model(value)
        elif name in WORDS and isinstance(value, str) and len(value) <= LONGEST_WORD:
            fields[name] = value
        elif name == "knobs" and isinstance(value, dict):
            fields[name] = {knob: _short(setting) for knob, setting in value.items()}
        elif name in _INSIDE and isinstance(value, dict):
            fields[name] = skeleton(value, redact)
        elif name in _INSIDE and isinstance(value, list):
            fields[name] = [
                skeleton(v, redact) if isinstance(v, dict) else _short(v) for v in value
            ]
        else:
            fields[f"{name}_chars"] = len(json.dumps(value))
    return fields


def settings(config: Config) -> Json:
    """Return the numbers and choices of a configuration; of words only those that are no secret."""

    def plain(value: Any, name: str) -> Any:
        if isinstance(value, dict) and name not in ("extra_body", "headers"):
            return {key: plain(part, key) for key, part in value.items()}
        if isinstance(value, dict | list):
            return f"({len(value)} entries)"
        if isinstance(value, str) and value:
            public = value in ("pydoc", "") or name in _PLAIN
            return _model(value) if name == "model" else value if public else "(set)"
        return value

    return {name: plain(part, name) for name, part in config.model_dump(mode="json").items()}


def length(text: str) -> str:
    """Return the length of a text that cannot be redacted, in words."""
    return f"({len(text)} characters)"


def _number(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float)


def _short(value: Any) -> Any:
    return value if _number(value) or (isinstance(value, str) and len(value) < 40) else "(...)"


def _model(name: str) -> str:
    """Return a model's name; of a folder its own name alone."""
    return Path(name).name if name.startswith(("/", "~", ".")) or "://" in name else name
