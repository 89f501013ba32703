"""Replies of no use, from a server to the tables: their cost is in every sum, they are counted."""

import pytest

from tests.support.command_line import Place, good, served
from tests.support.loopback import Say, Seen

WORKFLOW = '''\
from typing import Any


def run(document: str, knobs: dict[str, Any], seed: int) -> None:
    """Ask the challenger, then try an example of its own."""
    try:
        challenge()
    except ValueError:
        words = document.split()
        context = " ".join(words[:100])
        attempt("weak", {"question": "Which is next?", "answer": words[100], "context": context})
'''
MODELS = """\
models:
  weak: {provider: openai, model: weak, base_url: '%(url)s', max_tokens: 8, price: {output: 1000}}
  other: {provider: openai, model: other, base_url: '%(url)s'}
roles:
  weak: {model: weak}
  strong: {model: other}
  main: {model: other}
  challenger: {model: other}
  verifier: {model: other}
  judge: {model: other}
"""


def script(seen: Seen) -> Say:
    """The solver talks until it is cut off, the challenger has never heard of JSON."""
    return Say("so", finish="length") if seen.body["model"] == "weak" else Say("nope")


@pytest.fixture
def evaluated(fresh: Place) -> Place:
    """A project in which such models were evaluated, as run `e`."""
    folder = "harnesses/bad"
    fresh.write(f"{folder}/harness.yaml", "name: bad\ndescription: Goes on, whatever comes.\n")
    fresh.write(f"{folder}/prompts/challenger.md", "Make an example of {{document}}.\n")
    fresh.write(f"{folder}/workflow.py", WORKFLOW)
    with served(script) as server:
        fresh.write("http.yaml", MODELS % {"url": f"{server.url}/v1"})
        words = ("--models=http.yaml", "--set=protocol.domain=research", "--most=2")
        done = good(fresh("evaluate", "bad", "--run=e", *words))
    told = "of no use, paid for all the same: 6 Malformed of challenger, 4 Truncated of weak"
    assert told in done.out
    return fresh


def test_episodes_cost_what_their_calls_cost_truncated_ones_too(evaluated: Place) -> None:
    sums = "sum(completion_tokens) as tokens, round(sum(cost_usd), 9) as usd"
    query = f"select count(*) as calls, {sums} from calls"
    (calls,) = good(evaluated("sql", query, "--format=json")).json
    query = f"select sum(calls)::int as calls, {sums} from episodes"
    (episodes,) = good(evaluated("sql", query, "--format=json")).json
    assert episodes == calls
    assert calls["usd"] > 0


def test_malformed_replies_are_counted_by_role_in_sql_and_in_a_runs_totals(
    evaluated: Place,
) -> None:
    query = "select role, outcome, count(*) as n from calls group by all order by role"
    found = good(evaluated("sql", query, "--format=json")).json
    assert {"role": "challenger", "outcome": "Malformed", "n": 6} in found
    report = good(evaluated("show", "e", "--json")).json
    assert report["totals"]["malformed"] == 6
    assert report["totals"]["failed"] == sum(row["calls"] for row in report["unusable"])
    assert "6 Malformed of challenger" in good(evaluated("show", "e")).out


def test_what_thinking_took_is_shown_and_that_it_left_no_answer(fresh: Place) -> None:
    def act(seen: Seen) -> Say:
        if seen.body["model"] == "weak":
            return Say("", "length", thought="hm", reasoning_tokens=8, completion_tokens=8)
        return Say("nope", thought="hm", reasoning_tokens=1000, completion_tokens=1001)

    fresh.write("harnesses/bad/harness.yaml", "name: bad\ndescription: Goes on.\n")
    fresh.write("harnesses/bad/prompts/challenger.md", "Make an example of {{document}}.\n")
    fresh.write("harnesses/bad/workflow.py", WORKFLOW)
    with served(act) as server:
        fresh.write("http.yaml", MODELS % {"url": f"{server.url}/v1"})
        words = ("--models=http.yaml", "--set=protocol.domain=research", "--most=1")
        done = good(fresh("evaluate", "bad", "--run=t", *words))
    fix = "thinking used up 2 of them: raise their max_tokens, or let them think less"
    for told in (done.out, good(fresh("show", "t")).out):
        assert "3,016 of thinking" in told
        assert fix in " ".join(told.split())
    query = "select role, sum(reasoning_tokens)::int as n from calls group by all order by 1"
    found = good(fresh("sql", query, "--format=json")).json
    assert found == [{"role": "challenger", "n": 3000}, {"role": "weak", "n": 16}]
