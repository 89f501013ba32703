"""Candidates that are the baseline with a choice of edits: merged, checked, committed.

How lines merge is told in `harness.merging`; which edits are chosen is no affair of this module.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from autodata.errors import HarnessError
from autodata.harness.merging import Patch, patched
from autodata.harness.spec import Harness, check_edit, load_files
from autodata.types import Candidate

_DEFINED = re.compile(r"^(?:def|class)[ \t]+(\w+)", re.MULTILINE)

SandboxCheck = Callable[[str], Awaitable[None]]


class EditFiles(Protocol):
    """Where edits are read."""

    async def load(self, candidate: Candidate) -> Harness: ...

    async def made_on(self, edit: Candidate) -> Harness:
        """Return the harness that an edit was made on."""
        ...


class EditCommits(EditFiles, Protocol):
    """Where edits are read and merged candidates are committed."""

    async def commit(self, name: str, edits: Sequence[Candidate], harness: Harness) -> Candidate:
        """Commit the baseline with these edits as candidate `name`."""
        ...


@dataclass(frozen=True, slots=True)
class MergeBounds:
    """What a merged harness must keep to: the sandbox's check of its workflow, and a length.

    `max_prompt_chars` 0: no bound.
    """

    check_workflow: SandboxCheck
    max_prompt_chars: int = 0


class Merging:
    """Merges edits on the baseline, each set once.

    An edit is the difference between its files and those that it was made on; edits are applied in
    the order of their numbers. One that was made on others needs those whose lines it touches.
    """

    def __init__(self, edits: EditFiles, baseline: Harness, bounds: MergeBounds) -> None:
        self._edits = edits
        self._baseline = baseline
        self._bounds = bounds
        self._merged: dict[tuple[str, ...], Harness | None] = {(): baseline}
        self._works_known = {baseline.workflow: True}

    async def fit(self, edits: Sequence[Candidate]) -> bool:
        """Whether these edits can be merged; nothing is committed."""
        return await self.merged(edits) is not None

    async def needs(self, edits: Sequence[Candidate]) -> dict[str, frozenset[str]]:
        """Return which of these edits each of them needs; those it needs must leave with it last.

        The edits fit together. One needs another where it fits no more without it, and without
        those that need it.
        """
        found: dict[str, frozenset[str]] = {}
        ordered = in_order(edits)
        for place, edit in enumerate(ordered):
            needed = []
            for other in ordered[:place]:
                without = [e for e in ordered[:place] if e is not other]
                rest = [e for e in without if other.id not in found[e.id]]
                if not await self.fit([*rest, edit]):
                    needed.append(other.id)
            found[edit.id] = frozenset(needed)
        return found

    async def merged(self, edits: Sequence[Candidate]) -> Harness | None:
        """Return the baseline with these edits.

        None where they exclude each other, miss one that they need, or come to no valid harness.
        """
        ordered = in_order(edits)
        key = tuple(edit.id for edit in ordered)
        if key not in self._merged:
            try:
                self._merged[key] = await self._fold(ordered)
            except HarnessError:
                self._merged[key] = None
        return self._merged[key]

    async def _fold(self, ordered: Sequence[Candidate]) -> Harness | None:
        """Apply edits one after the other; None where one clashes with what is there.

        Raises:
            HarnessError: what comes out is no valid harness.
        """
        files = self._baseline.files
        for edit in ordered:
            before, after = await self._edits.made_on(edit), await self._edits.load(edit)
            both = patched(files, Patch(before.files, after.files))
            if both is None:
                return None
            files = both
        harness = load_files(files)
        check_edit(self._baseline, harness)
        bound = self._bounds.max_prompt_chars
        if bound and harness.prompt_chars > bound:
            return None
        return harness if await self._works(harness.workflow) else None

    async def _works(self, workflow: str) -> bool:
        """Whether a workflow passes the sandbox's check, and defines no name twice."""
        if workflow not in self._works_known:
            works = not _defined_twice(workflow)
            if works:
                try:
                    await self._bounds.check_workflow(workflow)
                except HarnessError:
                    works = False
            self._works_known[workflow] = works
        return self._works_known[workflow]


class GitMerger(Merging):
    """The `Merger` of a run, which commits what it merges."""

    def __init__(self, commits: EditCommits, baseline: Harness, bounds: MergeBounds) -> None:
        super().__init__(commits, baseline, bounds)
        self._commits = commits

    async def tree(self, edits: Sequence[Candidate]) -> str | None:
        """Return the tree of the baseline with these edits; None as of `merged`."""
        harness = await self.merged(edits)
        return harness.tree if harness else None

    async def merge(self, name: str, edits: Sequence[Candidate]) -> Candidate | None:
        """Return the baseline with these edits, committed as `name`; None as of `merged`."""
        harness = await self.merged(edits)
        if harness is None:
            return None
        return await self._commits.commit(name, in_order(edits), harness)


def in_order(edits: Sequence[Candidate]) -> list[Candidate]:
    """Return edits in the order of their numbers."""
    return sorted(edits, key=lambda edit: number_of(edit.id))


def number_of(name: str) -> int:
    """Return the number in the name of an edit or a candidate."""
    return int(name[1:])


def _defined_twice(workflow: str) -> bool:
    """Whether two edits brought functions of one name: Python takes the last without a word."""
    return any(number > 1 for number in Counter(_DEFINED.findall(workflow)).values())
