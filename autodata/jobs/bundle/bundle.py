"""The job `bundle`: one file about a run for a bug report, without documents, examples or keys.

What may be told of each kind of record is listed in `skeleton`; all else is told by its length.
Whatever is broken, a journal, a configuration, a folder's name, is what the file is needed for, so
it is told and never in the way.
"""

import json
import os
import platform
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from autodata import __version__
from autodata.config.schema import Config
from autodata.documents.corpus import read_corpus
from autodata.engine.recorded import recorded_config
from autodata.errors import AutodataError, ConfigurationError, StoreError
from autodata.jobs.bundle.scrub import Scrubber, unescaped
from autodata.jobs.bundle.skeleton import Tell, length, private, settings, skeleton, texts
from autodata.models.serving.supervisor import without_keys
from autodata.project import PACKAGE, Project
from autodata.store import lines, looks
from autodata.store.episodes import CallRecord, EpisodeRecord, QueryRecord
from autodata.store.lines import Entry
from autodata.store.records import RunRecord
from autodata.store.runs import read_state
from autodata.types import Document, Json

LINES, LONGEST = 200, 500
"""So many lines at the end of a server's log, each of at most so many characters."""
README = """This file was made by `autodata bundle` for a bug report. It is a zip of plain text:
look at it before you send it.

It has no text of a document, of an example made of one, of a prompt, an edit or a reply: of these
the length is told (fields that end in _chars). It has no key, no address and no value of an
environment variable. Document ids are hashes of contents.

Error texts and the ends of server logs are scrubbed: what they share with a private text (12
letters or digits in a row), what stands in quotes, names of documents, addresses and what looks
like a key are replaced by [...].

"""
_LEFT_OUT = """The run's documents or a part of its journal could not be read, so there was nothing
to compare with: error texts and server logs are told by their length alone.

"""
_MANY = (CallRecord.KIND, EpisodeRecord.KIND, QueryRecord.KIND)
# fmt: off
_PACKAGES = (
    "openai", "anthropic", "aiohttp", "duckdb", "optuna", "pydantic", "pydantic-monty", "typer",
    "rich", "GitPython", "PyYAML", "numpy", "gguf", "xllamacpp", "vllm",
)
# fmt: on


@dataclass(slots=True)
class Bundle:
    """The files of a bundle as they are gathered: name to text, with a line on each."""

    files: dict[str, str] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, about: str, content: Any) -> None:
        """Add a file; anything but text is written as JSON."""
        text = content if isinstance(content, str) else json.dumps(content, indent=1, default=str)
        self.files[name], self.about[name] = text, about


@dataclass(frozen=True, slots=True)
class BundledLine:
    """One line of a journal: a record, or the text of a damaged one, or a segment that is shut."""

    segment: str
    offset: int
    size: int
    entry: Entry | None = None
    wrong: str = ""
    state: str = ""


def make(folder: Path, project: Project | None, trouble: str, out: Path) -> Bundle:
    """Write what helps about the run in `folder` to `out`; return what is inside.

    `project` is None where its configuration cannot be read, for the reason `trouble`.

    Raises:
        ConfigurationError: `out` is there already.
        StoreError: it cannot be written.
    """
    if out.exists():
        raise ConfigurationError(f"{out} is there already", "choose another name: --out FILE")
    root, read = folder.parent.parent, _read(folder)
    recorded = _config(read.run)
    logs = {path: _tail(path) for path in sorted(folder.glob("servers/*.log*"))}
    quoting = [trouble, *read.texts, *(line for tail in logs.values() for line in tail)]
    config = recorded or (project.config if project else None)
    documents = None if read.gaps else _documents(root, config)
    redact = length
    if documents is not None:
        redact = _scrubber(folder, root, project, documents, quoting).redacted
    bundle = Bundle()
    bundle.put("about.json", "versions and platform", _about(root))
    bundle.put("state.json", "state, counts, files", _state(folder))
    configuration = {
        "run": settings(recorded) if recorded else None,
        "today": settings(project.config) if project else None,
        "trouble": redact(trouble) if trouble else "",
    }
    bundle.put("settings.json", "settings of the run, and of today", configuration)
    rows = [_skeleton(line, redact) for line in journal(folder)]
    facts = [row for row in rows if row.get("kind") not in _MANY]
    calls = [row for row in rows if row.get("kind") in _MANY]
    about = "run, sessions, troubles, candidates, iterations, certificates, damaged lines"
    bundle.put("facts.jsonl", about, _jsonl(facts))
    bundle.put("calls.jsonl", "calls and episodes without their texts", _jsonl(calls))
    bundle.put("tests.jsonl", "the project's record of tests", _jsonl(_tests(folder.parent)))
    for path, tail in logs.items():
        text = "".join(f"{redact(line)}\n" for line in tail)
        bundle.put(f"servers/{path.name}", f"its last {LINES} lines, scrubbed", text)
    listing = "".join(f"{name}: {about}\n" for name, about in bundle.about.items())
    left_out = "" if documents is not None else _LEFT_OUT
    bundle.put("README.txt", "what is inside and what is not", README + left_out + listing)
    _write(bundle, out)
    return bundle


def journal(folder: Path) -> Iterator[BundledLine]:
    """Yield all lines of a journal, damaged ones and segments that cannot be read as well."""
    for path in sorted((folder / "journal").glob("*.jsonl")):
        offset = 0
        try:
            with path.open("rb") as file:
                texts = lines.Texts(path, partial(lines.read_line, file.fileno(), 0))
                for raw in file:
                    if not (offset == 0 and lines.is_packed(path)):  # its texts are documents
                        yield _line(path.name, offset, raw, texts)
                    offset += len(raw)
        except OSError as error:
            yield BundledLine(path.name, offset, 0, state=f"cannot be read: {error.strerror}")


def _line(segment: str, offset: int, raw: bytes, texts: lines.Texts) -> BundledLine:
    if lines.is_whole(raw.removesuffix(b"\n")):
        with suppress(ValueError, KeyError, TypeError, RecursionError, AutodataError):
            entry = lines.decode(raw, texts)
            if isinstance(entry.body, dict):
                return BundledLine(segment, offset, len(raw), entry)
    state = "damaged" if raw.endswith(b"\n") else "torn"
    return BundledLine(
        segment, offset, len(raw), None, unescaped(raw.decode("utf-8", "replace")), state
    )


def _config(run: Json | None) -> Config | None:
    try:
        return recorded_config(RunRecord.from_json(run).config) if run else None
    except AutodataError:
        return None


@dataclass(slots=True)
class _Journal:
    """What a first reading gathers: the run, texts to scrub, whether a private one is not known."""

    run: Json | None = None
    texts: set[str] = field(default_factory=set)
    gaps: bool = False


def _read(folder: Path) -> _Journal:
    reading = _Journal()
    for line in journal(folder):
        if line.entry is None:
            reading.gaps |= (
                not line.size or '"zstd":"' in line.wrong
            )  # packed: what it says is unknown
            continue
        reading.texts.update(texts(line.entry.body))
        if line.entry.kind == RunRecord.KIND:
            reading.run = line.entry.body
    return reading


def _documents(root: Path, config: Config | None) -> list[Document] | None:
    """Return the run's documents, None where they cannot be read."""
    if config is None:
        return None
    try:
        return read_corpus(config.documents, root).documents or None
    except (AutodataError, OSError):
        return None


def _scrubber(
    folder: Path,
    root: Path,
    project: Project | None,
    documents: list[Document],
    quoting: list[str],
) -> Scrubber:
    """Return a scrubber that knows these texts, the keys, and everything private."""
    clean = without_keys(os.environ, project.config.secrets if project else [])
    secrets = [value.strip() for name, value in os.environ.items() if name not in clean]
    pydoc = all(len(document.name) < 32 and "." not in document.name for document in documents)
    names = [] if pydoc else [document.name for document in documents]
    places = {str(root): "PROJECT", str(Path.home()): "~", str(PACKAGE): "AUTODATA"}
    scrubber = Scrubber([*secrets, *names], places)
    for text in quoting:
        scrubber.add(text)
    scrubber.keep_own_words(PACKAGE)
    for document in documents:
        scrubber.hide(document.text)
    for line in journal(folder):
        for text in private(line.entry.body) if line.entry else [line.wrong]:
            scrubber.hide(text)
    return scrubber


def _skeleton(line: BundledLine, redact: Tell) -> Json:
    place: Json = {"segment": line.segment, "offset": line.offset, "bytes": line.size}
    if line.entry is None:
        return {**place, "wrong": line.state}
    entry = line.entry
    head = {"kind": entry.kind, "key": entry.key, "at": entry.at}
    return {**place, **head, "body": skeleton(entry.body, redact)}


def _about(root: Path) -> Json:
    packages = {}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            packages[name] = metadata.version(name)
    space = os.statvfs(root)
    return {
        "autodata": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "free_bytes": space.f_bavail * space.f_frsize,
        "made_at": time.time(),
        "packages": packages,
    }


def _state(folder: Path) -> Json:
    state = read_state(folder)
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with suppress(OSError):
            files[path.relative_to(folder).as_posix()] = path.stat().st_size
    return {
        "folder": state.id,
        "state": state.state,
        "pid": state.pid,
        "created_at": state.created_at,
        "kind": state.kind,
        "simulated": state.simulated,
        "counts": state.counts,
        "files": files,
    }


def _tests(runs: Path) -> list[Json]:
    """Return the project's record of tests: hashes and names of runs."""
    try:
        entries = [line.entry() for line in lines.scan(looks.place(runs), last=True)]
    except StoreError as error:
        return [{"wrong": type(error).__name__}]
    return [{"kind": e.kind, "key": e.key, "at": e.at, **e.body} for e in entries]


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LINES * LONGEST))
            text = file.read().decode("utf-8", "replace")
    except OSError as error:
        return [f"cannot be read: {error.strerror}"]
    return [line[:LONGEST] for line in text.splitlines()[-LINES:]]


def _jsonl(rows: list[Json]) -> str:
    return "".join(json.dumps(row, default=str) + "\n" for row in rows)


def _write(bundle: Bundle, out: Path) -> None:
    part = out.with_name(f"{out.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
            for name, text in bundle.files.items():
                file.writestr(name, text)
        part.replace(out)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise StoreError(
            f"{out} cannot be written: {error.strerror}", "choose another place: --out FILE"
        ) from error
