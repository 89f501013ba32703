"""Work is waited for with and without a running loop, and a signal ends it in order."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from autodata.api.loops import wait
from autodata.errors import ConfigurationError, Interrupted
from autodata.report.display import Display


class Heard(Display):
    """A display that remembers what ended its job."""

    def __init__(self) -> None:
        self.signals: list[str] = []
        self.lines: list[str] = []

    def stopping(self, number: signal.Signals) -> None:
        self.signals.append(number.name)

    def line(self, text: str) -> None:
        self.lines.append(text)


async def answer() -> int:
    await asyncio.sleep(0)
    return 42


def test_work_is_waited_for_where_no_loop_is_running() -> None:
    assert wait(answer(), Display()) == 42


async def test_work_is_waited_for_where_a_loop_is_running() -> None:
    assert wait(answer(), Display()) == 42


def test_work_is_waited_for_in_a_thread_that_is_told_of_no_signals() -> None:
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(wait, answer(), Display()).result() == 42


async def endless(number: signal.Signals, ended: list[str]) -> None:
    for _ in range(2):
        signal.pthread_kill(threading.get_ident(), number)  # a system may choose any thread
    try:
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(0)  # as when a journal is closed
        ended.append("in order")


def stopped(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    heard, ended = Heard(), list[str]()
    with pytest.raises(Interrupted, match=f"stopped by {number.name}"):
        wait(endless(number, ended), heard)
    assert ended == ["in order"]
    assert heard.signals == [number.name]
    assert set(heard.lines) <= {f"{number.name}: stopping already"}
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_work_in_order(number: signal.Signals) -> None:
    stopped(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_work_in_order_where_a_loop_is_running(number: signal.Signals) -> None:
    stopped(number)


async def test_an_error_of_the_work_is_raised_as_it_is() -> None:
    async def fail() -> None:
        raise ConfigurationError("wrong", "mend it")

    with pytest.raises(ConfigurationError, match="wrong") as caught:
        wait(fail(), Display())
    assert caught.value._render_traceback_() == ["error: wrong", "fix: mend it"]
