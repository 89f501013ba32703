"""`doctor --call` asks each role as a run would."""

import json
from typing import Any

import pytest

from tests.support.command_line import Done, Place, edit_texts, good, served
from tests.support.doctor import KEY, bad, openai
from tests.support.loopback import Action, Say, Script, Seen, Status

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
        "answer_consistent": True,
        "without_document": False,
        "context_suffices": True,
        "verdict": "pass",
        "feedback": "",
    },
    "AuditorReply": {
        "leak": False,
        "ambiguous": False,
        "bare_number": False,
        "rubric_fair": True,
        "without_document": False,
        "comment": "",
    },
    "JudgeReply": {"verdicts": [{"number": 1, "satisfied": True}]},
    "AnalysisReply": {"root_cause": "none", "hypotheses": []},
    "EditReply": {"summary": "none", "patches": [], "knobs": []},
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


ROLES = (
    "main",
    "challenger",
    "verifier",
    "weak",
    "strong",
    "judge",
    "auditor",
    "analyzer",
    "implementer",
)


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
    assert sorted(tools) == ["read", "trajectory", "trajectory"]
    for one in seen:
        assert one.headers["Authorization"] == f"Bearer {KEY}"
        assert one.body["max_tokens"] == 300
        assert one.body["top_p"] == 0.7
        assert one.body.get("temperature") in (None, 0.5)
    lines = [line for line in done.out.splitlines() if "tokens, $" in line]
    assert [line.split()[1] for line in lines[:-1]] == [
        *ROLES[:8],
        "analyzer",
        "implementer",
        "implementer",
    ]
    assert 'called read {"offset": 0}' in lines[0]
    assert "weak (one, openai): blue" in done.out
    assert lines[-1] == "ok   11 calls, 165 tokens, $0.0007"
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
        "implementer",
    ]
    assert "auto tool choice is not enabled" in told[0]
    assert "sent no usable answer" in told[1]
    assert "does not fit its schema: not JSON" in told[2]
    assert "longer than max_tokens" in told[5]
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
