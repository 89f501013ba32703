"""An endpoint that goes away in the middle: told where it runs, and by status elsewhere."""

import subprocess
import threading
from typing import Any

import pytest

from tests.support.command_line import TINY, Place, good, refused, served
from tests.support.loopback import Action, Reset, Say, Seen

MODELS = """\
models: {one: {provider: openai, model: m, api: completions, base_url: '%s'}}
roles: {weak: {model: one}, strong: {model: one, mode: privileged}}
"""


def test_an_outage_is_told_here_and_in_status_until_it_is_over(fresh: Place) -> None:
    mended = threading.Event()

    def script(seen: Seen) -> Action:
        return Say("the") if seen.index < 4 or mended.is_set() else Reset()

    with served(script) as server:
        fresh.write("http.yaml", MODELS % f"{server.url}/v1")
        words = ("estimate", "--models=http.yaml")
        with fresh.begun(*words, output=subprocess.PIPE) as process:
            state: Any = {"troubles": []}
            while not state["troubles"]:
                assert process.poll() is None
                state = next(iter(good(fresh("status", "--json")).json), state)
            (trouble,) = state["troubles"]
            assert trouble.startswith("endpoint one is down since")
            assert "  endpoint one is down since" in good(fresh("status")).out
            mended.set()
            out = process.communicate()[0].decode()
            assert process.returncode == 0
    assert trouble.split(", ")[0] in out
    assert "endpoint one is back" in out


def test_a_pilot_that_is_stopped_says_under_which_name_it_goes_on(fresh: Place) -> None:
    arrived = threading.Event()

    def script(seen: Seen) -> Action:
        arrived.set()
        return Say("the", after_s=1.0)

    with served(script) as server:
        fresh.write("http.yaml", MODELS % f"{server.url}/v1")
        words = ("estimate", "--models=http.yaml")
        with fresh.begun(*words, output=subprocess.PIPE) as process:
            assert arrived.wait(60)
            process.terminate()
            out = process.communicate()[0].decode()
    assert process.returncode == 130
    (line,) = [line for line in out.splitlines() if line.startswith("fix: ")]
    name = line.split("go on with: autodata estimate --episodes 8 --run ")[1]
    assert name in good(fresh("runs")).out


@pytest.mark.parametrize(
    "words",
    [("estimate",), ("evaluate", "lambada", "--most=6"), ("optimize", *TINY)],
    ids=lambda words: words[0],
)
def test_what_a_budget_stopped_is_not_paid_again_by_following_the_fix(
    fresh: Place, words: tuple[str, ...]
) -> None:
    with served(lambda seen: Say("the")) as server:
        fresh.write("http.yaml", MODELS % f"{server.url}/v1")
        command = (*words, "--models=http.yaml")
        stopped = fresh(*command, "--set=budget.calls=6")
        refused(stopped, "used up", "with a larger budget.calls; go on with: autodata ", code=3)
        printed = stopped.err.split("go on with: autodata ")[1].split()
        before = len(server.seen)
        refused(fresh(*printed), "used up", "with a larger budget.calls", code=3)
        assert len(server.seen) == before
        refused(fresh(*printed, "--set=budget.calls=8"), "used up", "larger budget.calls", code=3)
        assert len(server.seen) == before + 2


@pytest.mark.parametrize("words", [("estimate",), ("evaluate", "lambada")], ids=lambda w: w[0])
def test_stopping_a_measurement_names_the_commands_that_resume_it(
    fresh: Place, words: tuple[str, ...]
) -> None:
    arrived = threading.Event()

    def script(seen: Seen) -> Action:
        arrived.set()
        return Say("the", after_s=0.5)

    with served(script) as server:
        fresh.write("http.yaml", MODELS % f"{server.url}/v1")
        with fresh.begun(*words, "--models=http.yaml", "--run=m") as process:
            assert arrived.wait(60)
            stopped = good(fresh("stop", "m"))
            assert process.wait() == 130
    assert stopped.out == (
        "m has stopped; resume it with the command that began it, evaluate or estimate, and "
        "--run m\n"
    )
