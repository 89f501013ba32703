"""Merging edits of a run: what fits, what is checked, what needs what, and commits in git."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest

from autodata.errors import HarnessError
from autodata.harness.repository import Repository
from autodata.harness.spec import Harness, load_files, with_edits, with_knobs
from autodata.harness.workflow import Sandbox
from autodata.search.merger import GitMerger, MergeBounds
from autodata.search.session import GitWorkshop, RunStart
from autodata.store.records import DocumentsRecord
from autodata.types import Candidate, DealtDocument, KnobValue
from tests.support.harnesses import FILES
from tests.support.repositories import git, make_repository

PROMPT = "prompts/challenger.md"
RULES = "".join(f"- Rule {number}.\n" for number in range(1, 7))
BASE = load_files({**FILES, PROMPT: f"Ask about {{{{document}}}}.\n\n{RULES}\nEnd.\n"})
END = 'attempt("strong", example)\n'
START = RunStart(
    "r1",
    1_790_000_000,
    7,
    "tiny",
    None,
    {},
    False,
    DocumentsRecord((), (), (DealtDocument("a", "a.txt", 3),)),
)


class Bench:
    """A run's workshop and merger in a repository, and edits made in it."""

    def __init__(self, repository: Repository, max_prompt_chars: int = 0) -> None:
        self.checked: list[str] = []
        start = replace(START, base_commit=repository.head())
        self.workshop = GitWorkshop(repository, start, "e")
        self.baseline = self.workshop.baseline(BASE)
        bounds = MergeBounds(self.check, max_prompt_chars)
        self.merger = GitMerger(self.workshop, BASE, bounds)
        self._made = 0

    async def check(self, workflow: str) -> None:
        self.checked.append(workflow)
        if "broken" in workflow:
            raise HarnessError("workflow.py is broken", "mend it")

    async def edit(self, harness: Harness, parent: Candidate | None = None) -> Candidate:
        self._made += 1
        on = parent or self.baseline
        return await self.workshop.make(self._made, on, harness, f"Edit {self._made}")

    async def text(
        self, before: str, after: str, path: str = PROMPT, on: Candidate | None = None
    ) -> Candidate:
        harness = await self.workshop.load(on) if on else BASE
        assert before in harness.files[path]
        edits = {path: harness.files[path].replace(before, after)}
        return await self.edit(with_edits(harness, edits), on)

    async def knobs(self, on: Candidate | None = None, **values: KnobValue) -> Candidate:
        harness = await self.workshop.load(on) if on else BASE
        return await self.edit(with_knobs(harness, values), on)


def git_version() -> tuple[int, ...]:
    numbers = git(Path(), "--version").split()[2].split(".")
    return tuple(int(number) for number in numbers[:2])


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    with Repository(make_repository(tmp_path / "project")) as repository:
        yield Bench(repository)


async def test_a_set_of_edits_is_a_commit_on_the_baseline(bench: Bench, tmp_path: Path) -> None:
    first = await bench.text("Rule 1", "Rule 1, always")
    second = await bench.text("Rule 5", "Rule 5, never")
    third = await bench.knobs(rounds=7)
    made = await bench.merger.merge("c1", [third, second, first])
    assert made is not None
    assert (made.id, made.parent_id, made.knobs["rounds"]) == ("c1", "c0", 7)
    place = tmp_path / "project"
    assert git(place, "rev-parse", "refs/autodata/r1/c1") == made.commit
    assert git(place, "rev-parse", f"{made.commit}^") == bench.baseline.commit
    text = git(place, "show", f"{made.commit}:harnesses/tiny/{PROMPT}")
    assert "- Rule 1, always.\n" in text
    assert "- Rule 5, never.\n" in text
    assert made.message.splitlines()[0] == "Merge e1, e2, e3"
    assert "e2: Edit 2" in made.message
    assert git(place, "rev-parse", "refs/autodata/r1/e2") == second.commit
    again = await bench.merger.merge("c1", [first, second, third])
    assert again == made
    assert (await bench.workshop.load(made)).prompt_chars == made.prompt_chars


async def test_nothing_merged_is_the_baseline(bench: Bench) -> None:
    assert await bench.merger.merge("c0", []) == bench.baseline


async def test_edits_that_touch_exclude_each_other(bench: Bench, tmp_path: Path) -> None:
    first, second = (
        await bench.text("Rule 2", "Rule 2, always"),
        await bench.text("Rule 3", "Rule 3, never"),
    )
    assert not await bench.merger.fit([first, second])
    assert await bench.merger.merge("c1", [first, second]) is None
    assert "c1" not in git(tmp_path / "project", "for-each-ref", "--format=%(refname:strip=3)")
    rounds, other = await bench.knobs(rounds=7), await bench.knobs(rounds=6)
    same = await bench.knobs(rounds=7, share=0.25)
    assert not await bench.merger.fit([rounds, other])
    assert await bench.merger.fit([rounds, same])


async def test_an_edit_needs_what_it_was_made_on_as_far_as_its_lines_touch_it(
    bench: Bench,
) -> None:
    first = await bench.text("Rule 2", "Rule 2, always")
    other = await bench.text("Rule 6", "Rule 6, gladly")
    parent = await bench.merger.merge("c1", [first, other])
    assert parent is not None
    upon = await bench.text("always", "always and everywhere", on=parent)
    aside = await bench.text("End", "The end", on=parent)
    assert await bench.merger.fit([first, upon])
    assert not await bench.merger.fit([upon])
    assert not await bench.merger.fit([other, upon])
    assert await bench.merger.fit([aside])
    needs = await bench.merger.needs([aside, upon, other, first])
    assert needs == {
        "e1": frozenset(),
        "e2": frozenset(),
        "e3": frozenset({"e1"}),
        "e4": frozenset(),
    }


async def test_needs_reach_through_edits_between(bench: Bench) -> None:
    first = await bench.text("Rule 2", "Rule 2, always")
    second = await bench.text("always", "nearly always", on=first)
    third = await bench.text("nearly", "very nearly", on=second)
    needs = await bench.merger.needs([first, second, third])
    assert needs["e3"] == {"e1", "e2"}


async def test_a_workflow_that_nobody_wrote_is_checked_and_once(bench: Bench) -> None:
    start = "def run("
    workflow = "workflow.py"
    above = await bench.text(start, f"LIMIT = 3\n\n\n{start}", workflow)
    below = await bench.text(END, f"{END}\n\nEND = 1\n", workflow)
    assert await bench.merger.fit([await bench.knobs(share=0.25)])
    assert bench.checked == []  # the baseline's own was checked before the search
    for _ in range(2):
        assert await bench.merger.fit([above, below])
        assert await bench.merger.fit([above, below, await bench.knobs(rounds=5)])
    assert len(bench.checked) == 1
    broken = await bench.text(start, f"broken = 1\n\n\n{start}", workflow)
    assert not await bench.merger.fit([broken])
    assert not await bench.merger.fit([broken, below])


async def test_two_functions_of_one_name_exclude_each_other(bench: Bench) -> None:
    function = "def helper() -> int:\n    return 1\n\n\n"
    above = await bench.text("def run(", f"{function}def run(", "workflow.py")
    below = await bench.text(END, f"{END}\n\n\n{function}", "workflow.py")
    assert not await bench.merger.fit([above, below])


async def test_a_merged_workflow_is_type_checked_in_the_sandbox(tmp_path: Path) -> None:
    with Repository(make_repository(tmp_path / "project")) as repository:
        bench = Bench(repository)
        helper = await bench.text("def run(", "LIMIT = 3\n\n\ndef run(", "workflow.py")
        user = await bench.text('int(knobs["rounds"])', "LIMIT", "workflow.py", on=helper)
        async with Sandbox(workers=1) as sandbox:
            merger = GitMerger(bench.workshop, BASE, MergeBounds(sandbox.check))
            assert await merger.fit([helper, user])
            assert not await merger.fit([user])  # it merges, but LIMIT is not defined
            assert (await merger.needs([helper, user]))["e2"] == {"e1"}


async def test_prompts_that_grow_too_long_together_do_not_fit(tmp_path: Path) -> None:
    with Repository(make_repository(tmp_path / "project")) as repository:
        bench = Bench(repository, BASE.prompt_chars + 60)
        one = await bench.text("Rule 1", "Rule 1" + "x" * 40)
        two = await bench.text("Rule 5", "Rule 5" + "y" * 40)
        assert await bench.merger.fit([one])
        assert not await bench.merger.fit([one, two])


async def test_an_edit_of_knobs_fits_with_edits_of_text(bench: Bench) -> None:
    text = await bench.text("Rule 1", "Rule 1, {{knobs.style}}")
    knob = await bench.knobs(style="long")
    made = await bench.merger.merge("c1", [text, knob])
    assert made is not None
    harness = await bench.workshop.load(made)
    assert "Rule 1, long" in harness.prompt("challenger", document="d")


@pytest.mark.skipif(git_version() < (2, 38), reason="git merge-tree --write-tree is of 2.38")
async def test_a_set_has_the_files_that_git_merges(bench: Bench, tmp_path: Path) -> None:
    place = tmp_path / "project"
    folder = "harnesses/tiny"
    edits = [
        await bench.text("- Rule 1.\n", ""),
        await bench.text("- Rule 3.\n", "- Rule 3.\n- And another.\n"),
        await bench.text("- Rule 5.\n- Rule 6.\n", "- Rule 6.\n"),
        await bench.text("example", "found", "workflow.py"),
        await bench.text("End.", "The end.\n\nReally."),
    ]
    for number, pair in enumerate(combinations(edits, 2), start=1):
        made = await bench.merger.merge(f"c{number}", pair)
        assert made is not None
        tree = git(place, "merge-tree", "--write-tree", *(edit.commit for edit in pair))
        words = ("ls-tree", "-r", "--format=%(objectname) %(path)")
        ours = git(place, *words, made.commit, f"{folder}/")
        assert git(place, *words, tree, f"{folder}/") == ours
