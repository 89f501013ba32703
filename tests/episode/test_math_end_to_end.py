"""Whole episodes of the shipped mathematical harnesses, scripted, with the real math-verify."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autodata.config.file import load_config
from autodata.engine.engine import engine
from autodata.episode.strangers import GOOD_ANSWER
from autodata.harness.spec import Harness, load_folder, with_knobs
from autodata.project import Project
from autodata.report.display import Display
from autodata.store.episodes import EpisodeRecord, ExecutionRecord
from autodata.store.journal import Journal
from autodata.types import Candidate, Cell, Document, Json, Split
from tests.domains.test_mathematics import GOOD_LOOK
from tests.support.episodes import GOOD_CHECK

pytest.importorskip("math_verify", reason="needs the extra `math`")

ROOT = Path(__file__).parents[2]
PLACES = [folder / "shared/corpora/math-science/matrix.md" for folder in ROOT.parents]
CORPUS = next((place for place in PLACES if place.is_file()), PLACES[0])
ROLES = ("main", "challenger", "verifier", "weak", "strong", "judge")
TEXT = "The square of x is larger by one than the product of its neighbours. " * 20
APART = {"first": "", "second": "", "difference": "they differ", "same": False}
KEY = "$x^2-1$"


def drafted(question: str, answer: str) -> Json:
    return {
        "work": "worked out",
        "kind": "derivation",
        "skills": ["algebra"],
        "context": "",
        "question": question,
        "answer": answer,
        "rubric": [],
    }


SCRIPTS: dict[str, list[tuple[str, Json | str]]] = {
    "main": [
        ("Below are drafts", "Draft 3 is wrong.\nPICKED: 2, 1"),
        ("You plan mathematical questions", "ANGLE 1: neighbours\nANGLE 2: halves\nANGLE 3: x"),
    ],
    "challenger": [
        ("Reason step by step and check your result", f"It is so.\nAnswer: {KEY}"),
        ("rules win):\n\nneighbours", drafted("What is $(x-1)(x+1)$, expanded?", KEY)),
        ("rules win):\n\nhalves", drafted("What is one half of 4?", r"$\frac{4}{2}$")),
        ("", drafted("What is the product of the neighbours of $x$?", KEY)),
    ],
    "verifier": [
        (GOOD_ANSWER[:40], GOOD_LOOK | {"from_document": False}),  # in place of a wrong document
        ("Solve the problem on your own", {"reasoning": "", "answer": KEY}),
        ("written from a source document", GOOD_LOOK),
        ("You check a mathematical question before", GOOD_CHECK),
    ],
    "judge": [("first_answer", APART)],
    "weak": [("", "Das weiß ich nicht.\nAnswer: eine Zahl, die man nicht kennt")],
    "strong": [("", f"It follows.\n**Answer:** {KEY}.")],
}


async def played(
    root: Path, harness: Harness, document: Document, scripts: dict[str, Any]
) -> tuple[bool, Json, list[ExecutionRecord], int]:
    """Run an episode with everything real but the models."""
    models = {}
    for role, lines in scripts.items():
        said = [
            {"contains": part, "text": text if isinstance(text, str) else json.dumps(text)}
            for part, text in lines
        ]
        (root / f"{role}.json").write_text(json.dumps(said))
        models[role] = {"provider": "scripted", "script": f"{role}.json"}
    settings = {
        "harness": harness.name,
        "models": models,
        "roles": {role: {"model": role} for role in ROLES},
        "protocol": {"domain": "math", "acceptance": "verifiable"},
    }
    place = Project(root, load_config(json.dumps(settings), "a.yaml", []), "a.yaml")
    splits: dict[Split, list[Document]] = {"train": [document], "validation": [], "test": []}

    async def load(_: Candidate) -> Harness:
        return harness

    journal = Journal.open(root / "run")
    try:
        async with engine(place, journal, splits, load, Display()) as running:
            candidate = Candidate("c0", "f" * 40, harness.tree, None, harness.values)
            cell = Cell(document.id, "train", 0)
            [outcome] = await running.evaluator.evaluate(candidate, [cell])
            answered = running.caller.status().answered
        [episode] = [fact.record.to_json() for fact in journal.records(EpisodeRecord)]
        executions = [fact.record for fact in journal.records(ExecutionRecord)]
        return outcome.accepted, episode, executions, answered
    finally:
        await journal.close()


@pytest.fixture
def harness() -> Harness:
    return with_knobs(load_folder(ROOT / "harnesses" / "math"), {"rounds": 1, "challengers": 3})


async def test_scripted_models_take_a_document_to_an_accepted_question(
    tmp_path: Path, harness: Harness
) -> None:
    document = Document("d" * 16, "squares.md", TEXT)
    accepted, episode, executions, _ = await played(tmp_path, harness, document, SCRIPTS)
    assert accepted, episode["reason"]
    first, second = episode["rounds"]
    assert first["verdict"]["reasons"] == ["the answer comes to a bare number"]
    assert first["attempts"] == []
    assert second["example"]["answer"] == KEY
    attempts = [*second["attempts"], *second["confirmation"]["attempts"]]
    counted = Counter((a["role"], a["scored_by"], a["score"]) for a in attempts)
    assert {(role, who) for role, who, _ in counted} == {("weak", "judge"), ("strong", "text")}
    assert {score for role, _, score in counted if role == "weak"} == {0.0}
    assert [record.function.rpartition(":")[2] for record in executions] == ["examined"] * 2
    [checked] = [v for v in second["verifications"] if v["frozen"]]
    assert checked["checks"]["solved_blind"] == 1
    again = await played(tmp_path, harness, document, SCRIPTS)
    assert again == (accepted, episode, executions, 0)


@pytest.mark.parametrize("name", ["cot-math", pytest.param("math", marks=pytest.mark.thorough)])
async def test_it_runs_on_the_corpus(tmp_path: Path, name: str) -> None:
    if not CORPUS.is_file():
        pytest.skip(f"{CORPUS} is not here: the openly licensed documents are no part of autodata")
    harness = load_folder(ROOT / "harnesses" / name)
    document = Document("e" * 16, CORPUS.name, CORPUS.read_text("utf-8"))
    accepted, episode, _, _ = await played(tmp_path, harness, document, SCRIPTS)
    assert accepted, episode["reason"]
