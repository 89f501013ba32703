"""The contract of a domain: what an episode takes for granted of it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel

from autodata.config.schema import ROLES
from autodata.config.section import Section
from autodata.domains.base import Domain, RoleSettings
from autodata.domains.grading import Score
from autodata.domains.isolated import Execution, Executions, Isolated
from autodata.domains.replies import CriterionVerdict, JudgeReply, VerifierReply
from autodata.episode.acceptance import NUMBERS, PRESETS, policy_from
from autodata.errors import ConfigurationError
from autodata.models.base import Request, Site
from autodata.testing.contract import HOSTILE, Contract, expect
from autodata.types import Criterion, Document, Example

Shape = TypeVar("Shape", bound=BaseModel)
Judge = Callable[[Request, type[BaseModel]], BaseModel]
_MARK = "xq7REFERENCEqx"


@dataclass(frozen=True, slots=True)
class DomainSample:
    """A sound example of a domain, with a right answer to it and a wrong one."""

    document: Document
    example: Example
    right: str
    wrong: str


@dataclass(slots=True)
class _Bench:
    """Graders that remember what they were asked; functions are really run."""

    answer: Judge
    asked: list[tuple[str, Request]] = field(default_factory=list)
    fence = "fence"

    async def judge(self, request: Request, shape: type[Shape]) -> Shape:
        return self._ask("judge", request, shape)

    async def verifier(self, request: Request, shape: type[Shape]) -> Shape:
        return self._ask("verifier", request, shape)

    async def loop_judge(self, request: Request, shape: type[Shape]) -> Shape:
        return self._ask("loop_judge", request, shape)

    async def auditor(self, request: Request, shape: type[Shape]) -> Shape:
        return self._ask("auditor", request, shape)

    async def run(self, function: Isolated, *arguments: Any) -> Execution:
        return await Executions().run(Site("function", "run"), function, arguments)

    def _ask(self, role: str, request: Request, shape: type[Shape]) -> Shape:
        self.asked.append((role, request))
        return shape.model_validate(self.answer(request, shape).model_dump())


class DomainContract(Contract):
    """The rules, for one class and a sample; see `check_domain`."""

    def __init__(
        self,
        made: type[Domain],
        sample: DomainSample,
        settings: Section | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._made = made
        self._sample = sample
        self._settings = settings
        self._judge = judge or self._fair
        self._bench = _Bench(self._judge)

    @property
    def _domain(self) -> Domain:
        return self._made(self._settings)

    def _fair(self, request: Request, shape: type[BaseModel]) -> BaseModel:
        """A judge and a verifier who know the right answer."""
        text = "\n".join(message.content for message in request.messages)
        if issubclass(shape, VerifierReply):
            return _found(shape, self._sample.document.text not in text)
        assert issubclass(shape, JudgeReply), f"pass a `judge` that answers {shape.__name__}"
        example = self._sample.example
        given = [example.question, example.context, *(line.criterion for line in example.rubric)]
        right = text.count(self._sample.right) > "\n".join(given).count(self._sample.right)
        met = [right == (line.weight > 0) for line in example.rubric]
        numbered = enumerate(met, 1)
        return JudgeReply(verdicts=[CriterionVerdict(number=n, satisfied=m) for n, m in numbered])

    async def _score(self, answer: str, example: Example | None = None) -> Score:
        example = example or self._sample.example
        return await self._domain.score(self._sample.document, example, answer, self._bench)

    async def says_what_it_needs(self) -> None:
        """Its roles, refused rules and settings are known ones."""
        expect(issubclass(self._made, Domain), "it is not derived from autodata's Domain")
        unknown = {*self._made.roles} - ROLES.keys()
        expect(not unknown, f"there are no roles {sorted(unknown)}")
        unknown = self._made.refused_rules.keys() - NUMBERS.keys()
        expect(not unknown, f"there are no acceptance rules {sorted(unknown)}")
        expect(issubclass(self._made.settings_type, Section), "settings_type is no Section")

    async def can_be_met_by_some_acceptance_rules(self) -> None:
        """At least one preset is not refused."""
        for preset in PRESETS:
            try:
                policy_from(preset, None, self._made.refused_rules)
            except ConfigurationError:
                continue
            return
        raise AssertionError("it refuses every preset")

    async def finds_no_fault_with_a_sound_example(self) -> None:
        """The sample is one."""
        fault = self._domain.fault(self._sample.document, self._sample.example)
        expect(fault == "", f"fault says {fault!r}")

    async def finds_fault_with_an_empty_example(self) -> None:
        """Nothing would be asked."""
        fault = self._domain.fault(self._sample.document, Example("", ""))
        expect(bool(fault), "fault says nothing")

    async def turns_a_sound_example_down_with_another_document(self) -> None:
        """Else one example would do for every document."""
        example = self._sample.example
        found = await self._domain.verify(_OTHER, example, self._bench)
        objects = bool(self._domain.fault(_OTHER, example)) or not (found is None or found.passed)
        expect(objects, "neither fault nor verify objects when the document is another one")
        said = self._domain.origin(self._sample.document, example, [_OTHER])
        expect(said == "", f"origin says {said!r} of the sound example")

    async def bears_examples_of_any_words(self) -> None:
        """A workflow may hand over anything; the same twice has the same fault."""
        for words in HOSTILE:
            for name in ("question", "answer", "context"):
                changes: dict[str, Any] = {name: words}
                example = replace(self._sample.example, **changes)
                first, second = (self._domain.fault(self._sample.document, example) for _ in "ab")
                expect(isinstance(first, str), f"fault returns {first!r} for the {name} {words!r}")
                expect(first == second, f"fault says {first!r}, then {second!r}")

    async def asks_one_thing_and_always_the_same(self) -> None:
        """Sampling is the run's affair; calls are found in the journal by what was asked."""
        for solver in _SOLVERS:
            first, second = (self._question(solver, self._sample.example) for _ in "ab")
            expect(isinstance(first, Request), f"question returns {first!r:.50}")
            expect(first == second, "question asks something else the second time")
            expect(bool(first.messages) != bool(first.prompt), "messages or a prompt, one of them")
            ours = (first.temperature, first.seed, first.schema, first.tools)
            expect(ours == (None, None, None, ()), "sampling, schema and tools are not its affair")

    async def does_not_show_a_solver_what_is_right(self) -> None:
        """Neither the reference answer nor the rubric."""
        marked = self._marked()
        for solver in (s for s in _SOLVERS if not s.privileged):
            shown = str(self._question(solver, marked).to_json())
            expect(_MARK not in shown, "a plain solver is shown the answer or the rubric")

    async def does_not_show_the_judge_what_is_right(self) -> None:
        """A judge who reads it grades by likeness, which is what `compares` says is wanted."""
        self._bench.asked.clear()
        example = replace(self._sample.example, answer=_MARK)
        await self._score(self._sample.wrong, example)
        shown = [str(request.to_json()) for role, request in self._bench.asked if role == "judge"]
        seen = any(_MARK in text for text in shown)
        expect(self._made.compares or not seen, "the judge is shown the reference answer")

    async def takes_an_answer_out_of_any_reply(self) -> None:
        """A solver may say anything."""
        for words in HOSTILE:
            found = self._domain.answer(words)
            expect(isinstance(found, str), f"answer returns {found!r:.50}")

    async def scores_a_right_answer_higher(self) -> None:
        """Else nobody can be told apart."""
        right, wrong = await self._score(self._sample.right), await self._score(self._sample.wrong)
        expect(right.value > wrong.value, f"right scores {right.value}, wrong {wrong.value}")

    async def scores_no_answer_0(self) -> None:
        """A solver that was cut off or refused has none."""
        found = await self._score("")
        expect(found.value == 0, f"it scores {found.value}")

    async def scores_anything_from_0_to_1(self) -> None:
        """Whatever a solver says."""
        for words in (*HOSTILE, self._sample.right):
            found = await self._score(words)
            expect(isinstance(found, Score), f"score returns {found!r:.50}")
            expect(0 <= found.value <= 1, f"{words!r:.20} scores {found.value}")

    async def scores_an_answer_twice_the_same(self) -> None:
        """Else a resumed run comes to something else."""
        first, second = [await self._score(self._sample.right) for _ in "ab"]
        expect(first == second, f"a right answer scores {first}, then {second}")

    async def asks_only_roles_that_it_names(self) -> None:
        """Another one may be played by nobody."""
        self._bench.asked.clear()
        await self._score(self._sample.right)
        found = await self._domain.verify(self._sample.document, self._sample.example, self._bench)
        unknown = {role for role, _ in self._bench.asked} - {*self._made.roles}
        expect(not unknown, f"it asks {sorted(unknown)}, and does not name it in `roles`")
        expect(found is None or found.passed, f"verify turns the sound example down: {found}")
        expect(found is None or found.frozen, "what verify returns must be `frozen`")

    def _question(self, solver: RoleSettings, example: Example) -> Request:
        return self._domain.question(self._sample.document, example, solver)

    def _marked(self) -> Example:
        rubric = tuple(replace(c, criterion=_MARK) for c in self._sample.example.rubric)
        return replace(self._sample.example, answer=_MARK, rubric=rubric or (Criterion(_MARK, 1),))


_OTHER = Document(
    "f" * 16, "another", "The tide came in at noon. Nobody had closed the gate. " * 20
)
_SOLVERS = (
    RoleSettings(),
    RoleSettings(privileged=True),
    RoleSettings(api="completions"),
    RoleSettings(privileged=True, api="completions"),
)


def check_domain(
    made: type[Domain],
    sample: DomainSample,
    settings: Section | None = None,
    judge: Judge | None = None,
) -> None:
    """Hold a domain against its contract.

    `judge` answers for judge and verifier, by the request and the shape that is wanted; left out,
    they are fair. Functions of the domain are run as in a run.

    Raises:
        ContractBroken: names every rule that is broken.
    """
    DomainContract(made, sample, settings, judge).hold(f"domain {made.__name__}")


def _found(shape: type[BaseModel], foreign: bool) -> BaseModel:
    return shape.model_validate(
        {
            "context_leak": False,
            "question": "good",
            "rubric_pass": True,
            "answer_consistent": True,
            "without_document": foreign,
            "context_suffices": True,
            "verdict": "pass",
            "feedback": "",
        }
    )
