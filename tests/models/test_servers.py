"""Supervised servers: started, watched, restarted, and gone with everything they started."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from autodata.config import ModelConfig
from autodata.errors import ConfigurationError
from autodata.models import plain_http, vllm_server
from autodata.models.servers import Servers
from autodata.models.supervisor import ServerSpec, without_keys

STAND_IN = Path(__file__).with_name("stand_in.py")


def spec(folder: Path, *how: str, name: str = "s", ready_s: float = 20.0) -> ServerSpec:
    folder.mkdir(parents=True, exist_ok=True)

    def command(port: int) -> list[str]:
        return [sys.executable, str(STAND_IN), str(port), str(folder), *how]

    return ServerSpec(name, command, folder / "log", dict(os.environ), ready_s=ready_s)


def pids(folder: Path) -> list[int]:
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(processes: list[int]) -> bool:
    for _ in range(200):
        if not any(alive(pid) for pid in processes):
            return True
        await asyncio.sleep(0.1)
    return False


async def answer(url: str) -> int:
    return int((await plain_http.get(url.removesuffix("/v1") + "/health", 5.0))[1])


async def test_server_is_up_inside_and_gone_with_its_whole_tree_outside(tmp_path: Path) -> None:
    lines: list[str] = []
    async with Servers(tmp_path, lines.append) as servers:
        [url] = await servers.start_all([spec(tmp_path)])
        assert await answer(url) == pids(tmp_path)[0]
        assert all(alive(pid) for pid in pids(tmp_path))
    assert await gone(pids(tmp_path))
    assert lines == []


async def test_tree_is_gone_after_kill_9_of_the_process_that_started_it(tmp_path: Path) -> None:
    program = f"""
import asyncio
from pathlib import Path
from tests.models.test_servers import spec
from autodata.models.servers import Servers

async def main():
    async with Servers(Path({str(tmp_path)!r}), print) as servers:
        await servers.start_all([spec(Path({str(tmp_path)!r}))])
        print("ready", flush=True)
        await asyncio.sleep(1000)

asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"ready\n"
    started = pids(tmp_path)
    assert all(alive(pid) for pid in started)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    assert await gone(started)


async def test_dead_server_is_started_again_on_the_same_port(tmp_path: Path) -> None:
    back = asyncio.Event()
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        if "is back" in line:
            back.set()

    async with Servers(tmp_path, report) as servers:
        [url] = await servers.start_all([spec(tmp_path)])
        old = pids(tmp_path)
        os.kill(old[0], signal.SIGKILL)
        await back.wait()
        assert await answer(url) == pids(tmp_path)[0] != old[0]
        assert await gone(old)  # nothing of the dead one is left over either
    assert lines[0] == "server s ended with exit code 137; starting it again"


async def test_server_that_dies_at_once_is_an_error_with_the_logs_end(tmp_path: Path) -> None:
    async with Servers(tmp_path, print) as servers:
        with pytest.raises(ConfigurationError, match="cannot load the weights") as caught:
            await servers.start_all([spec(tmp_path, "quits")])
    assert str(tmp_path / "log") in caught.value.fix


async def test_server_that_never_gets_healthy_is_an_error_and_ended(tmp_path: Path) -> None:
    async with Servers(tmp_path, print) as servers:
        with pytest.raises(ConfigurationError, match=r"was not ready within 1\.5 s"):
            await servers.start_all([spec(tmp_path, "deaf", ready_s=1.5)])
        assert await gone(pids(tmp_path))


async def test_two_runs_use_two_ports_and_leave_each_other_alone(tmp_path: Path) -> None:
    async with Servers(tmp_path, print) as ours:
        async with Servers(tmp_path, print) as theirs:
            [[one], [two]] = await asyncio.gather(
                ours.start_all([spec(tmp_path / "a")]), theirs.start_all([spec(tmp_path / "b")])
            )
            assert one != two
        assert await gone(pids(tmp_path / "b"))
        assert await answer(one) == pids(tmp_path / "a")[0]


async def test_server_sees_no_keys(tmp_path: Path) -> None:
    clean = without_keys(
        {"PATH": "/bin", "OPENAI_API_KEY": "sk-1", "HF_TOKEN": "hf", "MINE": "sk-2"},
        also=["MINE"],
        keep=["HF_TOKEN"],
    )
    assert clean == {"PATH": "/bin", "HF_TOKEN": "hf"}
    one = spec(tmp_path)
    only = ServerSpec(one.name, one.command, one.log, {"PATH": os.environ["PATH"]})
    async with Servers(tmp_path, print) as servers:
        await servers.start_all([only])
    seen = json.loads((tmp_path / "environment.json").read_text())
    assert set(seen) <= {"PATH", "PYTHONPATH", "LC_CTYPE", "PWD", "SHLVL", "_"}


async def test_missing_vllm_names_the_extra_and_the_command(tmp_path: Path) -> None:
    config = ModelConfig(provider="vllm", model="m", python=sys.executable)
    async with Servers(tmp_path, print) as servers:
        with pytest.raises(ConfigurationError, match="vllm is not installed") as caught:
            await servers.start("strong", config)
    assert "pip install 'autodata[vllm]'" in caught.value.fix
    with pytest.raises(ConfigurationError, match="cannot be run"):
        vllm_server.check_installed(
            "strong", config.model_copy(update={"python": "/no/python"}), {}
        )


async def test_looking_for_vllm_gives_that_python_no_key(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nenv > "{tmp_path}/given"\nexit 1\n')
    python.chmod(0o755)
    environment = {"PATH": os.environ["PATH"], "MINE": "planted"}
    config = ModelConfig(provider="vllm", model="m", python=str(python))
    servers = Servers(tmp_path, print, key_names=["MINE"], environment=environment)
    with pytest.raises(ConfigurationError, match="vllm is not installed"):
        await servers.start("strong", config)
    given = (tmp_path / "given").read_text()
    assert "PATH=" in given
    assert "planted" not in given


def test_vllm_command_says_all_that_is_configured() -> None:
    config = ModelConfig(
        provider="vllm", model="org/m1", python="/v/python", tensor_parallel=2, args=["--seed", "1"]
    )
    command = vllm_server.command(config, 8000)
    assert command[:3] == ["/v/python", "-m", "vllm.entrypoints.openai.api_server"]
    assert command[command.index("--served-model-name") + 1] == "org/m1"
    assert command[command.index("--tensor-parallel-size") + 1] == "2"
    assert command[-2:] == ["--seed", "1"]


async def test_other_providers_are_not_started(tmp_path: Path) -> None:
    async with Servers(tmp_path, print) as servers:
        with pytest.raises(ConfigurationError, match="serves itself"):
            await servers.start("x", ModelConfig(provider="openai"))
        with pytest.raises(ConfigurationError, match="no such file"):
            await servers.start("x", ModelConfig(provider="local", model="/no/such.gguf"))


async def test_metrics_of_a_dead_port_are_an_os_error() -> None:
    with pytest.raises(OSError, match=r"."):
        await plain_http.get("http://127.0.0.1:1/metrics", 1.0)
