"""The loop: what an iteration may know, what is paid, and where a search ends."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from autodata.errors import BudgetSpent, ConfigurationError, DocumentError
from autodata.search.base import Brief, Proposal
from autodata.search.events import Certified, Decided, Event, Raced, Started
from autodata.search.null import FIRST_STAGE, NULL_LOOK
from autodata.search.phases import Collaborators, SearchResult
from autodata.search.plan import RacePlan, SearchPlan
from autodata.search.search import search
from autodata.types import SPLITS, Candidate, Cell, Outcome, Split
from tests.support.searches import BASELINE, Notes, Rates, Steps, documents

JUMPY = [Random(f"jumpy {i}").gauss(0.02, 0.15) for i in range(40)]


async def searched(
    plan: SearchPlan,
    evaluator: Rates | None = None,
    proposer: Steps | None = None,
    events: list[Event] | None = None,
    notes: Notes | None = None,
) -> SearchResult:
    found = documents()

    async def claim(finalists: Sequence[Candidate]) -> Sequence[int]:
        return range(len(finalists))

    told = [] if events is None else events
    return await search(
        plan,
        BASELINE,
        found,
        Collaborators(
            evaluator or Rates(),
            proposer or Steps(JUMPY),
            notes or Notes(),
            claim,
            told.append,
        ),
    )


async def test_decisions_do_not_depend_on_the_order_in_which_episodes_end() -> None:
    plan = SearchPlan(seed=3, iterations=10, parallel=3, episodes=400)
    first = await searched(plan, Rates(jitter=1))
    for jitter in (2, 3, 4):
        again = await searched(plan, Rates(jitter=jitter))
        assert again == first


async def test_another_seed_searches_otherwise() -> None:
    first = await searched(SearchPlan(seed=1, iterations=4, episodes=300))
    other = await searched(SearchPlan(seed=2, iterations=4, episodes=300))
    assert first.iterations != other.iterations


async def test_an_iteration_knows_exactly_what_was_decided_k_before_it() -> None:
    proposer = Steps(JUMPY)
    await searched(SearchPlan(iterations=9, parallel=3), Rates(jitter=5), proposer)
    assert proposer.knew == {i: (max(0, i - 3), max(0, i - 3)) for i in range(1, 10)}
    assert proposer.observed == list(range(1, 10))


async def test_every_paid_episode_is_counted_and_none_is_asked_twice() -> None:
    for wants in (False, True):
        evaluator = Rates()
        plan = SearchPlan(iterations=10, parallel=4, episodes=600, minibatch=6)
        result = await searched(plan, evaluator, Steps(JUMPY, wants))
        assert result.spent == len(evaluator.paid) == len(evaluator.asked)
        assert result.spent <= 600


async def test_a_refused_proposal_costs_only_its_minibatch() -> None:
    proposer = Steps(JUMPY, wants_minibatch=True)
    proposer.refuse = {1, 2, 3}
    evaluator = Rates()
    plan = SearchPlan(iterations=3, minibatch=6, test_repeats=1)
    result = await searched(plan, evaluator, proposer)
    assert [i.decision for i in result.iterations] == ["refused"] * 3
    assert result.spent == 8 + NULL_LOOK + 3 * 6 + 60 + FIRST_STAGE
    assert result.best == BASELINE
    assert result.certificates == ()


async def test_a_tree_that_was_tried_is_refused_before_any_race() -> None:
    class Again(Steps):
        async def propose(self, brief: Brief) -> Proposal:
            return await super().propose(replace(brief, number=1))

    result = await searched(SearchPlan(iterations=3, parallel=1), proposer=Again([0.1]))
    assert [i.decision == "refused" for i in result.iterations] == [False, True, True]
    assert result.iterations[1].evidence["episodes"] == 0


async def test_of_equal_proposals_side_by_side_the_first_is_raced_whoever_is_faster() -> None:
    class Twins(Steps):
        async def propose(self, brief: Brief) -> Proposal:
            for _ in range(50 * (3 - brief.number)):
                await asyncio.sleep(0)
            found = await super().propose(brief)
            assert found.candidate is not None
            return replace(found, candidate=replace(found.candidate, tree="twin"))

    evaluator = Rates()
    result = await searched(SearchPlan(iterations=3, parallel=3), evaluator, Twins([0.1] * 3))
    assert [i.decision == "refused" for i in result.iterations] == [False, True, True]
    assert len(evaluator.asked) == len(set(evaluator.asked))


async def test_parent_and_mutant_race_on_the_same_fresh_cells() -> None:
    result = await searched(SearchPlan(iterations=4, parallel=2))
    seen: set[int] = set()
    for iteration in result.iterations:
        ours = [outcome.cell for outcome in iteration.outcomes]
        assert ours == [outcome.cell for outcome in iteration.parent_outcomes]
        first = iteration.number - (iteration.number - 1) % 2
        assert {cell.repeat // 100 for cell in ours} == {first + 1}
        seen.update(cell.repeat for cell in ours)
    assert 0 not in seen


async def test_a_real_gain_is_certified_and_a_loss_never_becomes_best() -> None:
    certified = 0
    for seed in range(20):
        plan = SearchPlan(seed=seed, iterations=8, episodes=260)
        steps = [-0.1, 0.3, -0.15, 0.0, -0.2, 0.05, -0.1, 0.0]
        result = await searched(plan, Rates(seed), Steps(steps))
        certified += result.best != BASELINE
        assert result.best == BASELINE or float(result.best.knobs["rate"]) > 0.3
    assert certified >= 14


async def test_equal_harnesses_are_hardly_ever_certified() -> None:
    wrong = 0
    for seed in range(60):
        plan = SearchPlan(seed=seed, iterations=6, episodes=260)
        result = await searched(plan, Rates(seed), Steps([0.0] * 6))
        wrong += bool(result.best != BASELINE)
    assert wrong <= 3


async def test_predictions_are_scored_on_the_minibatch() -> None:
    plan = SearchPlan(iterations=2, minibatch=6, test_repeats=1)
    result = await searched(plan, proposer=Steps([0.4, 0.4], wants_minibatch=True))
    for iteration in result.iterations:
        assert iteration.audit["predictions"] == 6
        assert 0 <= iteration.audit["brier"] <= 1


async def test_a_prompt_that_grows_must_show_a_gain() -> None:
    def admitted(result: SearchResult) -> int:
        return sum(i.decision == "admitted" for i in result.iterations)

    plan = SearchPlan(iterations=20, parallel=1, race=RacePlan(passes=1))
    same = await searched(plan, Rates(4), Steps([0.0] * 20))
    growing = Steps([0.0] * 20)
    growing.growth = 1000
    grown = await searched(plan, Rates(4), growing)
    assert admitted(grown) < admitted(same)
    assert any("the prompt grew" in i.reason for i in grown.iterations)


async def test_what_happens_is_told_and_recorded() -> None:
    events: list[Event] = []
    notes = Notes()
    result = await searched(SearchPlan(iterations=5, episodes=300), events=events, notes=notes)
    assert isinstance(events[0], Started)
    assert sum(isinstance(event, Decided) for event in events) == len(result.iterations)
    assert any(isinstance(event, Raced) for event in events)
    assert [e.certificate for e in events if isinstance(e, Certified)] == list(result.certificates)
    keys = set(notes.bodies)
    assert {("iteration", str(i.number)) for i in result.iterations} <= keys
    assert ("candidate", "c0") in keys
    assert notes.bodies["candidate", "c1"]["parent_id"] == "c0"


async def test_cost_can_be_the_objective() -> None:
    class Cheaper(Steps):
        async def propose(self, brief: Brief) -> Proposal:
            proposal = await super().propose(brief)
            assert proposal.candidate
            proposal.candidate.knobs["tokens"] = 40
            return proposal

    plan = SearchPlan(iterations=3, objective="pass_rate_per_cost", test_repeats=2)
    result = await searched(plan, proposer=Cheaper([0.0] * 3))
    assert result.best != BASELINE
    assert result.certificates[0].gain.low < 0 < result.certificates[0].difference.low
    plain = await searched(SearchPlan(iterations=3, test_repeats=2), proposer=Cheaper([0.0] * 3))
    assert plain.best == BASELINE


async def test_a_spent_budget_comes_through_as_itself() -> None:
    class Broke(Rates):
        async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
            if len(self.paid) > 60:
                raise BudgetSpent("no dollars left", "raise budget.dollars")
            return await super().evaluate(candidate, cells)

    with pytest.raises(BudgetSpent):
        await searched(SearchPlan(iterations=8, parallel=4), Broke())


@pytest.mark.parametrize(
    ("plan", "named"),
    [
        (SearchPlan(selection="thomson"), "thompson"),
        (SearchPlan(objective="pass"), "pass_rate"),  # type: ignore[arg-type]
        (SearchPlan(iterations=0), "optimize.iterations"),
        (SearchPlan(parallel=0), "optimize.parallel"),
        (SearchPlan(episodes=100), "optimize.episodes"),
        (SearchPlan(race=RacePlan(block=0)), "optimize.race.block"),
    ],
)
async def test_a_plan_that_cannot_work_is_refused_before_anything_is_spent(
    plan: SearchPlan, named: str
) -> None:
    evaluator = Rates()
    with pytest.raises(ConfigurationError) as error:
        await searched(plan, evaluator)
    assert named in f"{error.value.problem} {error.value.fix}"
    assert not evaluator.paid


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_that_is_too_small_is_named(split: Split) -> None:
    small = {**documents(), split: ["only one"]}
    with pytest.raises(DocumentError, match=split):
        SearchPlan().check(small)


def test_a_document_in_two_splits_is_refused() -> None:
    found = dict(documents())
    found["test"] = [*found["test"][1:], found["train"][0]]
    with pytest.raises(DocumentError, match="two splits"):
        SearchPlan().check(found)
