"""What a program left of a harness: a change, or a reason why that counts for nothing."""

import asyncio
import os
from pathlib import Path
from random import Random

import pytest

from autodata.config.schema import Command
from autodata.engine.outside import Outside, task_of
from autodata.errors import ConfigurationError
from autodata.harness.spec import load_files
from autodata.search.base import Brief, Iteration, Proposal
from autodata.search.proposers.worktree import Material
from autodata.store.episodes import CommandRecord
from autodata.types import Candidate
from tests.support.harnesses import FILES

BASE = load_files(FILES)
C0 = Candidate("c0", "commit0", BASE.tree, None, BASE.values)
MATERIAL = Material("One edit.", "None.", "No edit yet.", [], {})
SECRET = "sk-0123456789"


async def left(tmp_path: Path, program: str, material: Material = MATERIAL) -> CommandRecord:
    (tmp_path / "propose.py").write_text(program)
    settings = Command(command=["python3", "propose.py"], seconds=60, environment=["KEY", "HOME"])
    environment = {"PATH": os.environ["PATH"], "HOME": "/root/home", "KEY": SECRET, "OTHER": "no"}
    outside = Outside.of(settings, tmp_path, environment, asyncio.Semaphore(1))
    return await outside.left(BASE, material)


WRONG = [
    ("raise SystemExit('no model')", "exit code 1; its last words: no model"),
    ("open('harness/notes.md', 'w').write('mine')", "'notes.md' is no file of a harness"),
    ("import os; os.remove('harness/workflow.py')", "workflow.py is missing"),
    ("open('harness/harness.yaml', 'a').write('more: 1')", "harness.yaml"),
    ("open('harness/workflow.py', 'wb').write(bytes(range(256)))", "harness/workflow.py: "),
    ("open('harness/workflow.py', 'w').write('x' * 300_000)", "workflow.py is too large"),
    (
        "import os; os.remove('harness/workflow.py')\n"
        "os.symlink('/etc/hostname', 'harness/workflow.py')",
        "harness/workflow.py is no regular file",
    ),
    (
        "import os; os.remove('harness/workflow.py'); os.mkfifo('harness/workflow.py')",
        "harness/workflow.py is no regular file",
    ),
    (
        "import os, shutil; shutil.rmtree('harness'); os.symlink('/etc', 'harness')",
        "harness is a link",
    ),
    ("import shutil; shutil.rmtree('harness')", "there is no harness folder harness"),
    (
        "import os; open('harness/workflow.py', 'a').write('# ' + os.environ['KEY'])",
        "the edit holds a value of its environment",
    ),
    ("import os; raise SystemExit(os.environ['KEY'])", "last words: ***"),
]


async def test_what_is_wrong_with_an_edit_is_said_and_nothing_of_it_kept(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(len(WRONG))]
    for folder in folders:
        folder.mkdir()
    tried = [left(folder, program) for folder, (program, _) in zip(folders, WRONG, strict=True)]
    for found, (program, reason) in zip(await asyncio.gather(*tried), WRONG, strict=True):
        assert reason in found.problem, program
        assert "/tmp" not in found.problem
        assert (found.files, found.summary) == ({}, "")
        assert SECRET not in str(found)


async def test_a_change_is_kept_with_what_was_said_of_it(tmp_path: Path) -> None:
    found = await left(
        tmp_path,
        "import os, pathlib\n"
        "pathlib.Path('harness/prompts/verifier.md').write_text('Check {{example}} twice.\\n')\n"
        "os.makedirs('harness/.git'); open('harness/.git/config', 'w').write('x')\n"
        "open('notes', 'w').write('for myself')\n"
        "open('summary.txt', 'w').write('twice\\n\\x1b[2Jas ' + os.environ['KEY'] + ' asks')\n",
    )
    assert found.problem == ""
    assert found.files == {"prompts/verifier.md": "Check {{example}} twice.\n"}
    assert found.summary == "twice [2Jas *** asks"
    assert found.tree == BASE.tree


async def test_a_program_reads_all_that_it_is_given(tmp_path: Path) -> None:
    material = Material(
        "Mend number 2.", "At most 3.", "e1: no.", [{"document_id": "d1"}], {"d1": "Text."}
    )
    found = await left(
        tmp_path,
        "import pathlib\n"
        "read = lambda *names: [pathlib.Path(name).read_text() for name in names]\n"
        "readme, log, text = read('README.md', 'log.md', 'documents/d1.txt')\n"
        "assert 'Mend number 2.' in readme and 'At most 3.' in readme\n"
        "assert (log, text) == ('e1: no.', 'Text.')\n"
        "assert 'd1' in read('trajectories/d1.json')[0] and 'def attempt' in read('host.py')[0]\n",
        material,
    )
    assert found.problem == ""


def test_a_program_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text("no program")
    for command, said in (
        (["nobody-is-called-so"], "no program 'nobody-is-called-so'"),
        (["plain.txt"], "no program 'plain.txt'"),
        (["python3", "lost.py"], "no file 'lost.py' in the project"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            Outside.of(Command(command=command), tmp_path, os.environ, asyncio.Semaphore(1))


def brief(number: int, group: tuple[int, ...] = (), rewrite: Iteration | None = None) -> Brief:
    return Brief(number, C0, (), (), Random(0), group, 0, rewrite)


def test_who_proposes_beside_others_is_told_to_differ() -> None:
    tasks = [task_of(brief(number, (4, 5, 6))) for number in (4, 5, 6)]
    assert len({*tasks}) == 3
    assert "mend number 2 of the list" in tasks[1]
    assert "One edit" in task_of(brief(4, (4,)))


def test_who_rewrites_an_edit_is_shown_it_and_asked_for_no_new_idea() -> None:
    old = Iteration(3, "c0", Proposal("llm", None, edit="+a line"), "rejected", "it clashes")
    told = task_of(brief(7, (7,), old))
    assert "write edit e3 anew" in told
    assert "```diff\n+a line\n```" in told
