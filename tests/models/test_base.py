"""Requests, replies and the key under which a call is journaled."""

import json
from dataclasses import replace

import pytest

from autodata.models.base import Message, Place, Reply, Request, Site, Tool, ToolCall, call_key
from autodata.types import EpisodeKey

CALL = ToolCall("c1", "look", {"at": [1, {"x": "é"}]})
FULL = Request(
    messages=(Message("user", "hi"), Message("assistant", "", (CALL,)), Message("tool", "x")),
    schema={"type": "object"},
    schema_name="s",
    tools=(Tool("look", "looks", {"type": "object"}),),
    temperature=0.0,
    max_tokens=5,
    stop=("\n",),
    seed=0,
)
SITE = Site("weak", "r1.weak.1", "t", "d", "train", 0)


def test_calls_have_their_sites_in_the_place_of_their_episode() -> None:
    place = Place("t", "d", "train", 2, "c1", "commit")
    site = place.site("weak", "r1.weak.1")
    assert (site.role, site.ordinal, site.candidate_id, site.commit) == (
        *("weak", "r1.weak.1"),
        *("c1", "commit"),
    )
    assert site == Site("weak", "r1.weak.1", "t", "d", "train", 2)
    assert site.episode == EpisodeKey("t", "d", 2)
    assert Place("t").site("analyzer", "i1").episode is None


def test_the_key_of_a_call_is_what_it_was() -> None:
    """Runs of earlier versions are found by it."""
    site = Place("t", "d", "train", 2, "c1", "commit").site("weak", "r1.weak.1")
    assert call_key(site, "big", "m", Request(prompt="x")) == "55ef66096f3b0bb700acf37c710b6f7f"


def test_request_as_json_has_what_is_set_and_nothing_else() -> None:
    data = FULL.to_json()
    assert set(data) == {
        *("messages", "schema", "schema_name", "tools"),
        *("temperature", "max_tokens", "stop", "seed"),
    }
    assert (data["temperature"], data["seed"]) == (0.0, 0)
    assert data["messages"][1]["tool_calls"][0]["arguments"] == {"at": [1, {"x": "é"}]}
    assert Request(prompt="x").to_json() == {"prompt": "x"}
    json.dumps(data)


def test_reply_survives_json() -> None:
    reply = Reply("hé", "tool_calls", (CALL,), 1, 2, 3, "m", 0.5, 0.25)
    assert Reply.from_json(json.loads(json.dumps(reply.to_json()))) == reply


@pytest.mark.parametrize(
    "other",
    [
        replace(FULL, temperature=0.1),
        replace(FULL, seed=1),
        replace(FULL, seed=None),
        replace(FULL, max_tokens=6),
        replace(FULL, stop=()),
        replace(FULL, schema={"type": "array"}),
        replace(FULL, messages=FULL.messages[:2]),
    ],
)
def test_any_change_of_the_request_is_another_call(other: Request) -> None:
    assert call_key(SITE, "e", "m", FULL) != call_key(SITE, "e", "m", other)


def test_advice_to_cache_is_no_part_of_a_call() -> None:
    assert call_key(SITE, "e", "m", replace(FULL, again=True)) == call_key(SITE, "e", "m", FULL)


def test_place_and_model_are_in_the_key_and_names_of_candidates_are_not() -> None:
    key = call_key(SITE, "e", "m", FULL)
    assert call_key(SITE, "e2", "m", FULL) != key
    assert call_key(SITE, "e", "m2", FULL) != key
    assert call_key(replace(SITE, repeat=1), "e", "m", FULL) != key
    assert call_key(replace(SITE, candidate_id="c9", commit="abc"), "e", "m", FULL) == key
