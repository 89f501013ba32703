"""A run goes on with its own settings, by the command that it printed, whatever files say."""

import shlex

import pytest

from autodata.store.lines import read_entries
from tests.support.command_line import RUN, SMALL, TINY, Place, good, refused


def printed(text: str) -> list[str]:
    """The words of the command that a run said to go on with."""
    line = next(line for line in text.splitlines() if "go on with: autodata " in line)
    return shlex.split(line.split("go on with: autodata ")[1])


def test_the_printed_command_goes_on_as_the_run_was_begun(fresh: Place) -> None:
    fresh.write("other.yaml", (fresh.folder / "autodata.yaml").read_text())
    stopped = fresh("optimize", "-c", "other.yaml", *TINY, "--seed=3", "--set=budget.calls=20")
    assert stopped.code == 3
    fresh.write("autodata.yaml", "harness: lambada\nmodels: {}\nroles: {}\n")
    words = printed(stopped.err)
    again = fresh(*words)
    assert again.code == 3, "what was typed for the budget stays"
    done = good(fresh(*words, "--set=budget.calls=0"))
    assert "seed 3" in done.out
    assert "equal" in good(fresh("replay", words[-1])).out


def test_settings_of_today_do_not_count_and_typed_ones_are_refused_by_name(mine: Place) -> None:
    mine.edit("autodata.yaml", "max_rounds: 4", "max_rounds: 3")
    mine.edit("autodata.yaml", "provider: simulated, model: large", "provider: simulated, model: l")
    done = good(mine("optimize", "--run", RUN))
    assert "autodata.yaml differs from what run first was begun with" in done.out
    assert "protocol.max_rounds" in done.out
    for words, named in (
        (("--set=optimize.alpha=0.01",), "optimize.alpha is 0.01, was 0.3"),
        (("--set=optimize.episodes=150",), "optimize.episodes is 150, was 270; it may only grow"),
        (("--iterations=1",), "optimize.iterations is 1"),
        (("--seed=9",), "--seed 9, was 19"),
        (("--from=first/c1",), "--from first/c1"),
    ):
        refused(mine("optimize", "--run", RUN, *words), named, "--run")
    good(mine("optimize", "--run", RUN, *SMALL, "--set=budget.hours=5"))


@pytest.mark.thorough
def test_a_finished_run_grows(mine: Place) -> None:
    before = {r.body["candidate_id"]: r.body for r in facts(mine, "certification")}
    grown = ("optimize", "--run", RUN, "--iterations=13", "--set=optimize.episodes=500")
    good(mine(*grown))
    (growth,) = facts(mine, "growth")
    assert growth.body["first"] == growth.body["decided"] + 1
    after = {r.body["candidate_id"]: r.body for r in facts(mine, "certification")}
    assert before.items() <= after.items()
    assert "equal" in good(mine("replay", RUN)).out
    good(mine(*grown))
    assert len(facts(mine, "growth")) == 1


def facts(place: Place, kind: str) -> list:  # type: ignore[type-arg]
    return list(read_entries(place.folder / "runs" / RUN, {kind}))


def test_a_search_begins_with_an_earlier_candidate(mine: Place) -> None:
    good(mine("optimize", "--run=second", f"--from={RUN}/c3", *TINY))
    (run,) = read_entries(mine.folder / "runs/second", {"run"})
    (c3,) = [r for r in facts(mine, "candidate") if r.key == "c3"]
    assert run.body["from"] == {"run": RUN, "candidate": "c3", "commit": c3.body["commit"]}
    assert run.body["baseline_tree"] == c3.body["tree"]
    assert "equal" in good(mine("replay", "second")).out


@pytest.mark.parametrize(
    "words", [("evaluate", "lambada", "--most=6", "--repeats=2"), ("estimate", "--episodes=4")]
)
def test_a_measurement_goes_on_by_the_command_it_prints(
    fresh: Place, words: tuple[str, ...]
) -> None:
    stopped = fresh(*words, "--set=budget.calls=5", "--set=protocol.max_rounds=3")
    assert stopped.code == 3
    good(fresh(*printed(stopped.err), "--set=budget.calls=0"))


@pytest.mark.thorough
def test_what_may_hold_a_key_is_not_recorded_and_asked_for_where_it_is_missing(
    fresh: Place,
) -> None:
    model = "{provider: openai, model: m, api: completions, base_url: 'http://localhost:9/hidden'}"
    text = (fresh.folder / "autodata.yaml").read_text()
    old = "small: {provider: simulated, model: small, api: completions}"
    assert old in text
    fresh.write("autodata.yaml", text.replace(old, f"small: {model}"))
    stopped = fresh("optimize", "--run=r", *TINY)
    assert stopped.code == 2
    journal = fresh.folder / "runs/r/journal/000001.jsonl"
    assert b'"asked"' in journal.read_bytes()
    assert b"hidden" not in journal.read_bytes()
    fresh.write("autodata.yaml", text)
    refused(fresh("optimize", "--run=r"), "address of models.small", "base_url")
