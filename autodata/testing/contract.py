"""A contract: rules with names, all of which are tried, so that a test tells all faults at once."""

import asyncio
import inspect
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

HOSTILE = ("", " \n", "\0", "\ud800", "{{document}}", "</context>", "-1e999", "ö" * 5_000)
"""Texts that a language model may write."""


class ContractBroken(AssertionError):
    """`rules` are the names of the rules that are broken, each with what was seen."""

    def __init__(self, what: str, rules: dict[str, str]) -> None:
        told = "".join(f"\n- {name}: {why}" for name, why in rules.items())
        super().__init__(f"{what} breaks its contract:{told}")
        self.rules = rules


class Contract:
    """A set of rules: each public coroutine method is one, and raises where it is broken."""

    @classmethod
    def rules(cls) -> list[str]:
        """Return the names of all rules."""
        methods = inspect.getmembers(cls, inspect.iscoroutinefunction)
        return [name for name, _ in methods if not name.startswith("_")]

    def hold(self, what: str) -> None:
        """Try every rule.

        Raises:
            ContractBroken: names those that are broken.
        """
        broken = dict[str, str]()
        for name in self.rules():
            try:
                _run(getattr(self, name)())
            except AssertionError as error:
                broken[name] = str(error) or "it does not hold"
            except Exception as error:  # noqa: BLE001 (somebody else's code)
                broken[name] = f"it raised {type(error).__name__}: {error}"
        if broken:
            raise ContractBroken(what, broken)


def _run(rule: Coroutine[Any, Any, None]) -> None:
    """Run to its end, also where an event loop is running."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, rule).result()


def expect(holds: bool, otherwise: str) -> None:
    """Say what was seen where something does not hold."""
    if not holds:
        raise AssertionError(otherwise)
