"""The simulated world is what its description says: deterministic, ordered by ability, honest."""

import json
from dataclasses import dataclass, replace
from statistics import fmean

from pydantic import BaseModel

from autodata.domains.base import RoleSettings
from autodata.domains.cloze import Cloze
from autodata.domains.replies import ExampleReply, JudgeReply, VerifierReply
from autodata.domains.research import Research
from autodata.episode.protocol import Team
from autodata.episode.roles import Asking, Panel
from autodata.models.base import CheckReply, Message, Place, Reply, Request, Site
from autodata.models.providers.simulated import EFFECTS, ITEM, SimulatedModel
from autodata.models.structured import reply_schema
from autodata.search.proposers.analyst import AnalysisReply
from autodata.search.proposers.implementer import EditReply, PooledEdit, RacedEdit
from autodata.types import Document, Example

WORDS = ("bell", "bird", "boat", "cave", "coin", "door", "fire", "gate", "hill", "lake")
PASSAGE = "The {0} of house {0} lies here, and nobody has seen the {0} for long."
QUESTION = "From house number {0} we all went out to see the"
TEXT = " ".join(f"{PASSAGE} {QUESTION} {{0}}.".format(word) for word in WORDS)
DOCUMENT = Document("d" * 16, "d", TEXT)
SMALL, LARGE = (SimulatedModel(name, [DOCUMENT]) for name in ("small", "large"))
ASK = Request(messages=(Message("user", "Write a question."),))


async def right(model: SimulatedModel, privileged: bool = False) -> float:
    solver = RoleSettings(privileged=privileged, api="completions")
    found = []
    for word in WORDS:
        example = Example(QUESTION.format(word), word, PASSAGE.format(word))
        request = Cloze().question(DOCUMENT, example, solver)
        replies = [await model.complete(replace(request, seed=seed)) for seed in range(50)]
        found += [Cloze().answer(reply.text) == word for reply in replies]
    return fmean(found)


async def shaped(model: SimulatedModel, shape: type[BaseModel], text: str, seed: int = 0) -> Reply:
    request = Request(messages=(Message("user", text),), schema=reply_schema(shape), seed=seed)
    return await model.complete(request)


async def test_the_same_request_has_the_same_reply_and_another_seed_another() -> None:
    twin = SimulatedModel("small", [DOCUMENT])
    for request in (ASK, Request(prompt=QUESTION.format("bell"), seed=3)):
        assert await SMALL.complete(request) == await twin.complete(request)
    questions = {(await shaped(LARGE, ExampleReply, "x", seed)).text for seed in range(20)}
    assert len(questions) == 20


async def test_ability_and_the_passage_decide_how_often_a_solver_is_right() -> None:
    small, large = await right(SMALL), await right(LARGE)
    assert small + 0.1 < large
    assert await right(SMALL, privileged=True) > small + 0.1


EDITS = (EditReply, PooledEdit, RacedEdit)


async def test_replies_fit_the_schema_of_every_role() -> None:
    item = "[item b=0.50 a=1.20 leak=0 bad=0]"
    for shape in (ExampleReply, VerifierReply, JudgeReply, AnalysisReply, *EDITS):
        for seed in range(5):
            reply = await shaped(LARGE, shape, f"Question {item}\n1. one\n2. two", seed)
            shape.model_validate_json(reply.text)
            assert reply.prompt_tokens > 0
            assert reply.completion_tokens > 0


async def test_phrases_in_the_challengers_prompt_do_what_they_are_said_to() -> None:
    async def mean(prompt: str, part: int) -> float:
        texts = [(await shaped(LARGE, ExampleReply, prompt, seed)).text for seed in range(300)]
        return fmean(float(ITEM.findall(text)[0][part]) for text in texts)

    harder, no_leaks, no_faults = list(EFFECTS)[:3]
    assert await mean(harder, 0) > await mean("plain", 0) + 0.4
    assert await mean(no_leaks, 2) < await mean("plain", 2) - 0.1
    assert await mean(no_faults, 3) < await mean("plain", 3) - 0.07


async def test_a_better_answer_meets_more_criteria() -> None:
    lines = "\n".join(f"{n}. merit" for n in range(1, 8))

    async def met(quality: float) -> float:
        text = f"{lines}\nSimulated answer of quality {quality:.2f}."
        replies = [await shaped(LARGE, JudgeReply, text, seed) for seed in range(100)]
        found = [JudgeReply.model_validate_json(reply.text).satisfied(7) for reply in replies]
        return fmean(fmean(marks) for marks in found)

    assert abs(await met(0.9) - 0.9) < 0.05
    assert abs(await met(0.3) - 0.3) < 0.05


async def test_the_implementer_adds_one_known_phrase() -> None:
    shown = '<file w0rd path="prompts/challenger.md">\nAsk.\n</file w0rd>'
    edit = EditReply.model_validate_json((await shaped(LARGE, EditReply, shown)).text)
    [patch] = edit.patches
    assert (patch.path, patch.search) == ("prompts/challenger.md", "Ask.")
    assert sum(phrase in patch.replace for phrase in EFFECTS) == 1
    assert patch.replace.startswith("Ask.\n")


async def test_everything_it_writes_says_that_it_is_simulated() -> None:
    reply = await shaped(LARGE, ExampleReply, "x")
    example = ExampleReply.model_validate_json(reply.text)
    assert "imulated" in example.question
    assert "imulated" in example.context
    assert reply.model == "simulated"
    assert "imulated" in (await LARGE.complete(ASK)).text


@dataclass
class Asked:
    """A caller that has one model in every role."""

    model: SimulatedModel

    async def call(self, site: Site, request: Request, check: CheckReply | None = None) -> Reply:
        return await self.model.complete(request)


async def test_examples_come_from_their_document_and_graders_know_what_probes_are_worth() -> None:
    text = " ".join(f"Paper {n} tells of kiln{n} and loom{n}." for n in range(60))
    paper = Document("a" * 16, "a", text)
    model = SimulatedModel("large", [paper, DOCUMENT])
    asking = Asking(Team(Asked(model), {}), Place(), lambda spend: None)
    answers = {"I do not know.": 0.0, "Simulated reference answer to question 1 with words": 0.0}
    for seed in range(5):
        said = await shaped(model, ExampleReply, f"Ask about {text}", seed)
        example = ExampleReply.model_validate_json(said.text).example()
        assert Research().fault(paper, example) == ""
        assert Research().origin(paper, example, [DOCUMENT]) == ""
        for document in (paper, DOCUMENT):
            found = await Research().verify(document, example, Panel(asking, "r0.audit"))
            assert found is not None
            assert found.checks["without_document"] is (document is DOCUMENT)
        for answer, worth in {**answers, example.answer: 1.0}.items():
            score = await Research().score(paper, example, answer, Panel(asking, "r0"))
            assert score.value == worth


async def test_a_challenger_that_is_shown_a_passage_quotes_from_it() -> None:
    words = [f"word{number}" for number in range(800)]
    model = SimulatedModel("large", [DOCUMENT, replace(DOCUMENT, text=" ".join(words))])
    passage = " ".join(words[390:610])
    for seed in range(20):
        reply = await shaped(model, ExampleReply, f"Ask about this.\n{passage}", seed)
        quoted = json.loads(reply.text)["context"].partition("[quoted: ")[2].partition("]")[0]
        assert len(quoted.split()) == 40
        assert quoted in passage
