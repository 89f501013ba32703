"""Functions that are called in a process of their own, and what answers may do to such a one."""

import os
import subprocess
import time
from typing import Any

from autodata.box.box import BoxRefused


def same(left: Any, right: Any) -> bool:
    """Well behaved."""
    return bool(left == right)


def environment() -> dict[str, str]:
    """What it can see of the variables."""
    return dict(os.environ)


def hangs(file: str) -> None:
    """Starts two processes, one of which leaves the group, notes their ids, and never ends."""
    command = ["sleep", "600"]
    away = subprocess.Popen(command, start_new_session=True)
    near = subprocess.Popen(command)
    with open(file, "w") as noted:  # noqa: PTH123
        noted.write(f"{away.pid} {near.pid} {os.getpid()}")
    while True:
        time.sleep(60)


def raises(text: str) -> None:
    """Has a fault."""
    raise ValueError(f"cannot read {text}")


def dies() -> None:
    """Ends its process."""
    os._exit(3)


def grows() -> int:
    """Takes more memory than it may."""
    return len(bytearray(8 << 30))


def shuts() -> None:
    """Closes whatever it can reach and stays."""
    os.closerange(3, 64)
    time.sleep(60)


def talks() -> list[float]:
    """Prints, and returns what is no JSON."""
    print("x" * 100_000)  # noqa: T201
    return [float("nan")]


def without_a_box() -> None:
    """Find that the machine gives no box."""
    raise BoxRefused("no room")
