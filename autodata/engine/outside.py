"""A program of the user's own as the editor of a search: `optimize.proposer: {command: [...]}`.

What it leaves is journaled before it is used, so a run that is resumed or replayed runs it no more.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autodata.config.schema import Command
from autodata.engine.engine import Engine
from autodata.errors import ConfigurationError, EditFailed, HarnessError, ReplayMismatch
from autodata.harness.spec import Harness, with_edits
from autodata.search.base import Brief
from autodata.search.proposers.base import Edit, Editing
from autodata.search.proposers.history import log_of
from autodata.search.proposers.program import ALWAYS, Program, environment_of, found_in, run
from autodata.search.proposers.pseudonyms import Pseudonyms
from autodata.search.proposers.worktree import Material, lay_out, read_back, summary_of
from autodata.search.session import train_episodes
from autodata.store.episodes import CommandRecord
from autodata.store.scratch import scratch_folder
from autodata.types import Spend

AT_ONCE = 4
"""Programs under way at a time."""
SCRIPTS = (".py", ".sh", ".js", ".ts", ".rb", ".pl")
"""Ends of arguments that name a script, which has to be there."""
SHORTEST_SECRET = 8
"""The shortest value of a variable that is kept out of what a program said."""


def program_of(settings: Command, root: Path, environment: Mapping[str, str]) -> Program:
    """Return the program that a configuration names, as it is started for this project.

    Raises:
        ConfigurationError: there is no such program.
    """
    given = environment_of(environment, settings.environment)
    command = found_in(settings.command, root)
    if shutil.which(command[0], path=given.get("PATH", os.defpath)) is None:
        raise ConfigurationError(
            f"optimize.proposer.command: there is no program {settings.command[0]!r}",
            "install it, or name a file of the project that may be executed",
        )
    for part in command[1:]:
        if part.endswith(SCRIPTS) and " " not in part and not Path(part).is_file():
            raise ConfigurationError(
                f"optimize.proposer.command: there is no file {part!r} in the project",
                f"put it beside autodata.yaml, in {root.resolve()}",
            )
    return Program(command, settings.seconds, settings.megabytes, given)


@dataclass(frozen=True, slots=True)
class Outside:
    """Runs a program once for every proposal, in a folder that is gone afterwards."""

    program: Program
    secrets: tuple[str, ...]
    room: asyncio.Semaphore

    @classmethod
    def of(
        cls,
        settings: Command,
        root: Path,
        environment: Mapping[str, str],
        room: asyncio.Semaphore,
    ) -> "Outside":
        """Return the one who runs a configured program where there is `room`.

        Raises:
            ConfigurationError: there is no such program.
        """
        program = program_of(settings, root, environment)
        named = (name for name in settings.environment if not ALWAYS.fullmatch(name))
        values = (program.environment.get(name, "") for name in named)
        secrets = tuple(value for value in values if len(value) >= SHORTEST_SECRET)
        return cls(program, secrets, room)

    async def left(self, harness: Harness, material: Material) -> CommandRecord:
        """Return what the program leaves of a harness.

        Raises:
            ConfigurationError: it cannot be started.
            StoreError: temporary files cannot be written.
        """
        async with self.room:
            with scratch_folder() as place:
                folder, log = place / "proposal", place / "log"
                folder.mkdir()
                await asyncio.to_thread(lay_out, folder, harness, material)
                ended = await run(self.program, folder, log)
                found = CommandRecord(harness.tree, {}, "", ended.problem, ended.seconds)
                if ended.problem:
                    said = f"; its last words: {ended.said}" if ended.said else ""
                    return self._told(replace(found, problem=f"the program: {ended.problem}{said}"))
                try:
                    edited = await asyncio.to_thread(read_back, folder)
                except HarnessError as error:
                    return self._told(replace(found, problem=error.problem))
                changes = changed(harness, edited)
                return self._told(replace(found, files=changes, summary=summary_of(folder)))

    def _told(self, found: CommandRecord) -> CommandRecord:
        """Return a record without any value that only the program was to know."""
        if any(secret in (text or "") for secret in self.secrets for text in found.files.values()):
            found = replace(found, files={}, problem="the edit holds a value of its environment")
        problem, summary = found.problem, found.summary
        for secret in self.secrets:
            problem, summary = problem.replace(secret, "***"), summary.replace(secret, "***")
        return replace(found, problem=problem, summary=summary)


def changed(before: Harness, after: Harness) -> dict[str, str | None]:
    """Return the files that differ, as they are afterwards; None for one that is gone."""
    paths = sorted({*before.files, *after.files})
    return {p: after.files.get(p) for p in paths if before.files.get(p) != after.files.get(p)}


def command_editor(running: Engine, settings: Command, rules: str = "") -> Editing:
    """Return the program as one function of a brief; `rules` are those of the search, in words."""
    train = {document.id: document.text for document in running.documents["train"]}
    known = [d.id for split in ("train", "validation") for d in running.documents[split]]
    names = Pseudonyms(running.team.secret, known)
    room = asyncio.Semaphore(AT_ONCE)

    def material(brief: Brief) -> Material:
        episodes = train_episodes(running.journal, brief.parent, brief.minibatch)
        shown = dict.fromkeys(outcome.cell.document_id for outcome in brief.minibatch)
        return Material(
            task_of(brief),
            rules,
            log_of(names.past(brief.history)),
            [names.hidden(episode) for episode in episodes],
            {names.hide(name): train[name] for name in shown if name in train},
        )

    async def edit(brief: Brief, measured: Harness, harness: Harness) -> Edit:
        """Return what the program left of the harness, from the journal where it ran before."""
        key = f"i{brief.number}"
        found = running.journal.find(CommandRecord, key)
        if found is None:
            if running.replayed:
                raise ReplayMismatch(f"command {key} is not in the journal")
            outside = Outside.of(settings, running.root, os.environ, room)
            found = await outside.left(harness, material(brief))
            await running.journal.append(key, found)
        spend = Spend(seconds=found.seconds)
        if found.problem:
            raise EditFailed(found.problem, spend)
        try:
            edited = with_edits(harness, found.files)
            if edited.workflow != harness.workflow:
                await running.sandbox.check(edited.workflow)
        except HarnessError as error:
            raise EditFailed(error.problem, spend) from error
        return Edit(edited, summary=names.reveal(found.summary), spend=spend)

    return edit


def task_of(brief: Brief) -> str:
    """Return what is asked for, in words."""
    if (old := brief.rewrite) is not None:
        return (
            f"## Your task\n\nNo new idea: write edit e{old.number} anew. It was made on an older "
            "harness and cannot be merged with this one. Do the same here, in the words of this "
            f"harness.\n\n```diff\n{old.proposal.edit}\n```"
        )
    others = [number for number in brief.group if number != brief.number]
    if not others:
        return "## Your task\n\nOne edit, of your own choice."
    place = brief.group.index(brief.number) + 1
    return (
        f"## Your task\n\n{len(brief.group)} edits are made side by side from what you see here, "
        f"by as many who do not talk to each other; yours is number {place}. So list the causes "
        f"of failure from the most to the least costly, and mend number {place} of the list."
    )
