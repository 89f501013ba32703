"""Analyzer and implementer: an analysis becomes edits, one of each hypothesis; one is redone."""

import asyncio
import re
from dataclasses import replace

from autodata.errors import (
    HarnessError,
    Refused,
)
from autodata.harness.spec import with_edits
from autodata.models.base import CheckReply, Reply, Request, Site
from autodata.search.base import Iteration, Prediction, Proposal
from autodata.search.proposers.base import Edit
from autodata.search.proposers.text import Knowledge
from autodata.types import Candidate, Json, Spend
from tests.support.editors import (
    BASE,
    DOCUMENTS,
    GOOD_EDIT,
    KNOWN,
    NEW,
    POOLED_EDIT,
    Models,
    asking_of,
    brief_of,
    edit,
    editor_of,
    learnt,
)


async def test_an_analysis_becomes_an_edit_with_predictions() -> None:
    models = Models(GOOD_EDIT)
    made = await edit(models)
    edited = made.harness
    assert edited.files["prompts/challenger.md"] == f"{NEW}\n{{{{feedback}}}}\n"
    assert edited.values["rounds"] == 6
    assert edited.workflow == BASE.workflow
    assert made.analysis == "questions are recall\n\ncause 0\n\nask why"
    assert made.predictions == (Prediction(DOCUMENTS[0], 0.9),)
    assert made.summary == "Ask why"
    assert models.ordinals == ["i3.analyze.0", "i3.implement.0"]  # `finish` ends a session


async def test_a_model_that_calls_no_tools_is_asked_by_schema() -> None:
    models = Models(GOOD_EDIT, plain=True)
    assert (await edit(models)).harness.values["rounds"] == 6
    assert models.ordinals == [
        "i3.analyze.0",
        "i3.analyze.result",
        "i3.implement.0",
        "i3.implement.result",
    ]


async def test_a_merging_search_asks_for_one_probability_once_the_edit_exists() -> None:
    models = Models(POOLED_EDIT)
    made = await editor_of(merging=True).edit(brief_of(), asking_of(models), learnt(KNOWN))
    assert made.predictions == (Prediction("", 0.7),)
    finish = models.calls[-1][1].tools[-1]
    assert list(finish.parameters["properties"])[-1] == "improves"


async def test_a_group_shares_one_analysis_and_each_edits_by_another_hypothesis() -> None:
    models, editor = Models(POOLED_EDIT), editor_of(merging=True)
    group = (4, 5, 6, 7)
    spent: dict[int, list[Spend]] = {number: [] for number in group}

    async def one(number: int) -> Edit | HarnessError:
        try:
            return await editor.edit(
                brief_of(number, group), asking_of(models, spent[number]), learnt(KNOWN)
            )
        except HarnessError as error:
            return error

    order = (5, 4, 6, 7)  # who comes first makes no difference
    found = dict(zip(order, await asyncio.gather(*map(one, order)), strict=True))
    assert sum(site.role == "analyzer" for site, _ in models.calls) == 1
    assert "Return up to 4 hypotheses." in models.words("analyzer")[0]
    hypotheses = [
        re.findall(r"<hypothesis \w+>\n(.*?)\n</hypothesis", words, re.DOTALL)[0].split("\n\n")[2]
        for words in models.words("implementer")
    ]
    assert hypotheses == ["ask how", "ask why", "ask when"]
    assert "- ask how\n- ask when" in models.words("implementer")[1]
    assert isinstance(found[7], HarnessError)
    assert "no further hypothesis" in found[7].problem
    assert [len(spent[number]) for number in group] == [2, 1, 1, 0]  # the analysis is the first's


async def test_groups_that_read_the_same_are_told_of_each_other() -> None:
    models, editor = Models(POOLED_EDIT), editor_of(merging=True)
    groups = ((4, 5), (6, 7))
    await asyncio.gather(
        *(
            editor.edit(brief_of(number, group), asking_of(models), learnt(KNOWN))
            for group in groups
            for number in group
        )
    )
    first, second = models.words("analyzer")
    assert "- ask why" not in first
    assert "- ask why\n- ask how" in second
    third = models.words("implementer")[2]
    assert "- ask why\n- ask how\n- ask how" in third  # theirs, and its own group's other one


async def test_an_analysis_that_comes_to_nothing_is_no_bar_to_later_groups() -> None:
    class Silent(Models):
        async def call(
            self, site: Site, request: Request, check: CheckReply | None = None
        ) -> Reply:
            if site.ordinal.startswith("i4.analyze"):
                raise Refused("no")
            return await super().call(site, request, check)

    models, editor = Silent(POOLED_EDIT), editor_of(merging=True)
    found = await asyncio.gather(
        *(editor.edit(brief_of(n, (n,)), asking_of(models), learnt(KNOWN)) for n in (4, 5)),
        return_exceptions=True,
    )
    assert isinstance(found[0], HarnessError)
    assert isinstance(found[1], Edit)


REWRITTEN: Json = {**{k: v for k, v in GOOD_EDIT.items() if k != "predictions"}, "knobs": []}


async def rewritten(models: Models, known: Knowledge = KNOWN) -> Edit:
    old = Candidate("e2", "x", "t", "c0", message="Ask why")
    bets = (Prediction("", 0.8),)
    past = Iteration(
        2, "c0", Proposal("llm", old, "ANALYSIS", "-OLD\n+NEW", bets), "undecided", "believed"
    )
    brief = replace(brief_of(9, (9,)), rewrite=past)
    return await editor_of(merging=True).edit(brief, asking_of(models), learnt(known))


async def test_an_edit_is_rewritten_by_one_call_and_without_an_analysis() -> None:
    models = Models(REWRITTEN)
    changed = with_edits(BASE, {"prompts/verifier.md": "Check {{example}}.\n"})
    made = await rewritten(models, replace(KNOWN, harness=changed))
    assert models.ordinals == ["i9.rewrite.0"]
    assert "-OLD\n+NEW" in models.words("implementer")[0]
    assert NEW in made.harness.files["prompts/challenger.md"]
    assert made.harness.files["prompts/verifier.md"] == "Check {{example}}.\n"
    assert (made.analysis, made.predictions) == ("ANALYSIS", (Prediction("", 0.8),))


async def test_an_edit_that_is_there_already_is_not_made_again() -> None:
    nothing = {"summary": "it is there", "patches": [], "knobs": []}
    assert (await rewritten(Models(nothing))).harness is BASE
