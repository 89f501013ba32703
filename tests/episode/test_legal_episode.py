"""Whole episodes of the shipped legal harnesses, with scripted models."""

import json
from pathlib import Path

import pytest

from autodata.domains.base import RoleSettings
from autodata.domains.legal import Legal
from autodata.episode.acceptance import PRESETS
from autodata.episode.protocol import TaskProtocol
from autodata.episode.run import Conditions, run_episode
from autodata.harness.spec import load_folder
from autodata.harness.workflow import Sandbox
from autodata.models.base import Request, Site
from autodata.types import Candidate, Cell, Document, Episode, Json
from tests.support.episodes import GOOD_CHECK, Answer, FakeCaller, Play, team_of
from tests.support.legal import EXTRACT, OPINION, QUESTION, REPLY, loop_judged

HARNESSES = Path(__file__).parents[2] / "harnesses"
CORPUS = Path("/work/shared/corpora/legal")
WEAK = "You should leave, as the papers that you signed are what counts in the end here."
STRONG = "You are safe for the dogs, as he took the rent after he knew, but not for the fish."
SUGGESTION = "Let the owner have seen the tank once, from the street."
SECOND = {**REPLY, "question": QUESTION.replace("only laughed", "said nothing")}


def judged(site: Site, request: Request) -> Json:
    """Ten lines are met by strong advice and the reference, two by weak; none by a probe."""
    good = ".strong." in site.ordinal or "reference" in site.ordinal
    met = 15 if "reference" in site.ordinal else 10 if good else 2
    met = 0 if "empty" in site.ordinal or "foreign" in site.ordinal else met
    verdicts = [{"number": n, "quote": "", "satisfied": n <= met} for n in range(1, 17)]
    return {"verdicts": verdicts}


def verified(site: Site, request: Request) -> Json:
    return {**GOOD_CHECK, "without_document": "foreign-document" in site.ordinal}


def models(**changes: Play | Answer) -> FakeCaller:
    plays: dict[str, Play | Answer] = {
        "main": json.dumps(EXTRACT),
        "challenger": lambda site, _: REPLY if "s2." in site.ordinal else SECOND,
        "verifier": verified,
        "weak": WEAK,
        "strong": STRONG,
        "judge": judged,
        "loop_judge": lambda site, _: (
            loop_judged("improve", SUGGESTION)
            if site.ordinal.startswith("r0")
            else loop_judged("accept")
        ),
    }
    return FakeCaller(plays | changes, fair=False)


async def played(caller: FakeCaller, document: Document = OPINION, name: str = "legal") -> Episode:
    harness = load_folder(HARNESSES / name)
    candidate = Candidate("c0", "f" * 40, harness.tree, None, harness.values)
    team = team_of(caller, loop_judge=RoleSettings())
    async with Sandbox(workers=1) as sandbox:
        protocol = TaskProtocol(Legal(), PRESETS["legal"], max_rounds=16)
        conditions = Conditions(team, protocol, sandbox)
        return await run_episode(
            document, Cell(document.id, "train", 0), harness, candidate, conditions
        )


async def test_an_exercise_is_improved_as_the_loop_judge_says_and_then_confirmed() -> None:
    caller = models()
    found = await played(caller)
    assert found.status == "accepted", found.reason
    assert [r.verdict.reasons for r in found.rounds] == [("the loop-judge wants it improved",), ()]
    roles = [attempt.role for attempt in found.rounds[0].attempts]
    assert roles == ["weak"] * 5 + ["strong"] * 3
    assert len(caller.of("main")) == 1  # all rounds have one extract
    written = [request.messages[0].content for _, request in caller.of("challenger")]
    assert SUGGESTION in written[1]
    assert SUGGESTION not in written[0]
    assert all("A landlord waives a forfeiture by accepting" in text for text in written)
    assert all(OPINION.text[:80] not in text for text in written)
    looked = [request.messages[1].content for _, request in caller.of("loop_judge")]
    assert '"weak": "11111"' in looked[0]
    assert SUGGESTION in looked[1]
    assert found.rounds[1].confirmation is not None


async def test_equal_solvers_are_confirmed_by_no_loop_judge() -> None:
    caller = models(loop_judge=loop_judged("accept"), weak=STRONG)
    caller.plays["judge"] = lambda site, request: judged(
        Site("judge", site.ordinal.replace(".weak.", ".strong.")), request
    )
    found = await played(caller)
    assert found.status == "rejected"
    assert found.rounds[0].verdict.reasons[0].startswith("not confirmed")


@pytest.mark.parametrize("extract", [{**EXTRACT, "suitable": False, "note": "a menu"}])
async def test_a_document_of_the_wrong_kind_is_unsuitable_and_costs_one_call(extract: Json) -> None:
    caller = models(main=json.dumps(extract))
    found = await played(caller)
    assert (found.status, found.reason) == ("unsuitable", "a menu")
    assert caller.roles() == ["main"]


async def test_an_extract_in_words_is_as_good() -> None:
    caller = models(main="A landlord waives a forfeiture by accepting rent.")
    found = await played(caller)
    assert found.rounds
    assert len(caller.of("main")) == 2
    assert "A landlord waives" in caller.of("challenger")[0][1].messages[0].content


async def test_a_rubric_with_wrong_keys_rejects_by_name() -> None:
    lines = [{**line, "points": 1} for line in REPLY["rubric"]]
    found = await played(models(challenger={**REPLY, "rubric": lines}))
    assert (found.status, found.rounds) == ("rejected", ())
    assert found.reason == "no example tried (challenge: Malformed)"


async def test_the_baseline_has_one_round() -> None:
    found = await played(
        models(
            main="nobody asks",
            challenger=lambda s, r: "a plan" if s.ordinal.endswith("ask") else REPLY,
        ),
        name="cot-legal",
    )
    assert len(found.rounds) == 1
    assert found.reason == "the loop-judge wants it improved"


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the legal corpus is not on this machine")
async def test_a_real_opinion_goes_the_whole_way() -> None:
    """Its law is another one: what was written from OPINION is turned down by a verifier."""
    text = (CORPUS / "lett-v-city-of-chicago.md").read_text("utf-8")
    document = Document("5" * 16, "lett", text)
    caller = models(verifier={**GOOD_CHECK, "without_document": True})
    found = await played(caller, document)
    assert (found.status, found.rounds[0].verdict.reasons) == (
        "rejected",
        ("failed the harness's own verifier",),
    )
    assert text[:200] in caller.of("main")[0][1].messages[0].content
