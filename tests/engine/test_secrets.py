"""A planted key is nowhere: not under the project, in output or errors, nor with any child."""

import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from autodata.store.lines import scan
from tests.support.command_line import Place, served
from tests.support.killing import (
    KEY,
    KEY_NAME,
    RUN,
    Command,
    forks,
    lines,
    small_project,
    solver,
    until,
)
from tests.support.loopback import Action, Say, Script, Seen, Status
from tests.support.serving import children

OPTIMIZE = ("optimize", "--run", RUN)
TEAM_NAME, TEAM = "AUTODATA_TEST_TEAM", "planted-team-4c81d0"
GIT = """#!/bin/sh
env >> "{log}"; echo "$@" >> "{log}"
exec {git} "$@"
"""


def quoting(code: int, bad: range) -> Script:
    """Return a script whose answers often quote the request's key, some of them as errors."""
    answer = solver()

    def act(seen: Seen) -> Action:
        assert KEY in seen.headers["Authorization"]
        said = f"{seen.headers['Authorization']} is not liked, nor is {KEY}"
        if seen.index in bad:
            return Status(code, {"error": {"message": said, "type": KEY, "code": KEY}})
        return Say(f" {seen.headers['Authorization']}") if seen.index % 5 == 0 else answer(seen)

    return act


def telltale_git(folder: Path) -> tuple[Path, Path]:
    """Make a git that writes down what it is given; return its folder and its log."""
    real = shutil.which("git")
    assert real
    program, log = folder / "bin" / "git", folder / "git.log"
    program.parent.mkdir()
    program.write_text(GIT.format(log=log, git=real))
    program.chmod(0o755)
    return program.parent, log


def files_with_key(folder: Path, key: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and key.encode() in content(path)]


def content(path: Path) -> bytes:
    """What a file says; Parquet and packed segments are compressed, so these are read."""
    if path.parent.name == "journal":
        records = [line.entry() for line in scan(path, last=True)]
        return path.read_bytes() + json.dumps([record.body for record in records]).encode()
    if path.suffix != ".parquet":
        return path.read_bytes()
    with duckdb.connect() as tables:
        return str(tables.execute(f"from read_parquet('{path}')").fetchall()).encode()


def told(command: Command) -> dict[int, bytes]:
    """What the children of a command were started with."""
    found = {}
    for child in children(command.pid):
        about = Path(f"/proc/{child}")
        found[child] = (about / "cmdline").read_bytes() + (about / "environ").read_bytes()
    return found


def no_key_is_left(place: Place, logs: Path, key: str = KEY) -> None:
    assert files_with_key(place.folder, key) == []
    assert files_with_key(logs, key) == []
    assert key not in place.git("log", "--all", "--patch", "--notes", "--format=raw")


def test_a_planted_key_is_nowhere_but_in_requests(tmp_path: Path) -> None:
    programs, git_log = telltale_git(tmp_path)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    with (
        served(quoting(503, range(5, 11))) as server,  # enough to pause, and one probe
        forks(tmp_path / "logs", PATH=path, GIT_PYTHON_GIT_EXECUTABLE=str(programs / "git")) as run,
    ):
        (tmp_path / "other").mkdir()
        assert run.run(Place(tmp_path / "other"), "init", "simulated")[0] == 0
        place = small_project(tmp_path / "project", server.url, iterations=1, episodes=130)
        command = run.begin(place, *OPTIMIZE)
        assert until(lambda: lines(place, "episode") > 0, command)
        assert KEY.encode() in Path(f"/proc/{command.pid}/environ").read_bytes()
        given = told(command)
        assert given, "the sandbox's workers are children"
        assert [pid for pid, text in given.items() if KEY.encode() in text] == []
        assert KEY.encode() not in Path(f"/proc/{command.pid}/cmdline").read_bytes()
        assert command.wait() == 0, command.said
        for words in (("show", RUN), ("replay", RUN), ("sql", "from calls"), ("doctor",)):
            assert run.run(place, *words)[0] == 0
        no_key_is_left(place, tmp_path / "logs")
        assert any(b"Bearer ***" in content(path) for path in place.folder.rglob("*.parquet"))
        asked = git_log.read_text().splitlines()
        assert "version" in asked
        assert any(line.startswith("init ") for line in asked)
        assert any("fast-import" in line for line in asked)
        assert KEY_NAME in git_log.read_text()
        assert KEY not in git_log.read_text()


def test_an_error_that_quotes_the_key_is_told_without_it(tmp_path: Path) -> None:
    with (
        served(quoting(401, range(10_000))) as server,
        forks(tmp_path / "logs", **{KEY_NAME: f" {KEY}\n"}) as run,
    ):
        place = small_project(tmp_path / "project", server.url)
        code, said = run.run(place, *OPTIMIZE)
        assert code == 2
        assert "does not accept the key" in said
        assert "fix: " in said
        no_key_is_left(place, tmp_path / "logs")


@pytest.mark.thorough
def test_the_value_of_a_header_is_nowhere_but_in_requests(tmp_path: Path) -> None:
    """A role's own, and one that the server quotes in replies and errors."""
    answer = solver()

    def act(seen: Seen) -> Action:
        value = seen.headers["x-team"]
        if seen.index == 7:
            return Status(503, {"error": {"message": value, "type": value, "code": value}})
        return Say(f" {value}") if seen.index % 5 == 0 else answer(seen)

    header = f"{{X-Team: {{env: {TEAM_NAME}}}}}"
    with (
        served(act) as server,
        forks(tmp_path / "logs", **{TEAM_NAME: f"{TEAM}\n"}) as run,
    ):
        place = small_project(tmp_path / "project", server.url, iterations=1, episodes=130)
        settings = [f"--set=roles.{role}.headers={header}" for role in ("weak", "strong")]
        command = run.begin(place, *OPTIMIZE, *settings)
        assert until(lambda: lines(place, "episode") > 0, command)
        given = told(command)
        assert given, "the sandbox's workers are children"
        assert [pid for pid, text in given.items() if TEAM.encode() in text] == []
        assert command.wait() == 0, command.said
        for words in (("show", RUN), ("replay", RUN), ("sql", "from calls")):
            assert run.run(place, *words)[0] == 0
        no_key_is_left(place, tmp_path / "logs", TEAM)
        assert {seen.headers["x-team"] for seen in server.seen} == {TEAM}
        journal = b"".join(content(path) for path in place.folder.rglob("*.jsonl"))
        assert b'" ***"' in journal
