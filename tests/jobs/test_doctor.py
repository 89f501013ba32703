"""`doctor` tells all faults at once, changes nothing, and `--call` asks as a run would."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autodata.config.providers.openai import OpenAIConfig
from autodata.jobs.doctor.probes import ask_all
from tests.support.command_line import ROOT, Done, Place, edit_texts, good, served
from tests.support.loopback import Action, Loopback, Models, Say, Script, Seen, Silence, Status

KEY = "sk-planted-0123456789"


def bad(done: Done) -> list[str]:
    """The problems that doctor found, each with its fix."""
    assert "Traceback" not in done.err
    lines = done.out.splitlines()
    found = [number for number, line in enumerate(lines) if line.startswith("BAD  ")]
    assert done.code == (2 if found else 0), done.out
    fixes = [next((x for x in lines[n + 1 :] if not x.startswith("      ")), "") for n in found]
    assert all(fix.startswith("     fix: ") for fix in fixes), done.out
    return [f"{lines[n][5:]} | {fix[10:]}" for n, fix in zip(found, fixes, strict=True)]


def openai(place: Place, address: str, name: str = "m", more: str = "") -> None:
    """Let the project's models be one at an OpenAI-compatible server."""
    place.write(
        "http.yaml",
        f"models: {{one: {{provider: openai, model: '{name}', base_url: '{address}', "
        f"api_key_env: TEST_KEY{more}}}}}\n"
        "roles: {weak: {model: one}, strong: {model: one, mode: privileged}}\n",
    )


def test_all_faults_are_told_at_once(fresh: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    fresh.edit("autodata.yaml", "source: pydoc", "source: nowhere")
    fresh.edit("autodata.yaml", "test: 80", "test: 3")
    fresh.edit("autodata.yaml", "acceptance: verifiable", "acceptance: verifable")
    fresh.write("harnesses/lambada/workflow.py", "def run(document, knobs, seed:\n")
    fresh.write("runs", "in the way")
    with served(lambda _: Say()) as server:
        address = server.url
    openai(fresh, address)
    told = "\n".join(bad(fresh("doctor", "--models=http.yaml", "--set=optimize.selection=tomson")))
    for problem, fix in (
        (f"{fresh.folder}/runs cannot be written", "make room"),
        ("workflow.py, line ", "correct workflow.py"),
        ("nowhere does not exist", "name a folder"),
        ("the test split has 3 documents, the search needs 10", "larger share"),
        ("optimize.selection is 'tomson'", "did you mean thompson?"),
        ("unknown preset 'verifable'", "did you mean 'verifiable'?"),
        (f"model one (openai): m at {address}: nobody listens there", "models.one.base_url"),
    ):
        assert [line for line in told.splitlines() if problem in line and fix in line], told


def test_every_mistake_in_the_file_is_told_with_its_line(fresh: Place) -> None:
    fresh.write(
        "autodata.yaml",
        "harness: lambada\n"
        "documents: {source: nowhere, min_chars: -1}\n"
        "models:\n"
        "  small: {provider: simulatd}\n"
        "  large: {provider: simulated, slots: 3, base_url: 'http://h:0/v1'}\n"
        "  large: {provider: simulated, slots: 3}\n"
        "roles: {weak: {model: small}, strong: {}}\n"
        "protocol: {max_rounds: 0, numbers: {weak_mean_max: high, wek_max: 1}}\n"
        "optimise: {iterations: 3}\n"
        "budget: {usd: many, hours: -1}\n",
    )
    told = bad(fresh("doctor", "--set=optimize"))
    starts = [line.split(": ")[0] for line in told]
    assert starts == [
        "autodata.yaml, line 6",
        "--set optimize",
        *(f"autodata.yaml, line {line}" for line in (2, 4, 6, 7, 8, 8, 10, 10, 9)),
    ]
    assert "large is there twice" in told[0]
    assert "slots: provider simulated has no use for it" in told[4]
    assert "'optimize'" in told[-1]


def test_what_follows_from_a_mistake_alone_is_not_told(fresh: Place) -> None:
    fresh.edit("autodata.yaml", "small: {provider: simulated", "small: {provider: simulatd")
    (told,) = bad(fresh("doctor"))
    assert "models.small.provider" in told
    fresh.edit("autodata.yaml", "small: {provider: simulatd", "small: {provider: simulated")
    fresh.edit("autodata.yaml", "source: pydoc", "sorce: nowhere")
    (told,) = bad(fresh("doctor"))
    assert "did you mean 'source'?" in told


def test_every_wrong_number_of_the_preset_is_told(fresh: Place) -> None:
    told = bad(
        fresh(
            "doctor",
            "--set=protocol.numbers={weak_max: 7, wek_max: 0.5, weak_correct_max: 4, "
            "strong_correct_min: 9}",
        )
    )
    assert [line.split(":")[0] for line in told] == [
        "protocol.numbers.weak_max",
        "protocol.numbers",
        "protocol.numbers.weak_correct_max",
        "protocol.numbers.strong_correct_min",
    ]


def test_documents_too_few_for_the_splits(fresh: Place) -> None:
    fresh.write("few/a.txt", "One document.")
    (told,) = bad(fresh("doctor", "--set=documents={source: few}"))
    assert "1 documents, but the splits need 116" in told


def test_every_document_that_is_left_out_is_listed(fresh: Place) -> None:
    for number in range(120):
        fresh.write(f"papers/{number:03}.txt", f"Paper {number}.")
    for number in range(5):
        fresh.write(f"papers/empty{number}.txt", " ")
    (fresh.folder / "papers/bytes.txt").write_bytes(b"\xff\xff")
    done = good(fresh("doctor", "--set=documents={source: papers}"))
    assert "120 documents of 126: 5 empty, 1 not UTF-8" in done.out
    for name in ("bytes.txt", *(f"empty{number}.txt" for number in range(5))):
        assert f"     {name} (" in done.out
    (told,) = bad(fresh("doctor", "--set=documents={source: papers, strict: true}"))
    assert "documents.strict" in told


def test_it_writes_as_a_run_would_and_leaves_nothing(fresh: Place) -> None:
    before, refs = fresh.files(), fresh.git("for-each-ref")
    good(fresh("doctor"))
    assert fresh.files() == before
    assert not (fresh.folder / "runs").exists()
    assert fresh.git("for-each-ref") == refs
    (fresh.folder / ".git/refs/autodata").rmdir()
    (fresh.folder / ".git/refs/autodata").write_text("in the way")
    (told,) = bad(fresh("doctor"))
    assert "git update-ref failed" in told


def test_a_disk_that_is_full_is_told(fresh: Place) -> None:
    program = (
        "import resource, sys\n"
        "from autodata.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "main(['doctor'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=fresh.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = bad(Done(done.returncode, done.stdout, done.stderr))
    assert f"{fresh.folder}/runs cannot be written: File too large" in told[0]


LIST = {"data": [{"id": "qwen3-32b"}, {"id": "qwen3-8b"}, {"id": "llama4:latest"}]}


@pytest.mark.parametrize(
    ("models", "name", "problem", "fix"),
    [
        (LIST, "qwen3-8b", "", ""),
        (LIST, "llama4", "", ""),
        (LIST, "default", "", ""),
        ({"data": [{"id": "a.gguf", "owned_by": "llamacpp"}]}, "whatever", "", ""),
        ({"object": "thing"}, "qwen3-8b", "", ""),
        (None, "qwen3-8b", "", ""),
        (Status(429, {"error": {"message": "slow down"}}), "qwen3-8b", "", ""),
        (
            LIST,
            "qwen3-8B",
            "does not list that model, but qwen3-32b, qwen3-8b,",
            "model: qwen3-8b?",
        ),
        (LIST, "gpt-5", "does not list that model", "correct models.one.model"),
        ("<html>Welcome</html>", "qwen3-8b", "is no API", "http://host:8000/v1"),
        (
            Status(401, {"error": {"message": "no"}}),
            "qwen3-8b",
            "not accept the key",
            "api_key_env",
        ),
        (
            Status(500, {"error": {"message": "oh"}}),
            "qwen3-8b",
            "failed (500)",
            "see that it is up",
        ),
    ],
)
def test_an_endpoint_is_asked_for_its_models(
    fresh: Place,
    monkeypatch: pytest.MonkeyPatch,
    models: Models | None,
    name: str,
    problem: str,
    fix: str,
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.setenv("TEST_TEAM", "team-5")
    with served(lambda _: Say()) as server:
        server.models = models
        openai(fresh, server.url, name, ", headers: {X-Team: {env: TEST_TEAM}}")
        done = fresh("doctor", "--models=http.yaml")
        assert server.seen == []
        assert server.listed[0]["x-team"] == "team-5"
        assert server.listed[0]["Authorization"] == f"Bearer {KEY}"
    told = bad(done)
    assert [problem in line and fix in line for line in told] == [True] * bool(problem), done.out
    assert f"model one (openai): {name} at http" in done.out


def test_an_address_whose_api_begins_elsewhere_is_mended(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    with served(lambda _: Say()) as server:
        server.models = LIST
        openai(fresh, server.root, "qwen3-8b")
        (told,) = bad(fresh("doctor", "--models=http.yaml"))
        assert told.endswith(f"the API begins elsewhere | models.one.base_url: {server.url}")
        openai(fresh, server.url, "claude", ", provider: anthropic")
        fresh.edit("http.yaml", "provider: openai, ", "")
        (told,) = bad(fresh("doctor", "--models=http.yaml"))
        assert told.endswith(f"the API begins elsewhere | models.one.base_url: {server.root}")


def test_anthropic_is_asked_with_its_own_words(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    with served(lambda _: Say()) as server:
        server.models = {"data": [{"id": "claude-5-20260101", "alias": "claude-5"}]}
        for name, problems in (("claude-5-20260101", 0), ("claude-5", 0), ("claude-6", 1)):
            openai(fresh, server.root, name, ", provider: anthropic")
            fresh.edit("http.yaml", "provider: openai, ", "")
            assert len(bad(fresh("doctor", "--models=http.yaml"))) == problems
        assert KEY in server.listed[0]["Authorization"]


def test_servers_that_are_silent_are_not_waited_for() -> None:
    async def ask() -> list[str]:
        async with Loopback() as server:
            server.models = Silence()
            one = OpenAIConfig(provider="openai", model="m", base_url=[server.url, server.url])
            return [check.what for check in await ask_all({"one": one, "two": one}, 0.2)]

    told = asyncio.run(ask())
    assert len(told) == 4
    assert all("no answer within 0.2 s" in line for line in told)


@pytest.mark.parametrize(
    "models",
    [
        Status(401, {"error": {"message": f"bad key {KEY}", "code": KEY}}),
        Status(500, f"{KEY}"),
        f"<html>{KEY}</html>",
        {"data": [{"id": f"\x1b]0;{KEY}"}]},
    ],
)
def test_a_server_that_quotes_the_key_or_writes_to_the_terminal_does_not_get_through(
    fresh: Place, monkeypatch: pytest.MonkeyPatch, models: Models
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    with served(lambda seen: Say(f"\x1b[2J {seen.headers['Authorization']}")) as server:
        server.models = models
        openai(fresh, server.url)
        done = fresh("doctor", "--call", "--models=http.yaml")
    assert "***" in done.out
    assert KEY not in done.out + done.err
    assert "\x1b" not in done.out


REPLIES: dict[str, Any] = {
    "ExampleReply": {
        "kind": "k",
        "skills": [],
        "context": "c",
        "question": "q",
        "answer": "a",
        "rubric": [],
    },
    "VerifierReply": {
        "context_leak": False,
        "question": "good",
        "rubric_pass": True,
        "rubric_faults": 0,
        "answer_consistent": True,
        "overall": True,
        "feedback": "",
    },
    "JudgeReply": {"verdicts": [{"number": 1, "satisfied": True}]},
    "AnalysisReply": {"root_cause": "none", "advice": "none", "predictions": []},
    "EditReply": {"summary": "none", "files": [], "knobs": []},
}


def shape(seen: Seen) -> str:
    """The name of the schema that a request asks for."""
    named: str = seen.body.get("response_format", {}).get("json_schema", {}).get("name", "")
    return named


def as_asked(seen: Seen) -> Action:
    """Answer with what fits: JSON of the schema, a call of the first tool, or a word."""
    if named := shape(seen):
        return Say(json.dumps(REPLIES[named]))
    if tools := seen.body.get("tools"):
        return Say("", tools=(("1", tools[0]["function"]["name"], '{"offset": 0}'),))
    return Say("blue")


ROLES = ("main", "challenger", "verifier", "weak", "strong", "judge", "analyzer", "implementer")


def all_roles(place: Place, address: str) -> None:
    """Let one priced model at a server play all roles."""
    edit_texts(place)
    openai(place, address, "m", ", price: {input: 1.0, output: 10.0}, max_tokens: 300, top_p: 0.7")
    text = (place.folder / "http.yaml").read_text().splitlines()[0]
    roles = ", ".join(f"{role}: {{model: one, temperature: 0.5}}" for role in ROLES)
    place.write("http.yaml", f"{text}\nroles: {{{roles}}}\n")


def called(place: Place, script: Script) -> tuple[Done, list[Seen]]:
    """Let doctor call a server for each role; return what it said and what the server saw."""
    with served(script) as server:
        all_roles(place, server.url)
        return place("doctor", "--call", "--models=http.yaml"), list(server.seen)


def test_a_call_for_each_role_is_what_a_run_would_send(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    done, seen = called(fresh, as_asked)
    good(done)
    assert sorted(filter(None, map(shape, seen))) == sorted(REPLIES)
    tools = [one.body["tools"][0]["function"]["name"] for one in seen if "tools" in one.body]
    assert sorted(tools) == ["read", "trajectory"]
    for one in seen:
        assert one.headers["Authorization"] == f"Bearer {KEY}"
        assert one.body["max_tokens"] == 300
        assert one.body["top_p"] == 0.7
        assert one.body.get("temperature") in (None, 0.5)
    lines = [line for line in done.out.splitlines() if "tokens, $" in line]
    assert [line.split()[1] for line in lines[:-1]] == [*ROLES[:7], "analyzer", "implementer"]
    assert 'called read {"offset": 0}' in lines[0]
    assert "weak (one, openai): blue" in done.out
    assert lines[-1] == "ok   9 calls, 135 tokens, $0.0005"
    assert not (fresh.folder / "runs").exists()


def test_a_role_whose_reply_cannot_be_used_is_told_and_hides_no_other(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)

    def script(seen: Seen) -> Action:
        if shape(seen) == "JudgeReply":
            return Say("It is fine.")
        if shape(seen) == "EditReply":
            return Say("{", finish="length")
        if shape(seen) == "VerifierReply":
            return Status(200, "<html>Welcome</html>")
        if "tools" in seen.body:
            return Status(400, {"error": {"message": "auto tool choice is not enabled"}})
        return as_asked(seen)

    done, _ = called(fresh, script)
    told = bad(done)
    assert [line.split()[0] for line in told] == [
        "main",
        "verifier",
        "judge",
        "analyzer",
        "implementer",
    ]
    assert "auto tool choice is not enabled" in told[0]
    assert "sent no usable answer" in told[1]
    assert "does not fit its schema: not JSON" in told[2]
    assert "longer than max_tokens" in told[4]
    assert "ok   challenger" in done.out


def test_a_model_that_cannot_be_served_hides_no_other(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    edit_texts(fresh)
    vllm = "--set=models.chat={provider: vllm, model: m, python: /no/python}"
    done = fresh("doctor", "--call", vllm, "--set=protocol.acceptance=proze")
    told = bad(done)
    assert [("python cannot be run" in line, "'proze'" in line) for line in told] == [
        (False, True),
        (True, False),
    ]
    assert "ok   weak (small, simulated): " in done.out
    assert "main (" not in done.out


def test_a_model_without_its_key_is_not_asked(fresh: Place) -> None:
    with served(as_asked) as server:
        openai(fresh, server.url)
        (told,) = bad(fresh("doctor", "--call", "--models=http.yaml"))
        assert "the environment has no TEST_KEY" in told
        assert (server.seen, server.listed) == ([], [])


def test_a_folder_inside_a_repository_is_in_one(fresh: Place) -> None:
    below = Place(fresh.folder / "below")
    below.folder.mkdir()
    (fresh.folder / "autodata.yaml").rename(below.folder / "autodata.yaml")
    assert "no git repository" not in below("doctor").out


def test_a_script_that_is_not_there_is_told(fresh: Place, tmp_path: Path) -> None:
    (told,) = bad(fresh("doctor", "--set=models.small={provider: scripted, script: no.json}"))
    assert "model small (scripted): script " in told
