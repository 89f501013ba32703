"""The contract of a program that proposes: what a search takes for granted of a command."""

import asyncio
import os
from pathlib import Path

from autodata.config.schema import Command
from autodata.engine.outside import Outside
from autodata.harness.spec import Harness, check_edit, load_files, with_edits
from autodata.search.proposers.worktree import Material
from autodata.store.episodes import CommandRecord
from autodata.testing.contract import Contract, expect
from autodata.testing.proposers import FILES
from autodata.types import Json

EPISODE: Json = {
    "document_id": "0123456789abcdef",
    "split": "train",
    "status": "rejected",
    "reason": "no example was accepted",
    "rounds": [],
}
"""A trajectory with little in it."""


class ProgramContract(Contract):
    """The rules; see `check_program`."""

    def __init__(self, settings: Command, root: Path, baseline: Harness) -> None:
        self._settings = settings
        self._root = root
        self._baseline = baseline
        self._left: CommandRecord | None = None

    async def ends_in_order(self) -> None:
        """With exit code 0, within its time and room."""
        found = await self._found()
        expect(not found.problem, found.problem)

    async def edits_the_harness(self) -> None:
        """What it leaves is another harness, and changes only what an edit may change."""
        edited = with_edits(self._baseline, (await self._found()).files)
        expect(edited.fingerprint != self._baseline.fingerprint, "it changes nothing")
        check_edit(self._baseline, edited)

    async def says_what_it_did(self) -> None:
        """In one line of summary.txt, which people read."""
        expect(bool((await self._found()).summary), "there is no summary.txt, or nothing in it")

    async def _found(self) -> CommandRecord:
        """Run it once; each rule looks at the same."""
        if self._left is None:
            documents = {EPISODE["document_id"]: "A document of one line."}
            material = Material("One edit.", "None here.", "No edit yet.", [EPISODE], documents)
            room = asyncio.Semaphore(1)
            outside = Outside.of(self._settings, self._root, os.environ, room)
            self._left = await outside.left(self._baseline, material)
        return self._left


def check_program(
    command: list[str],
    root: str | Path = ".",
    baseline: Harness | None = None,
    seconds: float = 600.0,
    environment: tuple[str, ...] = (),
) -> None:
    """Hold a program of `optimize.proposer` against its contract; runs it once.

    `root` is the project's folder, `baseline` the harness it is tried on: left out, there is a
    small one with two knobs. `environment` are the variables that it gets.

    Raises:
        ConfigurationError: there is no such program.
        ContractBroken: names every rule that is broken.
    """
    settings = Command(command=command, seconds=seconds, environment=[*environment])
    contract = ProgramContract(settings, Path(root), baseline or load_files(FILES))
    contract.hold(f"program {' '.join(command)}")
