"""A box for tests, and the reason to skip where the kernel lets none be."""

from functools import cache

import pytest

from autodata.box.box import Box, BoxRefused, Ran

BOX = Box(seconds=1)


@cache
def _refused() -> str:
    try:
        BOX.run("", [])
    except BoxRefused as error:
        return str(error)
    return ""


def boxed(source: str, *calls: str) -> Ran:
    """Run calls of a module in a real box; skip the test where there can be none."""
    need_a_box()
    return BOX.run(source, calls)


def need_a_box() -> None:
    """Skip a test where the kernel lets no box be."""
    if _refused():
        pytest.skip(f"no box can be had here: {_refused()}")
