"""A bundle helps with a bug and has no documents, examples or keys, whatever state a run is in."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from autodata.store.lines import Entry, encode, is_packed, read_entries, segments
from tests.support.command_line import (
    RUN,
    TINY,
    Done,
    Place,
    copied,
    edit_texts,
    good,
    new_place,
    refused,
    rewritten,
)

KEY = "planted-key-5521bf"
OTHER_KEY = "planted-too-80c3"
MADE = "What fenkjolofenk did the zoltprynzolt teach to its vexblimtarn?"
"""What a model made of a document."""
SYLLABLES = ("quor", "vex", "blim", "tarn", "zolt", "pryn", "gwix", "udra", "fenk", "jolo")


def invented(rng: Random) -> str:
    return "".join(rng.choice(SYLLABLES) for _ in range(4))


def documents(place: Place, count: int = 40) -> set[str]:
    """Write documents of words that nobody else has; return the words."""
    rng, words = Random(7), set[str]()
    for number in range(count):
        sentences = []
        for _ in range(30):
            said = [invented(rng) for _ in range(8)]
            words.update(said)
            sentences.append(f"The {said[0]} of {' and '.join(said[1:])}.")
        place.write(f"texts/{invented(rng)}-{number}.md", " ".join(sentences))
    words.update(path.stem for path in (place.folder / "texts").iterdir())
    return words


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys as a user has them: in the environment."""
    monkeypatch.setenv("WEAK_API_KEY", KEY)
    monkeypatch.setenv("JUDGE_TOKEN", OTHER_KEY)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, set[str]]:
    """A search with an analyzer and an implementer on documents of invented words; the words."""
    place = new_place(tmp_path_factory.mktemp("told") / "project")
    words = documents(place)
    edit_texts(place)
    place.edit("autodata.yaml", "source: pydoc", "source: texts")
    place.edit("autodata.yaml", "chunk_chars: 3000", "chunk_chars: 0")
    place.edit("autodata.yaml", "proposer: mix", "proposer: llm")
    good(place("optimize", f"--run={RUN}", "--set=optimize.minibatch=2", *TINY))
    quoting(place, words)
    return place, words


@pytest.fixture
def quoted(told: tuple[Place, set[str]], tmp_path: Path) -> tuple[Place, set[str]]:
    """A copy of it, to be changed."""
    return copied(told[0].folder, tmp_path / "quoted"), told[1]


def bundled(place: Place, run: str = RUN) -> dict[str, str]:
    """Make a bundle and read it."""
    done = good(place("bundle", run, "--out=b.zip"))
    with zipfile.ZipFile(place.folder / "b.zip") as file:
        found = {name: file.read(name).decode() for name in file.namelist()}
    (place.folder / "b.zip").unlink()
    for name in found:
        assert name in done.out
    return found


def leaked(text: str) -> set[str]:
    """Return what a text has of invented words: two of their syllables in a row are one."""
    syllables = "|".join(SYLLABLES)
    return set(re.findall(f"(?i)(?:{syllables}){{2,}}", text))


def rows(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def quoting(place: Place, words: set[str]) -> None:
    """Plant quotations of documents and the key where a server or an error might put them."""
    text = next((place.folder / "texts").glob("*.md")).read_text()
    quoted = [
        f"slot 1 prompt: {text[:120]}",
        json.dumps({"prompt": text[40:160]}),
        f"rejected {sorted(words)[3]} {sorted(words)[4]} with {KEY}",
        f"running with {OTHER_KEY} and {MADE}",
        f"non-default args: {{'api_key': ['{KEY}']}} at http://me:{KEY}@host/v1",
    ]

    def edit(r: Entry) -> Entry:
        if r.kind == "session":
            return replace(r, body={**r.body, "reason": quoted[0]})
        if r.kind == "call":
            reply = {**r.body["reply"], "text": MADE}
            return replace(r, body={**r.body, "reply": reply, "problem": quoted[2]})
        if r.kind == "episode":
            return replace(r, body={**r.body, "reason": f"{text[10:60]} is no word"})
        return r

    rewritten(place, RUN, edit)
    place.write(f"runs/{RUN}/servers/weak-0.log", "\n".join(["server listens", *quoted]) + "\n")


def test_a_bundle_tells_what_helps(finished: Place) -> None:
    found = bundled(finished)
    assert sorted(found) == [
        "README.txt",
        "about.json",
        "calls.jsonl",
        "facts.jsonl",
        "settings.json",
        "state.json",
        "tests.jsonl",
    ]
    about, state = json.loads(found["about.json"]), json.loads(found["state.json"])
    assert {"autodata", "python", "platform", "packages"} <= set(about)
    records = list(read_entries(finished.folder / "runs" / RUN))
    assert state["state"] == "finished"
    assert sum(state["counts"].values()) == len(records)
    assert json.loads(found["settings.json"])["run"]["optimize"]["alpha"] == 0.3
    facts, calls = rows(found["facts.jsonl"]), rows(found["calls.jsonl"])
    assert len(facts) + len(calls) == len(records)
    by_key = {(row["kind"], row["key"]): row["body"] for row in facts}
    certificate = next(r.body for r in records if r.kind == "certification")
    assert by_key["certification", "c3"] == certificate
    iteration = by_key["iteration", "1"]
    assert isinstance(iteration, dict)
    assert iteration["decision"] in ("admitted", "rejected", "refused")
    assert iteration["reason"]
    first = next(row["body"] for row in calls if row["kind"] == "call")
    assert isinstance(first, dict)
    assert first["outcome"] == "ok"
    assert first["request_chars"] > 0
    assert "request" not in first
    reasons = {str(row["body"]["reason"]) for row in calls if row["kind"] == "episode"}  # type: ignore[index]
    assert any("strong correct too seldom" in reason for reason in reasons)
    for name in found:
        assert name == "README.txt" or f"{name}: " in found["README.txt"]


def test_no_text_of_a_document_and_no_key_is_in_it(told: tuple[Place, set[str]]) -> None:
    place, _ = told
    journal = json.dumps([record.body for record in read_entries(place.folder / "runs" / RUN)])
    assert len(leaked(journal)) > 1_000
    assert '"analyzer"' in journal
    assert '"implementer"' in journal
    found = bundled(place)
    everything = "\n".join(found.values())
    assert leaked(everything) == set()
    assert KEY not in everything
    assert OTHER_KEY not in everything
    assert str(place.folder) not in everything
    log = found["servers/weak-0.log"]
    first, second = log.splitlines()[:2]
    assert (first, second[:7], second[-5:]) == ("server listens", "slot 1 ", "[...]")
    assert len(log.splitlines()) == 6
    assert '"role": "analyzer"' in found["calls.jsonl"]


def test_settings_are_told_without_addresses_and_keys(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    good(fresh("optimize", f"--run={RUN}", *TINY))
    monkeypatch.setenv("WEAK", KEY)
    model = (
        f"{{provider: vllm, model: /home/me/secret-place/qwen, base_url: 'http://{KEY}.org/v1', "
        f"api_key_env: WEAK, extra_body: {{user: {KEY}}}}}"
    )
    fresh.edit("autodata.yaml", "models:\n", f"models:\n  mine: {model}\n")
    found = bundled(fresh)
    assert KEY not in "\n".join(found.values())
    mine = json.loads(found["settings.json"])["today"]["models"]["mine"]
    assert (mine["model"], mine["base_url"], mine["extra_body"]) == ("qwen", "(set)", "(1 entries)")
    assert mine["total_s"] == 600


@pytest.mark.parametrize("damage", ["line", "head", "torn", "segment", "renamed", "settings"])
def test_a_broken_run_is_bundled_with_what_is_wrong(
    quoted: tuple[Place, set[str]], damage: str
) -> None:
    place, _ = quoted
    folder = place.folder / "runs" / RUN
    segment = folder / "journal/000001.jsonl"
    raw = segment.read_bytes().splitlines(keepends=True)
    name, wrong = RUN, ""
    if damage == "line":
        raw[5], wrong = raw[5].replace(b'"', b"'", 1), "damaged"
    elif damage == "head":
        raw[0], wrong = b"\xff\x00 no json\n", "damaged"
    elif damage == "torn":
        raw[-1], wrong = raw[-1][:50], "torn"
    segment.write_bytes(b"".join(raw))
    if damage == "segment":
        (folder / "journal/000002.jsonl").mkdir()
        wrong = "cannot be read: Is a directory"
    elif damage == "renamed":
        name = "other"
        folder.rename(folder.with_name(name))
    elif damage == "settings":
        place.write("autodata.yaml", "optimize: {alpha: [}")
    found = bundled(place, name)
    everything = "\n".join(found.values())
    assert leaked(everything) == set()
    assert KEY not in everything
    told = [row["wrong"] for row in rows(found["facts.jsonl"]) if "wrong" in row]
    if damage == "head":  # with the texts that calls and episodes share all of them are lost
        assert set(told) == {wrong}
        assert len(told) > 100
    else:
        assert found["calls.jsonl"]
        assert told == ([wrong] if wrong else [])
    if damage == "settings":
        assert "line 1" in json.loads(found["settings.json"])["trouble"]


def test_without_the_documents_texts_are_told_by_their_length(
    quoted: tuple[Place, set[str]],
) -> None:
    place, _ = quoted
    for path in (place.folder / "texts").iterdir():
        path.unlink()
    found = bundled(place)
    assert leaked("\n".join(found.values())) == set()
    logs = found["servers/weak-0.log"].splitlines()
    assert logs[:2] == ["(14 characters)", "(135 characters)"]
    assert "nothing\nto compare with" in found["README.txt"]


def test_a_bundle_replaces_nothing_and_needs_a_place(finished: Place, tmp_path: Path) -> None:
    mine = tmp_path / "mine.zip"
    mine.write_text("mine")
    refused(finished("bundle", RUN, f"--out={mine}"), f"{mine} is there already", "--out FILE")
    assert mine.read_text() == "mine"
    nowhere = tmp_path / "no/where.zip"
    refused(finished("bundle", RUN, f"--out={nowhere}"), "cannot be written", "--out FILE")
    refused(finished("bundle", "frist"), "there is no run frist", f"did you mean {RUN}?")


def test_a_bundle_changes_nothing_else(mine: Place) -> None:
    before = mine.files()
    done: Done = good(mine("bundle", "last"))
    assert f"wrote {RUN}-bundle.zip" in done.out
    after = mine.files()
    assert after.pop(f"{RUN}-bundle.zip")
    assert after == before


def test_a_packed_journal_is_bundled_like_a_plain_one(quoted: tuple[Place, set[str]]) -> None:
    place, _ = quoted
    [path, *_] = segments(place.folder / "runs" / RUN / "journal")
    assert is_packed(path)
    packed = bundled(place)
    records = list(read_entries(place.folder / "runs" / RUN))
    path.write_bytes(b"".join(encode(record) for record in records))
    plain = bundled(place)
    for name in ("calls.jsonl", "facts.jsonl"):
        assert [kept(row) for row in rows(packed[name])] == [kept(row) for row in rows(plain[name])]
    assert '"texts"' not in packed["facts.jsonl"]


def kept(row: dict[str, object]) -> dict[str, object]:
    """What does not depend on where a record lies."""
    return {name: value for name, value in row.items() if name not in ("offset", "bytes", "size")}
