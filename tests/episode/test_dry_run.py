"""Dry runs: they list what a workflow proposes, by the host's own checks, and ask no model."""

from typing import Any

import pytest

from autodata.domains.cloze import Cloze
from autodata.episode.dry_run import DryRuns, Script, cut
from autodata.episode.protocol import Team
from autodata.harness.spec import with_edits
from autodata.harness.workflow import Sandbox, StepFailed
from autodata.types import Document
from tests.support.episodes import HARNESS, Body, PlainWorkflow, Step, protocol_of, whole_round

TEXT = "The old mill stood by the river. Every spring the miller opened the gates of the mill."
DOCUMENT = Document("d" * 16, "mill", TEXT)
GOOD = {
    "context": "The old mill stood by the river.",
    "question": "Every spring the miller opened the gates of the",
    "answer": "mill",
}


class Nobody:
    """A caller that must not be called."""

    async def call(self, *arguments: Any, **more: Any) -> Any:
        raise AssertionError("a dry run asks no model")


def runs(body: Body, roles: tuple[str, ...] = ("weak", "strong")) -> DryRuns:
    team = Team(Nobody(), dict.fromkeys(roles), secret=b"s")  # type: ignore[arg-type]
    return DryRuns(protocol_of(Cloze(), "verifiable", 2), team, PlainWorkflow(body))


async def told(body: Body, script: Script = "too hard", roles: tuple[str, ...] = ()) -> str:
    return await runs(body, ("weak", "strong", *roles)).run(DOCUMENT, HARNESS, script, 0)


def tries(*examples: dict[str, str]) -> Body:
    async def body(step: Step) -> None:
        for example in examples:
            if (await step("attempt", role="weak", example=example))["passed"]:
                await step("attempt", role="strong", example=example)

    return body


SHORT = {**GOOD, "question": "of the"}
OTHER = {**GOOD, "answer": "river"}


async def test_examples_are_listed_with_what_the_host_says_of_them() -> None:
    found = await told(tries(GOOD, SHORT))
    assert "2 examples; end: the workflow returned" in found
    assert "example 1: passes the checks" in found
    assert 'example 2: refused: "the sentence is too short"' in found
    assert GOOD["question"] in found
    assert "attempt(weak, 1); attempt(strong, 1); attempt(weak, 2)" in found


async def test_solvers_do_as_scripted() -> None:
    assert "attempt(strong" not in await told(tries(GOOD), "too easy")
    found = await told(tries(GOOD, OTHER), "good")
    assert "1 examples; end: an example was accepted" in found
    assert "2 examples" in await told(tries(GOOD, OTHER), "too hard")


async def test_no_more_examples_are_tried_than_in_an_episode() -> None:
    third = {**GOOD, "answer": "gates"}
    found = await told(tries(GOOD, OTHER, third))
    assert "2 examples; end: no more examples are tried" in found


async def test_models_have_stand_ins_where_somebody_plays_them() -> None:
    found = await told(whole_round, roles=("challenger", "verifier"))
    assert "written by the challenger, so not checked here" in found
    assert "verify(1); attempt(weak, 1); attempt(strong, 1)" in found

    async def asks_nobody(step: Step) -> None:
        with pytest.raises(StepFailed, match="no model plays the challenger"):
            await step("challenge")

    assert "challenger asked, whom nobody plays" in await told(asks_nobody)


async def test_a_workflow_that_fails_in_the_sandbox_is_told_so() -> None:
    source = "def run(document, knobs, seed):\n    raise KeyError(document)\n"
    async with Sandbox(workers=1) as sandbox:
        team = Team(Nobody(), {})
        dry = DryRuns(protocol_of(Cloze(), "verifiable"), team, sandbox)
        broken = with_edits(HARNESS, {"workflow.py": source})
        found = await dry.run(DOCUMENT, broken, "too hard", 0)
    assert "0 examples; end: workflow failed: line 2: KeyError" in found


async def test_a_seed_is_that_of_no_episode_and_the_same_each_time() -> None:
    seeds: list[int] = []

    class Notes:
        async def run(self, source: str, document: str, knobs: Any, seed: int, host: Any) -> None:
            seeds.append(seed)

    team = Team(Nobody(), {}, secret=b"s")
    dry = DryRuns(protocol_of(Cloze(), "verifiable"), team, Notes())
    for turn in (0, 0, 1):
        await dry.run(DOCUMENT, HARNESS, "good", turn)
    assert seeds[0] == seeds[1] != seeds[2]


def test_what_is_cut_says_how_much_is_left() -> None:
    assert cut("abcdef", 4) == "abcd [cut, 2 characters left]"
    assert cut("abcd", 4) == "abcd"


async def test_a_verifier_is_given_notes_and_answers_with_findings() -> None:
    seen: list[Any] = []

    async def body(step: Step) -> None:
        seen.append(await step("verify", example=GOOD, notes="a second solution"))
        seen.append(await step("verify", example=SHORT))

    await told(body, roles=("verifier",))
    assert (seen[0]["passed"], seen[0]["verdict"], seen[0]["findings"]) == (True, "pass", [])
    assert seen[1]["findings"] == [{"line": 0, "fault": "the sentence is too short"}]


async def test_a_recipe_is_asked_for_by_its_name() -> None:
    async def body(step: Step) -> None:
        await step("recipe", kind="evolve", material="a passage")

    with pytest.raises(StepFailed, match="no recipe 'evolve'"):
        await told(body, roles=("main",))
