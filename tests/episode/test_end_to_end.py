"""Whole episodes of the shipped cs-research harness: scripted, simulated, and over HTTP."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autodata.config.file import load_config
from autodata.engine.engine import Engine, engine
from autodata.episode.strangers import EMPTY_ANSWER, GOOD_ANSWER
from autodata.harness.spec import Harness, load_folder, with_knobs
from autodata.project import Project
from autodata.report.display import Display
from autodata.store.episodes import EpisodeRecord
from autodata.store.journal import Journal
from autodata.types import Candidate, Cell, Document, Json, Outcome, Split
from tests.support import episodes
from tests.support.episodes import DOCUMENT, GOOD_CHECK, as_json, verdicts
from tests.support.loopback import Action, Loopback, Say, Seen

HARNESS = with_knobs(
    load_folder(Path(__file__).parents[2] / "harnesses/cs-research"), {"rounds": 3}
)
CANDIDATE = Candidate("c0", "f" * 40, HARNESS.tree, None, HARNESS.values)
INSIGHT, EASY, ERROR = episodes.EXAMPLE.rubric
EXAMPLE = replace(episodes.EXAMPLE, rubric=(INSIGHT, replace(EASY, category="easy"), ERROR))
ROLES = ("main", "challenger", "verifier", "weak", "strong", "judge")
FOREIGN = {**GOOD_CHECK, "without_document": True}
PROBES = 4
WEAK_SAYS, STRONG_SAYS = "It is simply fast.", "Asking again costs more."


def project(root: Path, models: Json, acceptance: str = "deployed") -> Project:
    """A project in which each role is played by the model of its name, or by `all`."""
    roles = {role: {"model": role if role in models else "all"} for role in ROLES}
    protocol = {"domain": "research", "acceptance": acceptance}
    text = json.dumps(
        {"harness": "cs-research", "models": models, "roles": roles, "protocol": protocol}
    )
    return Project(root, load_config(text, "a.yaml", []), "a.yaml")


async def evaluate(
    place: Project, documents: list[Document], repeats: int = 1
) -> tuple[list[Outcome], list[Json], int]:
    """Run the harness with everything real; return outcomes, episodes and calls answered anew."""
    splits: dict[Split, list[Document]] = {"train": documents, "validation": [], "test": []}

    async def load(_: Candidate) -> Harness:
        return HARNESS

    journal = Journal.open(place.root / "run")
    try:
        running: Engine
        async with engine(place, journal, splits, load, Display()) as running:
            cells = [Cell(d.id, "train", repeat) for d in documents for repeat in range(repeats)]
            outcomes = await running.evaluator.evaluate(CANDIDATE, cells)
            answered = running.caller.status().answered
        found = [fact.record.to_json() for fact in journal.records(EpisodeRecord)]
        return outcomes, found, answered
    finally:
        await journal.close()


def script(file: Path, *lines: tuple[str, Json | str]) -> str:
    said = [
        {"contains": part, "text": text if isinstance(text, str) else json.dumps(text)}
        for part, text in lines
    ]
    file.write_text(json.dumps(said))
    return file.name


async def test_scripted_models_take_a_paper_to_an_accepted_example(tmp_path: Path) -> None:
    everyone = script(
        tmp_path / "all.json",
        ("You grade one response", verdicts(False, True)),
        (GOOD_ANSWER, FOREIGN),  # in place of a wrong document
        ("Solve this examination question", "A second solution: asking again costs more."),
        ("You check", GOOD_CHECK),
        ("Write one examination question", as_json(EXAMPLE)),
        ("You plan exam questions", "INSIGHT: asking costs more"),
    )
    judge = script(
        tmp_path / "judge.json",
        (STRONG_SAYS, verdicts(True)),
        (WEAK_SAYS, verdicts(False, True)),
        (EMPTY_ANSWER, verdicts(False)),
        (GOOD_ANSWER, verdicts(False)),
        (EXAMPLE.answer, verdicts(True, True)),
    )
    models = {
        "all": {"provider": "scripted", "script": everyone},
        "judge": {"provider": "scripted", "script": judge},
        "weak": {
            "provider": "scripted",
            "script": script(tmp_path / "w.json", ("", f"{WEAK_SAYS} \ud83d\ude00")),
        },
        "strong": {
            "provider": "scripted",
            "script": script(tmp_path / "s.json", ("", STRONG_SAYS)),
        },
    }
    [outcome], [body], answered = await evaluate(project(tmp_path, models), [DOCUMENT])
    assert outcome.accepted, body["reason"]
    assert body["rounds"][0]["example"]["question"] == EXAMPLE.question
    assert answered == outcome.spend.calls == 17 + 6 * 4 + PROBES
    again, _, answered = await evaluate(project(tmp_path, models), [DOCUMENT])
    assert (again, answered) == ([outcome], 0)


async def test_half_a_character_from_a_model_crashes_nothing(tmp_path: Path) -> None:
    broken = as_json(EXAMPLE) | {"question": "Why \ud800?"}
    everyone = script(
        tmp_path / "all.json",
        ("Write one examination question", broken),
        ("You plan exam questions", "INSIGHT: \ud800"),
        ("", "\udfff"),
    )
    models = {"all": {"provider": "scripted", "script": everyone}}
    [outcome], [body], _ = await evaluate(project(tmp_path, models), [DOCUMENT])
    assert not outcome.accepted
    assert body["status"] == "rejected"


async def test_simulated_models_accept_some_papers_and_always_the_same(tmp_path: Path) -> None:
    models = {
        "all": {"provider": "simulated", "model": "large"},
        "weak": {"provider": "simulated", "model": "small"},
    }
    texts = (
        " ".join(f"Cache{n}{m} keeps what was asked of{n}{m}." for m in range(60)) for n in "abc"
    )
    documents = [Document(f"{n:016x}", f"d{n}", text) for n, text in enumerate(texts)]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    place = project(tmp_path / "a", models)
    outcomes, bodies, _ = await evaluate(place, documents, repeats=2)
    assert {outcome.accepted for outcome in outcomes} == {True, False}
    assert all(body["status"] in ("accepted", "rejected") for body in bodies)
    same, _, answered = await evaluate(project(tmp_path / "b", models), documents, repeats=2)
    assert [o.accepted for o in same] == [o.accepted for o in outcomes]
    assert answered > 0
    questions = {
        (body["document_id"], body["repeat"]): body["rounds"][0]["example"]["question"]
        for body in bodies
        if body["rounds"]
    }
    assert len(set(questions.values())) == len(questions), "repeats are draws of their own"


def words(seen: Seen) -> str:
    """All that a request says, in either format."""
    return json.dumps([seen.body.get("system", ""), seen.body["messages"]])


def loopback_script(tool_finish: str) -> Callable[[Seen], Action]:
    def play(seen: Seen) -> Action:
        match seen.body["model"]:
            case "main" if '"offset": 0' not in words(seen).replace("\\", ""):
                return Say("", tool_finish, (("t1", "read", '{"offset": 0}'),))
            case "main":
                return Say("INSIGHT: asking costs more")
            case "challenger":
                return Say(json.dumps(as_json(EXAMPLE)))
            case "verifier":
                if "Solve this examination question" in words(seen):
                    return Say("Asking again costs more.")
                foreign = "tide gauge" in words(seen)
                return Say(json.dumps(FOREIGN if foreign else GOOD_CHECK))
            case "weak":
                return Say(WEAK_SAYS)
            case "strong":
                return Say(STRONG_SAYS)
        shown = words(seen)
        if "REFERENCE" in shown:
            return Say(json.dumps(verdicts(True, True)))
        if "tide gauge" in shown or EMPTY_ANSWER in shown:
            return Say(json.dumps(verdicts(False)))
        return Say(json.dumps(verdicts(True) if STRONG_SAYS in shown else verdicts(False, True)))

    return play


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_the_same_episode_over_http_in_both_wire_formats(
    tmp_path: Path, provider: str
) -> None:
    finish = "tool_calls" if provider == "openai" else "tool_use"
    async with Loopback(loopback_script(finish)) as server:
        url = server.url if provider == "openai" else server.root
        models = {
            role: {"provider": provider, "model": role, "base_url": url, "max_tokens": 900}
            for role in ROLES
        }
        place = project(tmp_path, models)
        [outcome], [body], _ = await evaluate(place, [DOCUMENT])
        assert outcome.accepted, body
        assert outcome.spend.calls == len(server.seen) == 42 + PROBES
        assert outcome.spend.prompt_tokens == 460
        again, _, answered = await evaluate(place, [DOCUMENT])
        assert (again, answered, len(server.seen)) == ([outcome], 0, 46)
    by_model: dict[str, list[Seen]] = {}
    for seen in server.seen:
        by_model.setdefault(seen.body["model"], []).append(seen)
    assert {name: len(found) for name, found in by_model.items()} == {
        "main": 2,
        "challenger": 1,
        "verifier": 4,
        "weak": 9,
        "strong": 9,
        "judge": 21,
    }
    assert sum("REFERENCE" in words(seen) for seen in by_model["judge"]) == 1  # as an answer
    assert all("SECRET PAPER" not in words(seen) for seen in by_model["weak"])
    assert "SECRET PAPER" in words(by_model["main"][1])
    if provider == "openai":
        assert len({seen.body["seed"] for seen in by_model["weak"]}) == 9
    formats: dict[str, Any] = by_model["challenger"][0].body
    named = "response_format" if provider == "openai" else "output_config"
    assert "rubric" in json.dumps(formats[named])
