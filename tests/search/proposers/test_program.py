"""A program that proposes: what it gets, how long and how much it may, and that nothing stays."""

import os
import sys
from pathlib import Path

import pytest

from autodata.search.proposers import program
from autodata.search.proposers.program import Program, ProgramEnd, environment_of, found_in, run

PATHS = {"PATH": os.defpath}


async def ended(
    tmp_path: Path, code: str, seconds: float = 60.0, megabytes: int = 10
) -> tuple[ProgramEnd, Path]:
    folder = tmp_path / "folder"
    folder.mkdir()
    command = (sys.executable, "-c", code)
    return await run(Program(command, seconds, megabytes, PATHS), folder, tmp_path / "log"), folder


async def test_a_program_works_in_its_folder_and_its_last_words_are_kept(tmp_path: Path) -> None:
    found, folder = await ended(tmp_path, "open('out', 'w').write('x'); print('all is done')")
    assert (found.problem, found.said) == ("", "all is done")
    assert (folder / "out").read_text() == "x"


async def test_a_program_that_fails_says_with_which_code(tmp_path: Path) -> None:
    found, _ = await ended(tmp_path, "raise SystemExit('no key')")
    assert found.problem == "it ended with exit code 1"
    assert found.said == "no key"


async def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    code = (
        "import os, time, subprocess, sys\n"
        "sleeper = 'import time; time.sleep(600)'\n"
        "one = subprocess.Popen([sys.executable, '-c', sleeper], start_new_session=True)\n"
        "open('pid', 'w').write(str(one.pid))\n"
        "time.sleep(600)"
    )
    found, folder = await ended(tmp_path, code, seconds=1.5)
    assert found.problem == "it took more than 1.5 s"
    pid = int((folder / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_what_a_program_leaves_running_ends_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "sleeper = 'import time; time.sleep(600)'\n"
        "one = subprocess.Popen([sys.executable, '-c', sleeper], start_new_session=True)\n"
        "open('pid', 'w').write(str(one.pid))"
    )
    found, folder = await ended(tmp_path, code)
    assert found.problem == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


@pytest.mark.parametrize(
    "code",
    [
        "import time\nprint('x' * 3_000_000, flush=True); time.sleep(600)",
        "import time\n[open(f'f{n}', 'w') for n in range(700)]; time.sleep(600)",
    ],
)
async def test_a_program_that_writes_too_much_is_ended(tmp_path: Path, code: str) -> None:
    found, _ = await ended(tmp_path, code, megabytes=2)
    assert found.problem == "it wrote more than 2 MB"


async def test_a_program_sees_no_key_but_those_that_are_named_for_it(tmp_path: Path) -> None:
    known = {"PATH": "/bin", "HOME": "/h", "OPENAI_API_KEY": "sk-1", "MY_TOKEN": "t", "LC_ALL": "C"}
    given = environment_of(known, ["MY_TOKEN", "ABSENT"])
    assert given == {"PATH": "/bin", "HOME": "/h", "MY_TOKEN": "t", "LC_ALL": "C"}
    folder = tmp_path / "folder"
    folder.mkdir()
    shown = "import os; print(sorted(n for n in os.environ if n not in ('LC_CTYPE', 'PWD')))"
    asked = Program((sys.executable, "-c", shown), 60.0, 1, given)
    assert (
        await run(asked, folder, tmp_path / "log")
    ).said == "['HOME', 'LC_ALL', 'MY_TOKEN', 'PATH']"


def test_files_of_the_project_are_found_from_another_folder(tmp_path: Path) -> None:
    (tmp_path / "propose.py").touch()
    (tmp_path / "claude").mkdir()
    command = found_in(["claude", "propose.py", "-p", "propose.py please", "x" * 9000], tmp_path)
    assert command == ("claude", f"{tmp_path}/propose.py", "-p", "propose.py please", "x" * 9000)


async def test_last_words_are_cut_with_a_mark_and_printable(tmp_path: Path) -> None:
    found, _ = await ended(tmp_path, "print('\\x1b[31mred\\x07'); print('y' * 5000)")
    assert found.said.startswith("[cut] yyy")
    assert len(found.said) <= program.SAID_CHARS + 6
    log = tmp_path / "other"
    log.write_bytes(b"\x1b[31mred\x07\n\xff\n")
    assert program.tail(log) == "[31mred\n\ufffd"
