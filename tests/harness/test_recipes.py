"""Recipes: a prompt each, chosen by a knob, run from end to end with scripted models."""

from dataclasses import replace
from pathlib import Path

import pytest

from autodata.engine.engine import engine
from autodata.episode.strangers import EMPTY_ANSWER, GOOD_ANSWER
from autodata.errors import HarnessError
from autodata.harness.prompts import RECIPE_FILES
from autodata.harness.spec import Harness, load_folder, with_edits, with_knobs
from autodata.report.display import Display
from autodata.store.episodes import EpisodeRecord
from autodata.store.journal import Journal
from autodata.types import Candidate, Cell, Criterion, Document, Split
from tests.episode.test_end_to_end import FOREIGN, project, script
from tests.harness.test_pipeline import PAPER, Planning, run
from tests.harness.test_shipped import HARNESSES
from tests.support import episodes
from tests.support.episodes import DOCUMENT, GOOD_CHECK, as_json, verdicts

PIPELINE = load_folder(HARNESSES / "cs-pipeline")
CHOICES = [str(name) for name in PIPELINE.knobs["recipe"].choices if name != "none"]
DOCS = Path(__file__).parents[2] / "docs/recipes.md"
BRIEF, WEAK, STRONG = "INSIGHT: asking again costs more", "It is fast.", "Asking costs more."
INSIGHT, EASY, _ = episodes.EXAMPLE.rubric
EASY = replace(EASY, category="easy")
SMALL = Criterion("says what is asked again", 1, "condition")
EXAMPLE = replace(episodes.EXAMPLE, rubric=(INSIGHT, EASY, SMALL))


def with_recipe(name: str, rounds: int = 4) -> Harness:
    return with_knobs(PIPELINE, {"recipe": name, "rounds": rounds, "repairs": 0})


@pytest.mark.parametrize("name", CHOICES)
async def test_a_recipe_runs_from_a_document_to_an_accepted_example(
    name: str, tmp_path: Path
) -> None:
    harness = with_recipe(name)
    first = harness.files[RECIPE_FILES[name]].partition("{{material}}")[2].strip().splitlines()[0]
    everyone = script(
        tmp_path / "all.json",
        ("You grade one response", verdicts(False, True)),
        (GOOD_ANSWER, FOREIGN),  # in place of a wrong document
        ("You check", GOOD_CHECK),
        (first, BRIEF),
        ("You plan examination questions", "no angle"),
        (BRIEF, as_json(EXAMPLE)),
        ("Write one examination question", as_json(replace(EXAMPLE, rubric=EXAMPLE.rubric[:2]))),
    )
    said = {
        "all": everyone,
        "judge": script(
            tmp_path / "judge.json",
            (STRONG, verdicts(True, False, True)),
            (WEAK, verdicts(False, True)),
            (EMPTY_ANSWER, verdicts(False)),
            (GOOD_ANSWER, verdicts(False)),
            (EXAMPLE.answer, verdicts(True, True, True)),
        ),
        "weak": script(tmp_path / "weak.json", ("", WEAK)),
        "strong": script(tmp_path / "strong.json", ("", STRONG)),
    }
    models = {who: {"provider": "scripted", "script": file} for who, file in said.items()}
    place = project(tmp_path, models)
    candidate = Candidate("c0", "f" * 40, harness.tree, None, harness.values)

    async def load(_: Candidate) -> Harness:
        return harness

    journal = Journal.open(place.root / "run")
    try:
        splits: dict[Split, list[Document]] = {"train": [DOCUMENT], "validation": [], "test": []}
        async with engine(place, journal, splits, load, Display()) as running:
            [outcome] = await running.evaluator.evaluate(candidate, [Cell(DOCUMENT.id, "train", 0)])
        [body] = [fact.record.to_json() for fact in journal.records(EpisodeRecord)]
    finally:
        await journal.close()
    assert outcome.accepted, body["reason"]
    rounds = len(body["rounds"])
    assert rounds == (2 if name in ("weakness", "solvable") else 1), (
        "only the recipe's brief yields a good one"
    )


@pytest.mark.parametrize("name", ["persona", "evolve", "fuse", "weakness"])  # one of each material
async def test_a_recipe_makes_the_first_three_rounds_and_planning_the_rest(name: str) -> None:
    host = await run(with_recipe(name), Planning("ANGLE\nPASSAGE: 1\nINSIGHT: planned"))
    briefs = [angle for angle in host.given("challenge", "angle") if angle.startswith("brief")]
    assert len(briefs) == host.names().count("recipe") == 3
    assert "<passage>\n" in briefs[0]
    assert "INSIGHT: planned" in host.given("challenge", "angle")[-1]
    assert "<passage>\n" in host.given("recipe", "material")[0]


async def test_a_recipe_that_yields_nothing_leaves_the_round_to_the_lens() -> None:
    edited = PIPELINE.workflow.replace("recipe(name, source)", "broken(name, source)")
    edited += '\n\ndef broken(name: str, source: str) -> str:\n    raise ValueError("no")\n'
    host = await run(
        with_edits(with_recipe("backtranslate"), {"workflow.py": edited}), Planning("no angle")
    )
    assert "recipe" not in host.names()
    assert len(host.given("challenge", "angle")) == 4
    assert not any(angle.startswith("brief") for angle in host.given("challenge", "angle"))


async def test_without_a_recipe_none_is_asked() -> None:
    assert PIPELINE.values["recipe"] == "none"
    assert "recipe" not in (await run(PIPELINE, Planning("no angle"), PAPER)).names()


def test_a_recipe_the_harness_lacks_names_the_nearest() -> None:
    with pytest.raises(HarnessError, match="no recipe 'evolv'"):
        PIPELINE.recipe("evolv", "m")
    with pytest.raises(HarnessError, match="unknown variable"):
        with_edits(PIPELINE, {RECIPE_FILES["evolve"]: "{{document}}"})


def test_every_recipe_has_its_file_and_a_row_in_the_docs() -> None:
    rows = DOCS.read_text()
    for name in CHOICES:
        assert RECIPE_FILES[name] in PIPELINE.files
        assert f"`recipe-{name}.md`" in rows
    assert {path for path in PIPELINE.files if "recipe-" in path} == {
        RECIPE_FILES[name] for name in CHOICES
    }
