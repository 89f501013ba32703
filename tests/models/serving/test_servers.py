"""Supervised servers: started, watched, restarted, and gone with everything they started."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from operator import ge
from pathlib import Path

import pytest

from autodata.config.providers.local import LocalConfig
from autodata.config.providers.openai import OpenAIConfig
from autodata.config.providers.vllm import VllmConfig
from autodata.errors import ConfigurationError
from autodata.models import plain_http
from autodata.models.serving import guard, vllm
from autodata.models.serving.servers import Servers
from autodata.models.serving.supervisor import Pace, Server, ServerSpec, Workplace, without_keys
from tests.support.serving import STAND_IN, alive, eventually, gone, parent, starts

QUICK = Pace(health_every=0.02, watch_every=0.02, first_backoff=0.2, last_backoff=0.4)


def spec(folder: Path, *orders: str, name: str = "s", ready_s: float = 20.0) -> ServerSpec:
    """Say how to start a stand-in that has these orders."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orders").write_text(" ".join(orders))

    def command(port: int) -> list[str]:
        return [sys.executable, str(STAND_IN), "--port", str(port)]

    environment = {"PATH": os.environ["PATH"], "VLLM_STAND_IN": str(folder)}
    return ServerSpec(name, command, folder / "log", environment, ready_s=ready_s)


def pids(folder: Path) -> list[int]:
    return starts(folder)[-1].pids


@asynccontextmanager
async def running(
    spec: ServerSpec, report: Callable[[str], None], pace: Pace = QUICK
) -> AsyncIterator[Server]:
    server = Server(spec, report, pace)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def until(happened: Callable[[], bool]) -> None:
    for _ in range(3000):
        if happened():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it did not happen within 30 s")


async def told(lines: list[str], text: str) -> None:
    await until(lambda: any(text in line for line in lines))


async def answer(url: str) -> int:
    return int((await plain_http.get(url.removesuffix("/v1") + "/health", 5.0))[1])


async def newest_answers(url: str, folder: Path) -> bool:
    """Whether the last start answers; a machine that stalls for long enough makes one more."""
    try:
        return await answer(url) == pids(folder)[0]
    except (OSError, ValueError):
        return False


async def test_server_is_up_inside_and_gone_with_its_whole_tree_outside(tmp_path: Path) -> None:
    lines: list[str] = []
    async with Servers(Workplace(tmp_path), lines.append) as servers:
        [url] = await servers.start_all([spec(tmp_path)])
        assert await answer(url) == pids(tmp_path)[0]
        assert all(alive(pid) for pid in pids(tmp_path))
    assert gone(pids(tmp_path))
    assert lines == [f"starting s (log: {tmp_path / 'log'})"]


async def test_dead_server_is_started_again_on_the_same_port(tmp_path: Path) -> None:
    lines: list[str] = []
    async with running(spec(tmp_path), lines.append) as server:
        old = pids(tmp_path)
        os.kill(old[0], signal.SIGKILL)
        await told(lines, "is back")
        assert await answer(server.url) == pids(tmp_path)[0] != old[0]
        assert gone(old)  # nothing of the dead one is left over either
    assert gone(pids(tmp_path))
    assert lines[1] == "server s ended with exit code 137; starting it again in 0.2 s"


async def test_server_that_keeps_dying_is_started_again_after_longer_and_longer(
    tmp_path: Path,
) -> None:
    lines: list[tuple[float, str]] = []
    async with running(spec(tmp_path), lambda line: lines.append((time.monotonic(), line))):
        (tmp_path / "orders").write_text("exit")
        os.kill(pids(tmp_path)[0], signal.SIGKILL)
        await until(lambda: len(lines) > 4)
        (tmp_path / "orders").write_text("")
        await until(lambda: "is back" in lines[-1][1])
    waits = [f"{wait} s" for wait in (0.2, 0.4, 0.4, 0.4)]
    assert [line.rpartition(" in ")[2] for _, line in lines[1:5]] == waits
    assert "before it was ready: cannot load the weights; starting it again" in lines[2][1]
    began = [start.at for start in starts(tmp_path)[1:5]]
    waited = [start - line[0] for start, line in zip(began, lines[1:5], strict=True)]
    assert all(map(ge, waited, (0.2, 0.4, 0.4, 0.4)))


async def test_server_without_guard_is_replaced_only_when_it_is_gone(tmp_path: Path) -> None:
    lines: list[str] = []
    async with running(spec(tmp_path, "stubborn"), lines.append):
        old = pids(tmp_path)
        (tmp_path / "orders").write_text("")
        os.kill(parent(parent(old[0])), signal.SIGKILL)
        await told(lines, "server s is back")
        assert lines[1] == "server s lost its guard; starting it again in 0.2 s"
        assert len(lines) == 3
    assert gone(old + pids(tmp_path))


async def test_server_that_no_longer_answers_is_replaced(tmp_path: Path) -> None:
    lines: list[str] = []
    async with running(
        spec(tmp_path), lines.append, replace(QUICK, answer=0.2, hung_after=0.5)
    ) as server:
        old = pids(tmp_path)
        (tmp_path / "orders").write_text("hang")
        await told(lines, "server s has not answered for 0.5 s")
        (tmp_path / "orders").write_text("")
        await told(lines, "is back")
        assert gone(old)
        await eventually(lambda: newest_answers(server.url, tmp_path))


async def test_slow_server_is_said_to_be_slow(tmp_path: Path) -> None:
    lines: list[str] = []
    server = Server(spec(tmp_path, "deaf"), lines.append, replace(QUICK, tell_every=0.1))
    start = asyncio.create_task(server.start())
    await told(lines, "s is not ready after ")
    (tmp_path / "orders").write_text("")
    await start
    await server.stop()


async def test_reports_that_cannot_be_written_do_not_end_supervision(tmp_path: Path) -> None:
    def full(_: str) -> None:
        raise OSError(28, "No space left on device")

    async with running(spec(tmp_path), full):
        os.kill(pids(tmp_path)[0], signal.SIGKILL)
        await until(lambda: len(starts(tmp_path)) == 2)


async def test_log_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lost = replace(spec(tmp_path), log=tmp_path / "file" / "log")
    async with Servers(Workplace(tmp_path), print) as servers:
        with pytest.raises(ConfigurationError, match="server s cannot be started") as caught:
            await servers.start_all([lost])
    assert str(lost.log) in caught.value.fix


async def test_error_shows_the_log_of_this_start_only(tmp_path: Path) -> None:
    quits = spec(tmp_path, "exit")
    quits.log.write_text("what an earlier session said\n")
    async with Servers(Workplace(tmp_path), print) as servers:
        with pytest.raises(ConfigurationError) as caught:
            await servers.start_all([quits])
    assert caught.value.problem.endswith("before it was ready: cannot load the weights")


async def test_error_shows_whole_lines_of_the_log(tmp_path: Path) -> None:
    said = f"print('long ago ' * 80); print('a line ' * 60); print({'b' * 150!r}); exit(1)"
    one = replace(spec(tmp_path), command=lambda _: [sys.executable, "-c", said])
    async with Servers(Workplace(tmp_path), print) as servers:
        with pytest.raises(ConfigurationError) as caught:
            await servers.start_all([one])
    assert caught.value.problem.endswith(
        f"before it was ready: {'a line ' * 59}a line | {'b' * 150}"
    )


async def test_log_that_grows_too_long_begins_anew(tmp_path: Path) -> None:
    chatty = spec(tmp_path)
    chatty.log.touch()
    os.truncate(chatty.log, guard.MOST_LOG + 1)
    async with Servers(Workplace(tmp_path), print) as servers:
        await servers.start_all([chatty])
        await until(lambda: chatty.log.stat().st_size < guard.MOST_LOG)


async def test_one_failure_ends_the_start_of_the_others(tmp_path: Path) -> None:
    slow = spec(tmp_path / "slow", "deaf", name="slow", ready_s=1000.0)
    broken = spec(tmp_path / "broken", "exit", name="broken")
    async with asyncio.timeout(30), Servers(Workplace(tmp_path), print) as servers:
        with pytest.raises(ConfigurationError, match="server broken ended with exit code 1"):
            await servers.start_all([slow, broken])


async def test_server_that_dies_at_once_is_an_error_with_the_logs_end(tmp_path: Path) -> None:
    async with Servers(Workplace(tmp_path), print) as servers:
        with pytest.raises(ConfigurationError, match="cannot load the weights") as caught:
            await servers.start_all([spec(tmp_path, "exit")])
    assert str(tmp_path / "log") in caught.value.fix


async def test_server_that_never_gets_healthy_is_an_error_and_ended(tmp_path: Path) -> None:
    async with Servers(Workplace(tmp_path), print) as servers:
        with pytest.raises(ConfigurationError, match=r"was not ready within ready_s, 0\.5 s"):
            await servers.start_all([spec(tmp_path, "deaf", ready_s=0.5)])
        assert gone(pids(tmp_path))


async def test_two_runs_use_two_ports_and_leave_each_other_alone(tmp_path: Path) -> None:
    async with Servers(Workplace(tmp_path), print) as ours:
        async with Servers(Workplace(tmp_path), print) as theirs:
            [[one], [two]] = await asyncio.gather(
                ours.start_all([spec(tmp_path / "a")]), theirs.start_all([spec(tmp_path / "b")])
            )
            assert one != two
        assert gone(pids(tmp_path / "b"))
        assert await answer(one) == pids(tmp_path / "a")[0]


def test_what_looks_like_a_key_is_left_out_of_an_environment() -> None:
    keys = (
        *("OPENAI_API_KEY", "VLLM_API_KEY", "OPENAI_API_KEY_2", "API_KEY_PROD", "APIKEY"),
        *("HF_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "db_password"),
        *("CLIENT_SECRET", "GOOGLE_APPLICATION_CREDENTIALS", "MASTERKEY", "KEY", "TOKEN1", "MINE"),
    )
    settings = (
        *("PATH", "TOKENIZERS_PARALLELISM", "HF_TOKEN_PATH", "VLLM_MAX_TOKENS_PER_EXPERT"),
        *("AWS_ACCESS_KEY_ID", "KEYBOARD", "SSH_KEY_FILE"),
    )
    everything = dict.fromkeys((*keys, *settings), "x")
    assert set(without_keys(everything, also=["MINE"])) == set(settings)
    assert set(without_keys(everything, also=["MINE"], keep=["HF_TOKEN", "MINE"])) == {
        *settings,
        "HF_TOKEN",
    }


async def test_server_gets_its_environment_and_no_import_path_of_ours(tmp_path: Path) -> None:
    one = spec(tmp_path)
    async with Servers(Workplace(tmp_path), print) as servers:
        await servers.start_all([one])
    assert starts(tmp_path)[0].environment.items() - one.environment.items() <= {
        ("LC_CTYPE", "C.UTF-8")
    }


async def test_missing_vllm_names_the_extra_and_the_command(tmp_path: Path) -> None:
    config = VllmConfig(provider="vllm", model="m", python=sys.executable)
    async with Servers(Workplace(tmp_path), print) as servers:
        with pytest.raises(ConfigurationError, match="vllm is not installed") as caught:
            await servers.start("strong", config)
    assert "pip install 'autodata[vllm]'" in caught.value.fix
    elsewhere = config.model_copy(update={"python": "/no/python"})
    with pytest.raises(ConfigurationError, match="cannot be run"):
        vllm.check_installed("strong", elsewhere, Workplace(tmp_path, environment={}))


async def test_looking_for_vllm_gives_that_python_no_key(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nenv > "{tmp_path}/given"\nexit 1\n')
    python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "MINE": "planted"}
    config = VllmConfig(provider="vllm", model="m", python=str(python))
    servers = Servers(Workplace(tmp_path, Path(), environment, ("MINE",)), print)
    with pytest.raises(ConfigurationError, match="vllm is not installed"):
        await servers.start("strong", config)
    given = (tmp_path / "given").read_text()
    assert "PATH=" in given
    assert "planted" not in given


def test_vllm_command_says_all_that_is_configured() -> None:
    config = VllmConfig(
        provider="vllm", model="org/m1", python="/v/python", tensor_parallel=2, args=["--seed", "1"]
    )
    command = vllm.command(config, 8000)
    assert command[:3] == ["/v/python", "-m", "vllm.entrypoints.openai.api_server"]
    assert command[command.index("--served-model-name") + 1] == "org/m1"
    assert command[command.index("--tensor-parallel-size") + 1] == "2"
    assert command[-2:] == ["--seed", "1"]


async def test_other_providers_are_not_started(tmp_path: Path) -> None:
    async with Servers(Workplace(tmp_path), print) as servers:
        with pytest.raises(ConfigurationError, match="serves itself"):
            await servers.start("x", OpenAIConfig(provider="openai"))
        with pytest.raises(ConfigurationError, match="no such file"):
            await servers.start("x", LocalConfig(provider="local", model="/no/such.gguf"))


async def test_metrics_of_a_dead_port_are_an_os_error() -> None:
    with pytest.raises(OSError, match=r"."):
        await plain_http.get("http://127.0.0.1:1/metrics", 1.0)
