"""Namespaces and a view of files for a process that runs code which a model wrote.

Such a process sees no network, no other process and no file but Python's own library, read-only,
and a small folder of its own that goes with it. It needs no rights: user namespaces give them.
"""

import ctypes
import os
import struct
import sys
import sysconfig
from pathlib import Path

_NEW_NAMESPACES = 0x10000000 | 0x00020000 | 0x20000000 | 0x40000000 | 0x08000000 | 0x04000000
"""User, mount, process, network, IPC and host name."""
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_NO_SETUID, _NO_DEVICES = 0x2, 0x4
_DETACH = 2
_READ_ONLY = 0x1 | 0x2  # and no set-user-id
_EVERYTHING_BELOW = 0x8000
_HERE = -100
_SET_MOUNT = 442
_CALLS = {"x86_64": (155, 126), "aarch64": (41, 91)}
"""By machine: the numbers of pivot_root and capset."""
_CAPABILITIES = 0x20080522
_HIDDEN = "/proc"
"""A folder that every system has and nothing needs once the new root lies over it."""
ROOM = "size=16m,mode=0755"
"""Of the folder that is its root, in memory."""
DEVICES = ("null", "zero", "urandom")


def leave() -> None:
    """Move this process to namespaces of its own; its children will be alone among processes.

    Raises:
        OSError: the kernel refuses.
    """
    user, group = os.geteuid(), os.getegid()
    _checked("user namespaces", _libc().unshare(_NEW_NAMESPACES))
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"1000 {user} 1"),
        ("gid_map", f"1000 {group} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(line)


def enter() -> None:
    """See from now on nothing but Python's library, and give up every right to change that.

    Called in a child, after `leave`.

    Raises:
        OSError: the kernel refuses.
    """
    calls = _CALLS.get(os.uname().machine)
    if calls is None:
        raise OSError(f"no box is known for {os.uname().machine}")
    pivot, drop = calls
    root, folder = Path(_HIDDEN), _HIDDEN
    _mount("none", "/", "", _RECURSIVE | _PRIVATE)
    _mount("tmpfs", folder, "tmpfs", _NO_SETUID | _NO_DEVICES, ROOM)
    for place in _libraries():
        _show(root, place)
    for hidden in _packages():
        if (root / hidden.relative_to("/")).is_dir():
            _mount("tmpfs", f"{folder}{hidden}", "tmpfs", _NO_SETUID | _NO_DEVICES, "size=4k")
    (root / "dev").mkdir()
    for name in DEVICES:
        (root / "dev" / name).touch()
        _mount(f"/dev/{name}", f"{folder}/dev/{name}", "", _BIND)
    (root / "tmp").mkdir(mode=0o777)
    os.chdir(folder)
    _checked("a root of its own", _libc().syscall(pivot, b".", b"."))
    _checked("a root of its own", _libc().umount2(b".", _DETACH))
    os.chdir("/tmp")
    header, nothing = struct.pack("Ii", _CAPABILITIES, 0), bytes(24)
    _checked("giving up rights", _libc().syscall(drop, header, nothing))


def _libraries() -> list[Path]:
    """Return where Python's own modules and the system's libraries lie."""
    own = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    if Path(sys.base_prefix) != Path("/usr"):
        own.insert(0, Path(sys.base_prefix) / "lib")
    found: list[Path] = []
    for place in (*map(Path, ("/usr/lib", "/usr/lib64", "/lib", "/lib64")), *own):
        if place.is_dir() and not any(place.is_relative_to(known) for known in found):
            found.append(place)
    return found


def _packages() -> list[Path]:
    """Return the folders of installed packages among them, which are not Python's own."""
    names = ("site-packages", "dist-packages")
    within = [place for library in _libraries() for place in library.glob("python*")]
    within += [Path(sysconfig.get_path("stdlib"))]
    return sorted({place / name for place in within for name in names})


def _show(root: Path, place: Path) -> None:
    inside = root / place.relative_to("/")
    inside.mkdir(parents=True)
    _mount(str(place), str(inside), "", _BIND | _RECURSIVE)
    asked = struct.pack("QQQQ", _READ_ONLY, 0, 0, 0)
    done = _libc().syscall(
        _SET_MOUNT, _HERE, str(inside).encode(), _EVERYTHING_BELOW, asked, len(asked)
    )
    _checked("a read-only library", done)


def _mount(what: str, where: str, kind: str, flags: int, options: str = "") -> None:
    words = [text.encode() for text in (what, where, kind, options)]
    done = _libc().mount(words[0], words[1], words[2] or None, ctypes.c_ulong(flags), words[3])
    _checked(f"mounting {what}", done)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(what: str, result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
