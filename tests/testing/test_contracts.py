"""Domains, proposers, providers and evaluators keep their contracts; wrong ones break each rule."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, cast

import pytest

from autodata.bench.landscapes import SimulatedWorld
from autodata.bench.shapes import SHAPES
from autodata.domains import Domain, Graders, Message, Request, RoleSettings, Score, Verification
from autodata.domains.cloze import Cloze
from autodata.domains.research import Research
from autodata.episode.evaluator import HarnessEvaluator
from autodata.episode.run import Conditions
from autodata.models.base import USUAL, Deadlines, Model, Reply
from autodata.models.providers.scripted import ScriptedModel
from autodata.models.providers.simulated import SimulatedModel
from autodata.search.base import Brief, Evaluator, Iteration, Proposal
from autodata.search.proposers.base import HarnessProposer, Parts
from autodata.search.proposers.kinds import KnobProposer, MixedProposer, TextProposer
from autodata.testing import (
    ContractBroken,
    DomainSample,
    check_domain,
    check_evaluator,
    check_proposer,
    check_provider,
)
from autodata.testing.domains import DomainContract
from autodata.testing.evaluators import EvaluatorContract
from autodata.testing.proposers import ProposerContract
from autodata.testing.providers import ProviderContract
from autodata.types import Candidate, Cell, Document, Example, Outcome
from tests.support.episodes import (
    CANDIDATE,
    DOCUMENT,
    EXAMPLE,
    HARNESS,
    PlainWorkflow,
    good_caller,
    protocol_of,
    team_of,
    whole_round,
)
from tests.support.fakes import Memory
from tests.support.loopback import Loopback
from tests.support.providers import make

TEXT = "The keeper lit his lamp each night. Sailors far out at sea were thankful for that lamp."
CLOZE = DomainSample(
    Document("0" * 16, "d", TEXT),
    Example("Sailors far out at sea were thankful for that", "lamp", TEXT[:35]),
    right="lamp",
    wrong="dog",
)
RESEARCH = DomainSample(DOCUMENT, EXAMPLE, right="RIGHT", wrong="no idea")
CELLS = [Cell(DOCUMENT.id, "validation", repeat) for repeat in range(3)]


def broken(hold: Callable[[], None]) -> set[str]:
    """The rules that are broken."""
    with pytest.raises(ContractBroken) as caught:
        hold()
    assert all(name in str(caught.value) for name in caught.value.rules)
    return {*caught.value.rules}


@pytest.mark.parametrize(("made", "sample"), [(Cloze, CLOZE), (Research, RESEARCH)])
def test_our_domains_keep_their_contract(made: type[Domain], sample: DomainSample) -> None:
    check_domain(made, sample)


@pytest.mark.parametrize("made", [KnobProposer, TextProposer, MixedProposer])
def test_our_proposers_keep_their_contract(made: type[HarnessProposer]) -> None:
    check_proposer(made)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "vllm", "local"])
async def test_our_providers_keep_their_contract(provider: str, server: Loopback) -> None:
    await asyncio.to_thread(check_provider, lambda: make(provider, server))


@pytest.mark.parametrize(
    "made",
    [
        lambda: SimulatedModel("large", [DOCUMENT]),
        lambda: ScriptedModel(lambda _: Reply("a word", "stop", (), 3, 2)),
    ],
)
def test_models_without_a_server_keep_their_contract(made: Callable[[], Model]) -> None:
    check_provider(made)


def evaluator() -> Evaluator:
    async def load(_: Candidate) -> Any:
        return HARNESS

    return HarnessEvaluator(
        {DOCUMENT.id: DOCUMENT},
        load,
        Conditions(team_of(good_caller()), protocol_of(), PlainWorkflow(whole_round)),
        Memory(),
    )


def test_our_evaluators_keep_their_contract() -> None:
    check_evaluator(evaluator, CANDIDATE, CELLS)
    world = SimulatedWorld(SHAPES["gentle"], 0)
    cells = [Cell(name, "validation", 0) for name in world.documents["validation"][:3]]
    check_evaluator(lambda: world, world.baseline, cells)


class WrongDomain(Domain):
    """Breaks every rule of a domain."""

    roles = ("referee",)
    refused_rules = {"weak_samples": "", "gap": "no such rule"}  # noqa: RUF012

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self.asked = 0

    def fault(self, document: Document, example: Example) -> str:
        if not (example.question or example.answer):
            return ""
        return {"": "empty"}[example.context[:1].strip()]

    def question(self, document: Document, example: Example, solver: RoleSettings) -> Request:
        shown = f"{example.question} ({example.answer}) {id(object())} {Random().random()}"
        return Request(messages=(Message("user", shown),), temperature=0.5)

    def answer(self, text: str) -> str:
        return cast(str, text.encode())

    async def score(
        self, document: Document, example: Example, answer: str, graders: Graders
    ) -> Score:
        from autodata.domains.replies import JudgeReply

        ask = Request(messages=(Message("user", f"Is {answer} like {example.answer}?"),))
        await graders.judge(ask, JudgeReply)
        return Score(1.5 + Random().random())

    async def verify(
        self, document: Document, example: Example, graders: Graders
    ) -> Verification | None:
        return Verification(False)


def test_a_wrong_domain_is_told_by_every_rule_that_it_breaks() -> None:
    WrongDomain.refused_rules = dict.fromkeys(("weak_mean_max", "gap", "gap_min"), "")
    WrongDomain.refused_rules |= dict.fromkeys(("weak_correct_max", "majority"), "")
    found = broken(lambda: check_domain(WrongDomain, RESEARCH))
    assert found == {*DomainContract.rules()} - {"scores_a_right_answer_higher"} | (
        found & {"scores_a_right_answer_higher"}  # by chance
    )


class WrongProposer(HarnessProposer):
    """Breaks every rule of a proposer."""

    roles = ("referee",)

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.last: int | None = None

    async def propose(self, brief: Brief) -> Proposal:
        self.last = brief.number
        await asyncio.sleep(0)
        name = f"c{self.last}"  # of whoever was asked last
        return Proposal("wrong", Candidate(name, str(Random().random()), "no such tree", "c0"))

    def observe(self, iteration: Iteration) -> None:
        assert iteration.decision == "admitted", "only good news is welcome"


def test_a_wrong_proposer_is_told_by_every_rule_that_it_breaks() -> None:
    assert broken(lambda: check_proposer(WrongProposer)) == {*ProposerContract.rules()}


class WrongModel:
    """Breaks every rule of a provider."""

    def __init__(self) -> None:
        self.busy = self.closed = False

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply:
        if self.busy or not request.messages[-1].content:
            raise RuntimeError("one at a time, and not nothing")
        self.busy = True
        await asyncio.sleep(0.001)
        self.busy = False
        return Reply(text=b"a word", prompt_tokens=-1)  # type: ignore[arg-type]

    async def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed")
        self.closed = True


def test_a_wrong_provider_is_told_by_every_rule_that_it_breaks() -> None:
    assert broken(lambda: check_provider(WrongModel)) == {*ProviderContract.rules()}


class WrongEvaluator:
    """Breaks every rule of an evaluator."""

    def __init__(self) -> None:
        self.asked = 0

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        self.asked += 1
        found = [Outcome(cell, self.asked % 2 == 0) for cell in reversed(cells)]
        return found or [Outcome(CELLS[0], False)]


def test_a_wrong_evaluator_is_told_by_every_rule_that_it_breaks() -> None:
    found = broken(lambda: check_evaluator(WrongEvaluator, CANDIDATE, CELLS))
    assert found == {*EvaluatorContract.rules()}
