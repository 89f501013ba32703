"""A harness as an immutable value: loading, validation, edits, diff, and its tree id in git."""

import hashlib
import json
import re
import stat
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path

from autodata.errors import HarnessError
from autodata.harness.knobs import MANIFEST, Knob, nearest, read_manifest, write_values
from autodata.harness.prompts import (
    PROMPTS,
    RECIPE_FILES,
    RECIPE_VARIABLES,
    VARIABLES,
    PromptName,
    check_prompt,
    fill,
)
from autodata.types import KnobValue

WORKFLOW = "workflow.py"
LIMITS: dict[str, int] = {
    MANIFEST: 16_000,
    WORKFLOW: 24_000,
    **dict.fromkeys(PROMPTS.values(), 16_000),
    **dict.fromkeys(RECIPE_FILES.values(), 4_000),
}
TOTAL_LIMIT = 60_000
IGNORED = ("README.md", "__pycache__", "played")

_USED_BY: dict[PromptName, str] = {
    "main": "run_agent",
    "challenger": "challenge",
    "verifier": "verify",
}
_UNUSUAL = re.compile(r"[^\t\n -~]")
_REFUSED = ("Cc", "Cs", "Zl", "Zp")
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\ufeff")


@dataclass(frozen=True, slots=True)
class Harness:
    """One version of a harness. Equal trees are equal harnesses.

    `files` maps each path inside the folder to its text; `tree` is the id that git (SHA-1) gives
    to a tree of exactly these files.
    """

    name: str
    tree: str
    description: str = field(compare=False)
    knobs: dict[str, Knob] = field(compare=False)
    files: dict[str, str] = field(compare=False)

    @staticmethod
    def load(folder: str | Path) -> "Harness":
        """Load a harness from its folder; see `load_folder`."""
        return load_folder(Path(folder))

    @property
    def values(self) -> dict[str, KnobValue]:
        """The knobs' values by name."""
        return {name: knob.value for name, knob in self.knobs.items()}

    @property
    def workflow(self) -> str:
        """The source of `workflow.py`."""
        return self.files[WORKFLOW]

    @property
    def prompt_chars(self) -> int:
        """The total length of all prompts in characters; of the recipes the longest counts."""
        recipes = (len(self.files.get(path, "")) for path in RECIPE_FILES.values())
        return sum(len(self.files.get(path, "")) for path in PROMPTS.values()) + max(recipes)

    @property
    def fingerprint(self) -> str:
        """Digest of the harness's content: equal for versions that differ in layout only."""
        content: dict[str, object] = {"values": self.values}
        for path, text in self.files.items():
            if path == WORKFLOW:
                lines = [line.rstrip() for line in text.splitlines()]
                content[path] = [
                    line for line in lines if line and not line.lstrip().startswith("#")
                ]
            elif path != MANIFEST:
                content[path] = text.split()
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]

    def prompt(self, name: PromptName, **variables: str) -> str:
        """Return a prompt with its variables filled in; knobs are known by themselves.

        Raises:
            HarnessError: this harness has no such prompt.
            KeyError: the prompt uses a variable that was not passed.
        """
        path = PROMPTS[name]
        if path not in self.files:
            raise HarnessError(f"harness {self.name} has no {path}", f"write {path}")
        return fill(self.files[path], variables, self.values)

    def recipe(self, name: str, material: str) -> str:
        """Return a recipe's prompt with its material filled in.

        Raises:
            HarnessError: this harness has no such recipe.
        """
        text = self.files.get(RECIPE_FILES.get(name, ""), "")
        if not text:
            there = [name for name, path in RECIPE_FILES.items() if path in self.files]
            raise HarnessError(f"harness {self.name} has no recipe {name!r}", nearest(name, there))
        return fill(text, {"material": material}, self.values)


def load_files(files: Mapping[str, str], origin: str = "") -> Harness:
    """Check a harness's files and make them a value; `origin` goes before names in errors.

    Raises:
        HarnessError: names file, line where there is one, and the fix.
    """
    check_files(files, origin)
    for path in (MANIFEST, WORKFLOW):
        if path not in files:
            raise HarnessError(f"{origin}{path} is missing", f"write {origin}{path}")
    manifest = read_manifest(files[MANIFEST], origin + MANIFEST)
    for name, path in PROMPTS.items():
        if path in files:
            check_prompt(VARIABLES[name], files[path], manifest.knobs, origin + path)
        elif line := _line_of_call(_USED_BY[name], files[WORKFLOW]):
            raise HarnessError(
                f"{origin}{WORKFLOW}, line {line}: {_USED_BY[name]} needs {path}, which is missing",
                f"write {origin}{path}",
            )
    for path in RECIPE_FILES.values():
        if path in files:
            check_prompt(RECIPE_VARIABLES, files[path], manifest.knobs, origin + path)
    ordered = dict(sorted(files.items()))
    return Harness(
        manifest.name, tree_id(ordered), manifest.description, dict(manifest.knobs), ordered
    )


def load_folder(path: Path) -> Harness:
    """Load a harness from its folder; README.md, `played` and hidden files are no part of it.

    Line ends are read as `\\n`, so the tree is the one git stores.

    Raises:
        HarnessError: see `load_files`; also for links, other files and unreadable ones.
    """
    if not path.is_dir():
        raise HarnessError(f"there is no harness folder {path}", "name one with a harness.yaml")
    files: dict[str, str] = {}
    for entry in sorted(path.rglob("*")):
        inside = entry.relative_to(path)
        if any(part.startswith(".") or part in IGNORED for part in inside.parts):
            continue
        mode = entry.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        _known_path(inside.as_posix(), f"{path}/")
        if not stat.S_ISREG(mode):
            raise HarnessError(f"{entry} is no regular file", "put the file itself there")
        if entry.stat().st_size > 4 * TOTAL_LIMIT:
            raise HarnessError(f"{entry} is too large", f"keep to {TOTAL_LIMIT} characters")
        try:
            files[inside.as_posix()] = entry.read_text(encoding="utf-8").replace("\r\n", "\n")
        except (OSError, UnicodeDecodeError) as error:
            raise HarnessError(f"{entry}: {error}", "save it as UTF-8 text") from None
    return load_files(files, f"{path}/")


def with_knobs(harness: Harness, values: Mapping[str, KnobValue]) -> Harness:
    """Return the harness with these knob values; the rest of harness.yaml stays as written.

    Raises:
        HarnessError: an unknown knob, or a value outside of its range.
    """
    for name, value in values.items():
        if name not in harness.knobs:
            raise HarnessError(f"there is no knob {name!r}", nearest(name, list(harness.knobs)))
        if problem := harness.knobs[name].problem_with(value):
            raise HarnessError(f"knob {name}: {problem}", "choose a value inside its range")
    changed = {name: value for name, value in values.items() if harness.values[name] != value}
    if not changed:
        return harness
    return load_files({**harness.files, MANIFEST: write_values(harness.files[MANIFEST], changed)})


def with_edits(harness: Harness, edits: Mapping[str, str | None]) -> Harness:
    """Return the harness with these files replaced; None removes a file.

    Raises:
        HarnessError: the edited files are no valid harness.
    """
    files = {**harness.files, **edits}
    texts = {path: text.replace("\r\n", "\n") for path, text in files.items() if text is not None}
    return load_files(texts)


def check_edit(baseline: Harness, candidate: Harness) -> None:
    """Make sure that a candidate changes only what a search may change.

    That is: knob values inside the baseline's ranges, `workflow.py` and the prompts.

    Raises:
        HarnessError: anything else differs.
    """
    for path in baseline.files:
        if path not in candidate.files:
            raise HarnessError(f"{path} was removed", f"keep {path}; it may only be changed")
    for name, knob in baseline.knobs.items():
        if name in candidate.knobs and (problem := knob.problem_with(candidate.values[name])):
            raise HarnessError(f"knob {name}: {problem}", "choose a value inside its range")
    neutral = dict(baseline.values)
    if set(candidate.knobs) == set(baseline.knobs):
        neutral = dict(candidate.values)
    if _meaning(with_knobs(baseline, neutral)) != _meaning(candidate):
        raise HarnessError(
            "harness.yaml differs in more than knob values",
            "change knob values only; names, ranges and descriptions are fixed",
        )


def moved(before: Harness, after: Harness, names: Collection[str] | None = None) -> str:
    """Describe changed knob values, of these knobs or of all, as `rounds 1 -> 2, ...`."""
    return ", ".join(
        f"{name} {before.values[name]} -> {value}"
        for name, value in after.values.items()
        if before.values.get(name) != value and (names is None or name in names)
    )


def diff(a: Harness, b: Harness) -> str:
    """Return a unified diff of two versions, file by file; empty when they are equal."""
    parts: list[str] = []
    for path in sorted({*a.files, *b.files}):
        before, after = _lines(a.files.get(path, "")), _lines(b.files.get(path, ""))
        parts.extend(unified_diff(before, after, f"a/{path}", f"b/{path}"))
    return "".join(parts)


def _lines(text: str) -> list[str]:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines


def tree_id(files: Mapping[str, str]) -> str:
    """Return the id that git (SHA-1) gives to a tree of these files, all of mode 100644."""
    entries: dict[str, tuple[str, bytes]] = {}
    folders: dict[str, dict[str, str]] = {}
    for path, text in files.items():
        folder, slash, rest = path.partition("/")
        if slash:
            folders.setdefault(folder, {})[rest] = text
        else:
            entries[path] = ("100644", _object_id("blob", text.encode()))
    for folder, inner in folders.items():
        entries[folder] = ("40000", bytes.fromhex(tree_id(inner)))
    order = sorted(entries, key=lambda name: name + "/" if name in folders else name)
    body = b"".join(f"{entries[n][0]} {n}\0".encode() + entries[n][1] for n in order)
    return _object_id("tree", body).hex()


def check_files(files: Mapping[str, str], origin: str = "") -> None:
    """Check paths, sizes and characters of a harness's files against the allow-list.

    Raises:
        HarnessError: names the file and what is wrong with it.
    """
    for path, text in files.items():
        _known_path(path, origin)
        file = origin + path
        if len(text) > LIMITS[path]:
            raise HarnessError(f"{file} has {len(text)} characters", f"keep to {LIMITS[path]}")
        for match in _UNUSUAL.finditer(text):
            if unicodedata.category(match[0]) in _REFUSED or match[0] in _BIDI:
                line = text.count("\n", 0, match.start()) + 1
                raise HarnessError(
                    f"{file}, line {line}: character U+{ord(match[0]):04X} is not allowed",
                    "use plain text with spaces, tabs and \\n line ends",
                )
    total = sum(map(len, files.values()))
    if total > TOTAL_LIMIT:
        raise HarnessError(f"the harness has {total} characters", f"keep to {TOTAL_LIMIT}")


def _known_path(path: str, origin: str) -> None:
    if path not in LIMITS:
        hint = nearest(path, list(LIMITS))
        raise HarnessError(f"{origin}{path!r} is no file of a harness", hint)


def _line_of_call(function: str, source: str) -> int:
    """The first line that calls a host function; 0 when none does or the source defines it."""
    call = re.search(rf"^[^#\n]*(?<![\w.]){function}\(", source, re.MULTILINE)
    own = re.search(rf"\bdef {function}\(", source)
    return source.count("\n", 0, call.end()) + 1 if call and not own else 0


def _meaning(harness: Harness) -> object:
    return harness.name, harness.description, harness.knobs


def _object_id(kind: str, body: bytes) -> bytes:
    return hashlib.sha1(f"{kind} {len(body)}\0".encode() + body, usedforsecurity=False).digest()
