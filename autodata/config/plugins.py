"""The table of replaceable kinds: domains and proposers, ours by name and a user's by module.

A name is one of the table, `my_package.module:MyClass`, or an entry point that an installed package
declares in the kind's group. Nothing is imported before it is asked for.
"""

import hashlib
import inspect
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from autodata.errors import ConfigurationError

Kind = Literal["domain", "proposer"]

SHIPPED: dict[Kind, dict[str, tuple[str, str]]] = {
    "domain": {
        "cloze": ("autodata.domains.cloze:Cloze", "the last word of a sentence"),
        "code": ("autodata.domains.code:Code", "functions, with hidden tests"),
        "legal": ("autodata.domains.legal:Legal", "a client's question, under an opinion's law"),
        "research": ("autodata.domains.research:Research", "questions"),
        "math": ("autodata.domains.mathematics:Mathematics", "questions with one exact answer"),
    },
    "proposer": {
        "knobs": ("autodata.search.proposers.kinds:KnobProposer", "moves knobs by TPE"),
        "llm": ("autodata.search.proposers.kinds:TextProposer", "edits texts"),
        "mix": ("autodata.search.proposers.kinds:MixedProposer", "does both"),
        "command": ("autodata.search.proposers.kinds:CommandProposer", "runs a program"),
    },
}
"""What comes with autodata, by kind and name: where it is, and what it is in a few words."""

COMMAND = "command"
"""The proposer that runs a program, which its section names."""

SETTINGS: dict[Kind, str] = {"domain": "protocol.domain", "proposer": "optimize.proposer"}
"""The setting that names one of a kind."""

_NEEDED: dict[Kind, tuple[str, tuple[str, ...]]] = {
    "domain": (
        "autodata.domains.base.Domain",
        ("roles", "settings_type", "refused_rules", "raw_prompts", "version"),
    ),
    "proposer": (
        "autodata.search.proposers.base.HarnessProposer",
        ("roles", "wants_minibatch", "moves_knobs", "version"),
    ),
}
"""What is asked of a class before one of it is made, and the base class that answers."""
_DIGEST = "__autodata_digest__"


@dataclass(frozen=True, slots=True)
class Plugin:
    """A class that was found, under the name that the configuration has for it.

    `version` tells one state of a user's code from another; it is empty for what is shipped, whose
    version is that of autodata.
    """

    kind: Kind
    name: str
    made: Any
    version: str


def look_in(folder: Path) -> None:
    """Let modules that lie in a folder be imported, after those that are installed."""
    place = str(folder.resolve())
    if place not in sys.path:
        sys.path.append(place)


def described(kind: Kind) -> str:
    """Return what is shipped of a kind, for the description of its setting."""
    shipped = (
        f"`{name}`: {words}" for name, (_, words) in SHIPPED[kind].items() if name != COMMAND
    )
    return "; ".join([*shipped, "or your own, as `module:Class`"])


def find(kind: Kind, name: str) -> Plugin:
    """Import and return what a name stands for.

    Raises:
        ConfigurationError: nothing is called so (with the nearest), or it cannot be imported.
    """
    if name in SHIPPED[kind]:
        return Plugin(kind, name, _imported(kind, name, SHIPPED[kind][name][0]), "")
    group = f"autodata.{kind}s"
    installed = {point.name: point.value for point in entry_points(group=group)}
    path = installed.get(name, name)
    if ":" not in path:
        known = [*SHIPPED[kind], *installed]
        near = get_close_matches(name, known, 1)
        fix = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(known)}"
        raise ConfigurationError(
            f"{SETTINGS[kind]}: {name!r} is no {kind}", f"{fix}; or give module:Class of your own"
        )
    made = _imported(kind, name, path)
    return Plugin(kind, name, made, str(made.version) or _digest(made))


def refused_rules(domain: str) -> Mapping[str, str]:
    """Return the acceptance rules that a domain refuses; none where nothing is called so."""
    try:
        refused: Mapping[str, str] = find("domain", domain).made.refused_rules
    except ConfigurationError:
        return {}
    return refused


def _imported(kind: Kind, name: str, path: str) -> Any:
    module, _, attribute = path.partition(":")
    try:
        made = getattr(import_module(module), attribute)
    except Exception as error:
        raise ConfigurationError(
            f"{SETTINGS[kind]}: {name} cannot be imported: {error_line(error)}",
            "mend it, or correct the name; modules are looked for beside autodata.yaml, too",
        ) from error
    base, needed = _NEEDED[kind]
    missing = [needs for needs in needed if not hasattr(made, needs)]
    if not inspect.isclass(made) or missing:
        why = f"has no `{missing[0]}`" if missing else "is no class"
        raise ConfigurationError(
            f"{SETTINGS[kind]}: {name} is no {kind}: it {why}", f"derive a class from {base}"
        )
    return made


def error_line(error: BaseException) -> str:
    """Say in one line what code of somebody else raised, and where."""
    steps = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(steps[-1].filename).name}, line {steps[-1].lineno})" if steps else ""
    return f"{type(error).__name__}: {str(error)[:300]}{where}"


def _digest(made: type) -> str:
    """Return a digest of the source that a class comes from, its own bases and functions included.

    That is the module of each, or the whole package that it lies in.
    """
    parts = [*inspect.getmro(made), *vars(made).values()]
    names = {str(getattr(part, "module", getattr(part, "__module__", ""))) for part in parts}
    tops = {name.partition(".")[0] for name in names} - {"", "autodata", *sys.stdlib_module_names}
    found = hashlib.sha256()
    for name in sorted(tops & sys.modules.keys()):
        found.update(f"{name} {_source(sys.modules[name])}".encode())
    return f"sha256:{found.hexdigest()[:16]}"


def _source(module: ModuleType) -> str:
    """Return a digest of a module's files as they were when it was first looked at here."""
    if not hasattr(module, _DIGEST):
        folders = [Path(place) for place in getattr(module, "__path__", ())]
        files = [(folder, file) for folder in folders for file in sorted(folder.rglob("*.py"))]
        if not folders and module.__file__:
            files = [(Path(module.__file__).parent, Path(module.__file__))]
        found = hashlib.sha256()
        for folder, file in files:
            text = file.read_bytes()
            found.update(f"{file.relative_to(folder)} {len(text)}\n".encode() + text)
        setattr(module, _DIGEST, found.hexdigest())
    return str(getattr(module, _DIGEST))
