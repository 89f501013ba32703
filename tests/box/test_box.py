"""A box holds what a model wrote: real processes and namespaces of this machine."""

import os
import socket
from pathlib import Path

import pytest

from autodata.box.box import Box, BoxRefused
from autodata.box.inside import MOST_TOLD
from tests.support.boxes import boxed, need_a_box


def values(source: str, *calls: str) -> list[str | None]:
    """What calls return in a box, as literals; None where one raised."""
    return [returned.value for returned in boxed(source, *calls).returned]


def raised(call: str) -> str:
    """The exception that a call raises in a box."""
    [returned] = boxed("import os, socket, subprocess, ctypes", call).returned
    return returned.raised[0] if returned.raised else f"nothing: {returned.value}"


def test_calls_of_a_module_return_literals() -> None:
    source = "def twice(x):\n    return {x: (x, [x + 0.5, None])}"
    assert values(source, "twice(2)", "twice('a')", "sorted({3, 1})") == [
        "{2: (2, [2.5, None])}",
        None,
        "[1, 3]",
    ]


def test_what_a_call_raises_is_told_with_its_kinds() -> None:
    [returned] = boxed("class Odd(ValueError): pass\ndef f(): raise Odd", "f()").returned
    assert returned.raised == ("Odd", "ValueError", "Exception", "BaseException", "object")


def test_a_value_of_no_plain_type_is_no_literal() -> None:
    [forged] = values("class Any:\n    def __repr__(self): return '7'", "Any()")
    assert forged == "<Any>"
    source = "from collections import defaultdict, namedtuple\nP = namedtuple('P', 'x y')"
    assert values(source, "defaultdict(int, a=1)", "P(1, 2)") == ["{'a': 1}", "(1, 2)"]


def test_it_sees_no_file_but_pythons_own(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("secret")
    assert raised(f"open({str(secret)!r})") == "FileNotFoundError"
    for place in ("/etc/passwd", "/proc/self/environ", "/proc/1/cmdline", "/sys", __file__):
        assert raised(f"open({place!r})") == "FileNotFoundError"
    [top, packages] = values(
        "import glob, os",
        "sorted(os.listdir('/'))",
        f"glob.glob({str(Path(os.__file__).parent / '*-packages' / '*')!r})",
    )
    assert "tmp" in str(top)
    assert not {"etc", "home", "proc", "sys", "var", "work"} & {*str(top).split("'")}
    assert packages == "[]"


def test_what_it_writes_is_small_and_gone() -> None:
    assert values("", "open('/tmp/x', 'w').write('a')", "__import__('os').listdir('/tmp')") == [
        "1",
        "['x']",
    ]
    assert values("import os", "os.listdir('/tmp')") == ["[]"]
    assert raised(f"open({os.__file__!r}, 'a')") in ("OSError", "PermissionError")
    assert raised("open('/tmp/x', 'w').write('a' * 50_000_000)") == "OSError"


def test_it_has_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert raised(f"socket.create_connection(('127.0.0.1', {port}), 1)") == "PermissionError"
    assert raised("socket.socket(socket.AF_UNIX)") == "PermissionError"
    assert raised("socket.socket(40)") == "PermissionError"  # to the host of a virtual machine


def test_it_starts_no_process() -> None:
    for call in ("os.fork()", "subprocess.run(['true'])", "os.execv('/bin/true', ['true'])"):
        assert raised(call) == "PermissionError"
    bomb = (
        "import os\ndef born():\n    try: return os.fork() >= 0\n    except OSError: return False"
    )
    assert values(bomb, "sum(born() for _ in range(10_000))") == ["0"]


def test_it_sees_no_other_process_and_none_of_our_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "planted")
    found = values("import os", "os.getpid()", "'planted' in str(os.environ)", "os.getuid()")
    assert found == ["1", "False", "1000"]
    assert raised(f"os.kill({os.getpid()}, 9)") == "ProcessLookupError"


def test_it_regains_no_rights() -> None:
    libc = "ctypes.CDLL(None, use_errno=True)"
    calls = (
        f"{libc}.unshare(0x10000000)",
        f"{libc}.mount(b'none', b'/tmp', b'tmpfs', 0, b'')",
        f"{libc}.ptrace(16, 1, 0, 0)",
        f"{libc}.chroot(b'/tmp')",
    )
    assert values("import ctypes", *calls) == ["-1"] * 4
    assert raised("os.setuid(0)") in ("OSError", "PermissionError")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 'a' * 10**9", "it does not load: MemoryError"),
        ("import os; os._exit(0)", "it ended early"),
        ("import sys; sys.exit(0)", "it does not load: SystemExit"),
        ("def f(:", "it does not load: SyntaxError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", ""),
    ],
)
def test_how_it_ends_is_told(source: str, problem: str) -> None:
    assert boxed(source).problem.startswith(problem)


def test_it_returns_so_much_and_no_more() -> None:
    assert boxed("", "'a' * 2_000_000").problem == f"it returned more than {MOST_TOLD} bytes"


def test_a_call_that_never_ends_leaves_the_others_that_came_before() -> None:
    ran = boxed("def f(x):\n    while x: pass", "f(0)", "f(1)", "f(0)")
    assert len(ran.returned) == 1
    assert ran.problem in ("it took more than 1 s", "it ended early")


def test_lies_about_what_was_returned_only_ever_return_something() -> None:
    each = f"for n in range(3, 9):\n    try: os.write(n, {LINES!r})\n    except OSError: pass"
    lie = f"import os\n{each}"
    ran = boxed(lie, "7")
    assert {returned.value for returned in ran.returned} <= {"8", "7", None}


def test_order_of_sets_depends_on_the_hash_seed() -> None:
    need_a_box()
    call = "list({'a', 'b', 'c', 'd', 'e', 'f'})"
    orders = {Box().run("", [call], seed).returned[0].value for seed in (0, 1, 2)}
    assert len(orders) > 1
    assert Box().run("", [call]) == Box().run("", [call])


def test_without_namespaces_it_refuses_unless_it_is_asked_to_be_unsafe() -> None:
    with pytest.raises(BoxRefused, match="user namespaces: not here"):
        Box(program=NO_NAMESPACES).run("", [])
    ran = Box(unsafe=True, program=NO_NAMESPACES).run("x = 7", ["x"])
    assert [returned.value for returned in ran.returned] == ["7"]


LINES = b'{"value": "8"}\n[]\nx\n'

NO_NAMESPACES = (
    "import sys; sys.path.insert(0, {root!r}); from autodata.box import inside\n"
    "def refuse(): raise OSError('user namespaces: not here')\n"
    "inside.leave = refuse\ninside.main()"
)
"""What a kernel that lets no user namespaces be does, as those of many containers."""
