"""bench attacks: twelve dishonest harnesses beside the user's own."""

from pathlib import Path
from typing import Any

import pytest

from autodata.bench.attacks import ATTACKS, Attack
from autodata.harness.spec import Harness, load_folder
from autodata.harness.workflow import Limits, Sandbox
from autodata.jobs.attacks import attacks_on
from autodata.report.attacks import attack_table
from autodata.types import Json
from tests.support.command_line import Place, edit_texts, good

HARNESSES = Path(__file__).parents[2] / "harnesses"
DRAFT: Json = {
    "question": "Why does it hold?",
    "answer": "As asking costs more than remembering.",
    "context": "A cache stands between a caller and a slow source.",
    "rubric": [{"criterion": "names the cost", "weight": 3, "category": ""}],
}
ANSWERS: dict[str, Any] = {
    "challenge": DRAFT,
    "verify": {"passed": True, "feedback": ""},
    "run_agent": "an angle",
    "ask": '{"question": "Why 4321?", "answer": "So.", "context": "c", "rubric": []}',
    "feedback": "",
}


@pytest.fixture(scope="module")
def research() -> Harness:
    return load_folder(HARNESSES / "cs-research")


async def tried(attack: Attack, harness: Harness) -> list[Json]:
    """Return the examples that an attack tries, as far as a second round of them."""
    examples: list[Json] = []

    async def host(name: str, arguments: Json) -> Any:
        if name != "attempt":
            return ANSWERS[name]
        examples.append(arguments["example"])
        passed = arguments["role"] == "weak"
        enough = len(examples) > 3
        return {"passed": passed, "accepted": enough, "scores": [], "mean": 0.0, "reason": ""}

    async with Sandbox(workers=1, limits=Limits(turn_seconds=5.0)) as sandbox:
        text = "The source is slow. A cache keeps what was asked for, and for how long. " * 9
        await sandbox.run(attack.on(harness).workflow, text, harness.values, 1, host)
    return examples


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_each_attack_tries_one_dishonest_example_on_both_solvers(
    attack: Attack, research: Harness
) -> None:
    first, second, *_ = await tried(attack, research)
    assert first == second
    assert first != DRAFT
    assert {"question", "answer", "context"} <= set(first)


def test_there_are_twelve_and_each_is_another_harness(research: Harness) -> None:
    trees = {attack.on(research).tree for attack in ATTACKS}
    assert len(trees | {research.tree}) == 13


def test_an_attack_that_a_harness_has_no_prompt_for_is_named() -> None:
    possible, impossible = attacks_on(load_folder(HARNESSES / "lambada"))
    assert [row.name for row in impossible] == ["retries"]
    assert "prompts/challenger.md" in impossible[0].impossible
    assert len(possible) == 11


def test_the_command_shows_every_attack_beside_the_users_own_harness(fresh: Place) -> None:
    edit_texts(fresh)
    words = ("bench", "attacks", "--documents=2", "--run=a")
    shown = good(fresh(*words)).out
    assert [attack.name for attack in ATTACKS if attack.name not in shown] == []
    again = good(fresh(*words, "--json")).json
    assert again["simulated"]
    assert [row["name"] for row in again["attacks"]] == [
        "your harness",
        *(attack.name for attack in ATTACKS),
    ]
    assert {row["episodes"] for row in again["attacks"]} == {2}


ROW: Json = {
    "candidate": "c1",
    "what": "",
    "episodes": 4,
    "held": None,
    "stopped": "",
    "impossible": "",
}


def test_what_the_auditor_catches_is_not_let_through() -> None:
    own = {**ROW, "name": "your harness", "accepted": 4, "held": 4}
    told = attack_table([own, {**ROW, "name": "coin", "accepted": 3, "held": 0}])
    assert "0 hold for the auditor" in told
    assert "no attack" in told


def test_what_got_through_is_named_and_a_poor_harness_of_ones_own_too() -> None:
    row = {**ROW, "stopped": "leaks"}
    own = {**row, "name": "your harness", "accepted": 0}
    told = attack_table([own, {**row, "name": "coin", "accepted": 1}])
    assert "let through at least once: coin" in told
    assert "this says little" in told
    steering = {**row, "name": "coin", "accepted": 1, "stopped": "failed: \x1b[2J\nall is well"}
    assert "failed: \N{REPLACEMENT CHARACTER}[2J all is well" in attack_table([own, steering])
    kept = attack_table([{**own, "accepted": 3}, {**row, "name": "coin", "accepted": 0}])
    assert "no attack" in kept
