"""Commands that serve vLLM themselves: what they start, and that nothing of it outlives them."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from autodata.config.providers.vllm import VllmConfig
from autodata.errors import ConfigurationError
from autodata.models.serving.servers import Servers
from autodata.models.serving.supervisor import Workplace
from tests.support.command_line import Place
from tests.support.killing import Command, Forks, forks, until
from tests.support.serving import (
    Start,
    alive,
    children,
    fake_vllm,
    gone,
    parent,
    starts,
    vllm_project,
)

SERVERS = 3


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has the stand-in for vLLM."""
    return fake_vllm(tmp_path_factory.mktemp("vllm") / "venv")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Place:
    """A project that serves three vLLMs."""
    return vllm_project(tmp_path_factory.mktemp("serving") / "project", python)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    """A way to start commands."""
    folder = tmp_path_factory.mktemp("logs")
    (folder / "stand-in").mkdir()
    with forks(folder / "commands", VLLM_STAND_IN=str(folder / "stand-in")) as made:
        yield made


@pytest.fixture
def folder(run: Forks) -> Iterator[Path]:
    """The folder of the stand-ins, empty; whatever a test has left running is ended."""
    folder = run.folder.parent / "stand-in"
    for file in folder.iterdir():
        file.unlink()
    yield folder
    for command in run.begun:
        command.kill()
        command.wait()
    left = [pid for start in starts(folder) for pid in start.pids]
    if not gone(left):
        for pid in filter(alive, left):
            os.kill(pid, signal.SIGKILL)
        pytest.fail("a test has left servers running")


def serving(run: Forks, project: Place, folder: Path) -> tuple[Command, list[Start]]:
    """Begin to serve, in a folder of the project, and wait until all models are ready."""
    command = run.begin(Place(project.folder / "harnesses"), "serve")
    assert until(lambda: command.said.count("is ready") == 2, command), command.said
    assert len(starts(folder)) == SERVERS
    return command, starts(folder)


def pids(started: list[Start]) -> list[int]:
    return [pid for start in started for pid in start.pids]


def guards(command: Command, of: Start) -> list[int]:
    """The two processes between a command and one of its servers, from above."""
    found, pid = [], of.pids[0]
    while pid != command.pid:
        pid = parent(pid)
        found.append(pid)
    return found[-2::-1]


def matching(command: Command, word: bytes) -> list[int]:
    """What `pkill -f` would find of a command and its descendants."""
    family = [command.pid, *children(command.pid)]
    return [pid for pid in family if word in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_each_replica_gets_its_own_port_gpus_and_all_that_is_configured(
    run: Forks, project: Place, folder: Path
) -> None:
    command, started = serving(run, project, folder)
    ports = {start.argv[start.argv.index("--port") + 1] for start in started}
    assert sorted(start.gpus for start in started) == ["4", "5", "6,7"]
    assert len(ports) == SERVERS
    assert all(f"http://127.0.0.1:{port}/v1" in command.said for port in ports)
    for start in started:
        name = "org/small" if start.gpus == "6,7" else "org/big"
        assert start.argv[:6] == [
            *("--model", name, "--served-model-name", name),
            "--disable-uvicorn-access-log",
            "--host",
        ]
        assert ("--tensor-parallel-size" in start.argv) == (name == "org/small")
        assert ("--seed=7" in start.argv) == (name == "org/big")
    logs = sorted(path.name for path in (project.folder / "runs" / "serve").glob("*/*.log"))
    assert logs == ["big-0.log", "big-1.log", "small.log"]
    assert all(f"{name} (log: " in command.said for name in ("big-0", "big-1", "small"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_outlives_the_command(
    run: Forks, project: Place, folder: Path, number: signal.Signals
) -> None:
    command, started = serving(run, project, folder)
    command.kill(number)
    assert command.wait() == (-number if number == signal.SIGKILL else 0)
    assert gone(pids(started))
    assert len(starts(folder)) == SERVERS


def test_nothing_outlives_the_command_and_a_guard_of_each_server(
    run: Forks, project: Place, folder: Path
) -> None:
    command, started = serving(run, project, folder)
    for pid in [command.pid, *(guards(command, start)[i % 2] for i, start in enumerate(started))]:
        os.kill(pid, signal.SIGKILL)
    assert gone(pids(started))


@pytest.mark.parametrize("word", [b"autodata", b"python"])
def test_nothing_outlives_a_kill_9_by_name(
    run: Forks, project: Place, folder: Path, word: bytes
) -> None:
    command, started = serving(run, project, folder)
    found = matching(command, word)
    assert command.pid in found
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    assert gone(pids(started))


def test_servers_whose_guard_is_killed_are_replaced_and_leave_nothing(
    run: Forks, project: Place, folder: Path
) -> None:
    command, started = serving(run, project, folder)
    lost, kept = started[:2], started[2]
    for which, start in enumerate(lost):
        os.kill(guards(command, start)[which], signal.SIGKILL)
    assert gone(pids(lost))
    assert until(lambda: command.said.count("is back") == 2, command)
    new = starts(folder)[SERVERS:]
    assert sorted(start.argv for start in new) == sorted(start.argv for start in lost)
    assert all(map(alive, pids([kept, *new])))
    command.kill(signal.SIGINT)
    assert command.wait() == 0
    assert gone(pids([kept, *new]))


def test_supervision_goes_on_when_the_runs_folder_is_deleted(
    run: Forks, project: Place, folder: Path
) -> None:
    command, started = serving(run, project, folder)
    shutil.rmtree(project.folder / "runs")
    os.kill(started[0].pids[0], signal.SIGKILL)
    assert until(lambda: "is back" in command.said, command)
    assert starts(folder)[-1].argv == started[0].argv
    assert gone(started[0].pids)


def test_every_command_that_asks_models_starts_and_stops_their_servers(
    run: Forks, project: Place, folder: Path
) -> None:
    for number, words in enumerate(
        [
            ("optimize", "--run=o"),
            ("certify", "o", "c1"),
            ("evaluate", "lambada", "--most=2"),
            ("estimate", "--episodes=2"),
        ]
    ):
        code, said = run.run(project, *words)
        assert code == 0, said
        assert "starting big-0 (log: " in said
        started = starts(folder)[SERVERS * number :]
        assert sorted(start.gpus for start in started) == ["4", "5", "6,7"]
        assert gone(pids(started))
    voids = "select count(*) n, count(*) filter (status <> 'void') good from episodes"
    [counts] = project("sql", voids, "--format=json").json
    assert counts["n"] == counts["good"] > 0


def test_a_running_optimization_killed_with_9_leaves_nothing(
    run: Forks, project: Place, folder: Path
) -> None:
    command = run.begin(project, "optimize", "--run=killed")
    journal = project.folder / "runs" / "killed" / "journal"
    assert until(lambda: any(b'"call"' in path.read_bytes() for path in journal.glob("*")), command)
    command.kill()
    assert gone(pids(starts(folder)))


@pytest.mark.parametrize("words", [("serve",), ("evaluate", "lambada")])
def test_a_server_that_cannot_start_ends_the_command_while_others_still_load(
    run: Forks, project: Place, folder: Path, words: tuple[str, ...]
) -> None:
    (folder / "orders").write_text("deaf exit:6,7")
    command = run.begin(project, *words)
    assert not until(lambda: False, command)
    assert command.wait() == 2
    assert "error: server small ended with exit code 1 before it was ready" in command.said
    assert "cannot load the weights" in command.said
    assert gone(pids(starts(folder)))


async def test_ready_s_bounds_the_start(python: Path, tmp_path: Path) -> None:
    (tmp_path / "orders").write_text("deaf")
    environment = {**os.environ, "VLLM_STAND_IN": str(tmp_path)}
    config = VllmConfig(provider="vllm", model="m", python=str(python), ready_s=0.5)
    async with (
        asyncio.timeout(30),
        Servers(Workplace(tmp_path, environment=environment), print) as servers,
    ):
        with pytest.raises(ConfigurationError, match=r"not ready within ready_s, 0\.5 s"):
            await servers.start("slow", config)


async def test_vllm_gets_the_keys_that_fetch_its_weights_and_no_others(
    python: Path, tmp_path: Path
) -> None:
    named = {
        name: name
        for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "MINE", "HF_TOKEN_PATH")
    }
    environment = {**os.environ, **named, "VLLM_STAND_IN": str(tmp_path)}
    async with Servers(Workplace(tmp_path, Path(), environment, ("MINE",)), print) as servers:
        for model in ("org/m", "s3://bucket/m"):
            config = VllmConfig(provider="vllm", model=model, python=str(python))
            await servers.start("m", config)
    seen = [start.environment.keys() & named for start in starts(tmp_path)]
    assert seen == [{"HF_TOKEN", "HF_TOKEN_PATH"}, {"AWS_SECRET_ACCESS_KEY", "HF_TOKEN_PATH"}]
