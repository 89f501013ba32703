"""Children of a process: what they know, what they may take, and that none is left behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from autodata import child
from autodata.child import Child

ANSWERS = "autodata.store.answers"
PARENT = f"""
import asyncio, time
from autodata.child import Child
async def main():
    found = await Child.start("{ANSWERS}")
    await found.write(b'{{"seconds": 300}}\\n\\n"SELECT sum(range) FROM range(1000000000000)"\\n')
    await found.read(), await found.read()
    print(found.pid, flush=True)
    time.sleep(300)
asyncio.run(main())
"""


def alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return False


async def test_a_child_has_no_key_and_none_of_our_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED_KEY", "planted-key")
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        found = await Child.start(ANSWERS)
        await found.write(b"{}\n\n")
        assert [await found.read(), await found.read()] == [b'""\n', b'""\n']
        about = Path(f"/proc/{found.pid}")
        threads = list((about / "task").iterdir())
        assert len(threads) < 5, "each takes addresses; DuckDB alone would start ten here"
        assert b"planted-key" not in (about / "environ").read_bytes()
        files = {str(path.readlink()) for path in (about / "fd").iterdir()}
        assert {name.split(":")[0] for name in files} <= {"pipe", "/dev/null"}
        limits = (about / "limits").read_text().splitlines()
        assert {" ".join(line.split()[:5]) for line in limits} >= {
            f"Max address space {1 << 30} {1 << 30}",
            "Max file size 0 0",
            "Max open files 0 0",
            "Max core file size 0",
        }
    assert await found.end() == ""
    assert not alive(found.pid)


async def test_what_a_child_that_does_not_start_says_is_kept() -> None:
    found = await Child.start("autodata.no_such_module")
    await found.write(b"x\n" * 100_000)
    with pytest.raises(EOFError):
        await found.read()
    assert "No module named autodata.no_such_module" in await found.end()


async def test_a_line_that_has_no_end_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("while True: print('x' * 1000, end='')")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        found = await Child.start("endless")
    with pytest.raises(EOFError):
        await found.read()
    await found.end()


def test_a_child_at_work_ends_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 30
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(pid)


@pytest.mark.parametrize(
    ("wanted", "used", "looks"), [([True, True, False], 5, 2), ([True], 11, 0)]
)
def test_a_process_ends_itself_when_it_is_orphaned_or_too_large(
    wanted: list[bool], used: int, looks: int
) -> None:
    done: list[str] = []
    child.watch(
        lambda: wanted.pop(0),
        lambda: used,
        10,
        lambda: done.append("end"),
        lambda seconds: done.append("look"),
    )
    assert done == ["look"] * looks + ["end"]
