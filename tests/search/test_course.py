"""A search that a budget closes, that goes on, or that grows; and that it claims no more for it."""

import asyncio
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autodata.errors import BudgetSpent, Interrupted
from autodata.search.base import Iteration
from autodata.search.course import (
    STRAIGHT,
    Course,
    course_so_far,
    course_to_the_end,
    growth_of,
)
from autodata.search.phases import Collaborators, SearchResult
from autodata.search.plan import SearchPlan
from autodata.search.search import search
from autodata.search.session import RunStart, run_session
from autodata.store.facts import R
from autodata.store.format import Record
from autodata.store.journal import Journal
from autodata.store.kinds import RECORDS
from autodata.store.records import (
    FINISHED,
    Certificate,
    ClosingRecord,
    DocumentsRecord,
    GrowthRecord,
    SessionRecord,
)
from autodata.types import Candidate, Cell, Outcome
from tests.support.searches import BASELINE, Notes, Rates, Steps, documents

PLAN = SearchPlan(seed=7, iterations=8, parallel=2)
START = RunStart("r1", 1_790_000_000, 7, "tiny", None, {}, False, DocumentsRecord((), (), ()))
STEPS = [0.3, -0.2, 0.15, 0.1, -0.1, 0.2, -0.3, 0.05, 0.2, 0.1, -0.1, 0.3]
DOCUMENTS = documents()
TEST = {(document, "test") for document in DOCUMENTS["test"]}


class Allowance(Rates):
    """Pays for so many validation episodes, those `paid` in earlier sessions among them.

    Episodes of the test split come on top of it, if the error says that they are `kept`.
    """

    def __init__(
        self,
        episodes: float,
        paid: Collection[tuple[str, Cell]] = (),
        jitter: int = 0,
        test: bool = True,
    ) -> None:
        super().__init__(0, jitter)
        self.limit = episodes
        self.paid.update(paid)
        self._test = test

    async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
        await asyncio.sleep(0)
        more = {(candidate.tree, cell) for cell in cells if cell.split != "test"}
        if not more <= self.paid and len(self.searched | more) > self.limit:
            raise BudgetSpent("no calls", bound="budget.calls", limit=self.limit, kept=self._test)
        return await super().evaluate(candidate, cells)

    @property
    def searched(self) -> set[tuple[str, Cell]]:
        return {paid for paid in self.paid if paid[1].split != "test"}


@dataclass
class Looks:
    """Who met the test split, in the order of their first tests."""

    trees: list[str] = field(default_factory=list)

    async def claim(self, finalists: Sequence[Candidate]) -> list[int]:
        for finalist in finalists:
            if finalist.tree not in self.trees:
                self.trees.append(finalist.tree)
        return [self.trees.index(finalist.tree) for finalist in finalists]


async def session(
    folder: Path,
    evaluator: Rates,
    tests: Looks,
    plan: SearchPlan = PLAN,
    growth: tuple[int, int] | None = None,
    steps: Sequence[float] = STEPS,
) -> SearchResult:
    """Begin or resume a run in a folder, with more iterations and episodes if they are given."""
    journal = Journal.open(folder, linger=0)
    limit = evaluator.limit if isinstance(evaluator, Allowance) else float("inf")
    try:
        if growth is not None:
            await grow(journal, plan, *growth)
        course = course_so_far(journal, lambda closing: limit > closing.limit)
        others = Collaborators(evaluator, Steps(steps), journal, tests.claim)
        return await run_session(START, plan, BASELINE, DOCUMENTS, others, course)
    finally:
        await journal.close()


async def grow(journal: Journal, plan: SearchPlan, iterations: int, episodes: int) -> None:
    await journal.append("1", growth_of(journal, plan, iterations, episodes))


async def replayed(folder: Path, tests: Looks, plan: SearchPlan = PLAN) -> SearchResult:
    """Search again by what the journal says came from outside, every fact compared."""
    journal = Journal.open(folder, linger=0)
    found = {(fact.kind, fact.key): fact.record for fact in journal.records(*RECORDS)}
    course = course_to_the_end(journal)
    await journal.close()

    class Compared(Notes):
        async def once(self, key: str, record: R) -> R:
            assert plain(found[record.KIND, key]) == plain(record)
            return await super().once(key, record)

    notes = Compared()
    others = Collaborators(Rates(jitter=9), Steps(STEPS), notes, tests.claim)
    result = await search(plan, BASELINE, DOCUMENTS, others, course)
    kinds = ("candidate", "iteration", "certification")
    decided = {fact for fact in found if fact[0] in kinds and not under_way(fact, result)}
    assert decided <= set(notes.bodies)
    return result


def under_way(fact: tuple[str, str], result: SearchResult) -> bool:
    closed = result.closed
    return bool(closed and fact[0] == "candidate" and int(fact[1][1:]) > closed.after)


def plain(record: Record) -> str:
    return json.dumps(record.to_json(), sort_keys=True)


def decisions(iterations: Sequence[Iteration]) -> list[Iteration]:
    """Iterations without what siblings have in common, which counts once."""
    return [replace(i, evidence={**i.evidence, "episodes": 0}) for i in iterations]


async def records(folder: Path, kind: type[R]) -> list[R]:
    journal = Journal.open(folder)
    found = [fact.record for fact in journal.records(kind)]
    await journal.close()
    return found


async def test_a_budget_closes_a_search_with_a_certificate(tmp_path: Path) -> None:
    tests, evaluator = Looks(), Allowance(150)
    result = await session(tmp_path, evaluator, tests)
    assert result.closed == ClosingRecord("budget.calls", 150, len(result.iterations), 0, True)
    assert 0 < len(result.iterations) < PLAN.iterations
    assert [c.candidate_id for c in result.certificates] == [f.id for f in result.finalists]
    assert {(c.document_id, c.split) for _, c in evaluator.paid - evaluator.searched} == TEST
    ends = [s for s in await records(tmp_path, SessionRecord) if s.ended == FINISHED]
    assert [end.closed for end in ends] == ["budget.calls"]
    assert await replayed(tmp_path, tests) == result


async def test_the_same_budget_says_the_same_again_and_asks_for_nothing(tmp_path: Path) -> None:
    tests, evaluator = Looks(), Allowance(150)
    first = await session(tmp_path, evaluator, tests)
    before = (tmp_path / "journal/000001.jsonl").read_bytes()
    again = Allowance(150, evaluator.paid)
    assert await session(tmp_path, again, tests) == first
    assert (tmp_path / "journal/000001.jsonl").read_bytes() == before
    assert again.paid == evaluator.paid


@pytest.mark.parametrize("limits", [(150, 1e9), (60, 150, 1e9), (100, 101, 102, 220, 400, 1e9)])
async def test_a_larger_budget_goes_on_as_if_it_had_never_closed(
    tmp_path: Path, limits: Sequence[float]
) -> None:
    whole = await session(tmp_path / "a", Rates(), Looks())
    tests, result, paid = Looks(), whole, set[tuple[str, Cell]]()
    for jitter, limit in enumerate(limits):
        evaluator = Allowance(limit, paid, jitter)
        result = await session(tmp_path / "b", evaluator, tests)
        paid = evaluator.paid
        assert await replayed(tmp_path / "b", tests) == result
    assert result.closed is None
    assert decisions(result.iterations) == decisions(whole.iterations)
    assert result.finalists == whole.finalists
    assert result.estimates == whole.estimates
    given = await records(tmp_path / "b", Certificate)
    assert (
        len({certificate.candidate_id for certificate in given}) == len(given) == len(tests.trees)
    )
    assert [certificate.tested_before for certificate in given] == list(range(len(given)))


async def test_a_finalist_that_was_tested_keeps_its_certificate(tmp_path: Path) -> None:
    tests, plan = Looks(), replace(PLAN, iterations=3)
    first = await session(tmp_path, Allowance(80), tests, plan)
    assert first.closed
    assert first.certificates
    last = await session(tmp_path, Allowance(1e9), tests, plan)
    assert last.finalists == first.finalists
    assert last.certificates == first.certificates
    assert len(tests.trees) == 1


async def test_re_measuring_is_closed_and_goes_on_too(tmp_path: Path) -> None:
    whole = await session(tmp_path / "a", Rates(), Looks())
    evaluator = Rates()
    await session(tmp_path / "c", evaluator, Looks())
    spent = {cell.repeat for _, cell in evaluator.paid if cell.split == "validation"}
    assert spent & {1}, "nothing was re-measured"
    before = {p for p in evaluator.paid if p[1].split != "test" and not 0 < p[1].repeat < 100}
    tests = Looks()
    closed = await session(tmp_path / "b", Allowance(len(before)), tests)
    assert closed.closed == ClosingRecord("budget.calls", len(before), PLAN.iterations, 0, True)
    assert await replayed(tmp_path / "b", tests) == closed
    result = await session(tmp_path / "b", Allowance(1e9), tests)
    assert result.estimates == whole.estimates
    assert await replayed(tmp_path / "b", tests) == result


async def test_where_not_even_the_test_can_be_paid_nobody_is_tested(tmp_path: Path) -> None:
    tests = Looks()
    result = await session(tmp_path, Allowance(150, test=False), tests)
    assert result.closed
    assert not result.closed.tested
    assert (result.certificates, result.finalists, tests.trees) == ((), (), [])
    assert result.best == BASELINE
    assert await replayed(tmp_path, tests) == result


async def test_a_search_killed_while_it_closes_closes_again_at_the_same_place(
    tmp_path: Path,
) -> None:
    class Killed(Allowance):
        async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
            if cells[0].split == "test":
                raise Interrupted("stopped by SIGTERM")
            return await super().evaluate(candidate, cells)

    for limit in (150, 1e9):
        folder, tests = tmp_path / f"b{limit}", Looks()
        with pytest.raises(Interrupted):
            await session(folder, Killed(150), tests)
        [closing] = await records(folder, ClosingRecord)
        claimed = list(tests.trees)
        result = await session(folder, Allowance(limit), tests)
        assert result.certificates
        assert tests.trees[: len(claimed)] == claimed
        assert (result.closed == closing) == (limit == 150)
        assert await replayed(folder, tests) == result
        assert await records(folder, ClosingRecord) == [closing]


async def test_a_test_that_costs_more_than_was_kept_gives_no_certificate(tmp_path: Path) -> None:
    class Dear(Allowance):
        async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
            if cells[0].split == "test":
                raise BudgetSpent("too dear", bound="budget.calls", limit=self.limit)
            return await super().evaluate(candidate, cells)

    tests = Looks()
    with pytest.raises(BudgetSpent, match="too dear"):
        await session(tmp_path, Dear(150), tests)
    assert not await records(tmp_path, Certificate)
    result = await session(tmp_path, Allowance(1e9), tests)
    assert result.closed is None
    assert await replayed(tmp_path, tests) == result


@pytest.mark.parametrize("at", [3, 8, 14, 20, 30])
async def test_growth_under_way_changes_nothing_that_may_have_begun(
    tmp_path: Path, at: int
) -> None:
    class Stopped(Rates):
        left = at

        async def evaluate(self, candidate: Candidate, cells: Sequence[Cell]) -> list[Outcome]:
            self.left -= 1
            if not self.left:
                raise Interrupted("stopped by SIGTERM")
            return await super().evaluate(candidate, cells)

    plan, tests = replace(PLAN, episodes=400), Looks()
    whole = await session(tmp_path / "a", Rates(), Looks(), plan)
    with pytest.raises(Interrupted):
        await session(tmp_path / "b", Stopped(), tests, plan)
    result = await session(tmp_path / "b", Rates(jitter=at), tests, plan, growth=(11, 900))
    (growth,) = await records(tmp_path / "b", GrowthRecord)
    before = growth.first - 1
    assert decisions(result.iterations)[:before] == decisions(whole.iterations)[:before]
    assert len(result.iterations) == 11
    assert result.spent <= 900
    assert await replayed(tmp_path / "b", tests, plan) == result


@pytest.mark.parametrize("episodes", [0, 400])
async def test_a_finished_search_grows_and_keeps_what_it_found(
    tmp_path: Path, episodes: int
) -> None:
    plan, tests, evaluator = replace(PLAN, iterations=5, episodes=episodes), Looks(), Rates()
    first = await session(tmp_path, evaluator, tests, plan)
    more = (9, 3 * episodes)
    result = await session(tmp_path, evaluator, tests, plan, growth=more)
    assert result.iterations[: len(first.iterations)] == first.iterations
    assert len(result.iterations) == 9
    assert set(first.certificates) <= set(result.certificates)
    assert [c.tested_before for c in result.certificates] == sorted(
        range(len(tests.trees)), reverse=True
    )
    seen = {cell.repeat for _, cell in evaluator.paid if cell.split == "validation"}
    looks = sorted(repeat for repeat in seen if 0 < repeat < 100)
    assert looks == list(range(1, len(looks) + 1))
    assert await replayed(tmp_path, tests, plan) == result
    assert result.spent == len(evaluator.paid)
    assert await session(tmp_path, Rates(jitter=3), tests, plan) == result


@pytest.mark.parametrize(("first", "second"), [(70, 240), (100, 240), (100, 400)])
async def test_what_was_closed_may_grow_and_what_grew_may_be_closed(
    tmp_path: Path, first: int, second: int
) -> None:
    plan, tests = replace(PLAN, iterations=4), Looks()
    closed = await session(tmp_path, Allowance(first), tests, plan)
    assert closed.closed
    grown = await session(tmp_path, Allowance(second), tests, plan, growth=(12, 0))
    assert grown.closed
    before, after = ((c.closed.after, c.closed.looks) for c in (closed, grown) if c.closed)
    assert after > before
    assert await replayed(tmp_path, tests, plan) == grown
    result = await session(tmp_path, Allowance(1e9), tests, plan)
    assert result.closed is None
    assert len(result.iterations) == 12
    assert await replayed(tmp_path, tests, plan) == result


@pytest.mark.thorough
async def test_equal_harnesses_are_hardly_ever_certified_however_often_a_search_ends() -> None:
    """Each run closes or grows again and again, and stops as soon as it has certified anything."""
    runs, wrong, tested = 150, 0, 0
    for seed in range(runs):
        plan = SearchPlan(seed=seed, iterations=2, parallel=1)
        growths = tuple(GrowthRecord(2 * n, 0, 2 * n - 2, 2 * n - 1) for n in (2, 3, 4, 5))
        closings = tuple(ClosingRecord("budget.calls", n, n, 0, True) for n in (1,))
        course = Course(growths, closings)
        tests = Looks()
        others = Collaborators(Rates(seed), Steps([0.0] * 10), Notes(), tests.claim)
        result = await search(plan, BASELINE, DOCUMENTS, others, course)
        wrong += any(certificate.certified for certificate in result.certificates)
        tested += len(tests.trees)
    assert tested > 2 * runs
    assert wrong <= 0.05 * runs


def test_a_course_that_nothing_came_to_is_straight() -> None:
    assert Course() == STRAIGHT
