"""Parsing of a server's model list, the answer to `/models`, which need not have any shape."""

from dataclasses import dataclass
from typing import Any

NO_LIST = (404, 405, 501)
"""What a server answers that has no list of its models."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The names of a server's models; with `any_name` it takes every name for its only one."""

    names: tuple[str, ...]
    any_name: bool = False

    def has(self, name: str) -> bool:
        """Whether the server takes this name; Ollama's are whole only with a tag."""
        return self.any_name or not {name, f"{name}:latest"}.isdisjoint(self.names)


def read_listing(data: Any) -> Listing | None:
    """Read the answer to `/models`; None if it lists none.

    Raises:
        ValueError: it is no JSON at all, but perhaps a web page.
    """
    if isinstance(data, str):
        raise ValueError(f"no JSON: {data}")
    entries = data.get("data") if isinstance(data, dict) else None
    listed = entries if isinstance(entries, list) else []
    models = [model for model in listed if isinstance(model, dict)]
    names = tuple(model["id"] for model in models if isinstance(model.get("id"), str))
    owners = {str(model.get("owned_by")) for model in models}
    return Listing(names, owners == {"llamacpp"}) if names else None
