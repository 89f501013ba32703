"""What runs are said to be: on screens of any width, and in JSON with stable keys."""

import io
import re

import pytest
from rich.console import Console

from autodata.report.queries import wilson
from autodata.report.searches import run_view
from autodata.store.records import CandidateRecord
from tests.support.command_line import NOTICE, RUN, Place, good, keys
from tests.support.journals import small_run, write


def test_show_prints_the_pareto_front_of_rate_and_cost(finished: Place) -> None:
    done = good(finished("show", RUN))
    report = good(finished("show", RUN, "--json")).json
    front = {line["candidate_id"] for line in report["candidates"] if line["front"]}
    assert front
    starred = {line.split()[1] for line in done.out.splitlines() if line.startswith("*  c")}
    assert starred == front
    best = max(
        report["candidates"], key=lambda line: (line["pass_rate"], -line["tokens_per_accepted"])
    )
    cheapest = min(
        (line for line in report["candidates"] if line["tokens_per_accepted"]),
        key=lambda line: line["tokens_per_accepted"],
    )
    assert {best["candidate_id"], cheapest["candidate_id"]} <= front


@pytest.mark.parametrize("width", [80, 120])
def test_a_run_can_be_read_on_screens_of_any_width(finished: Place, width: int) -> None:
    report = good(finished("show", RUN, "--json")).json
    screen = io.StringIO()
    Console(file=screen, width=width).print(run_view(report, "finished", width))
    shown = screen.getvalue()
    assert max(map(len, shown.splitlines())) <= width
    assert set(re.findall(r"[a-z]+_[a-z]+", shown)) <= set(report["candidates"][0]["knobs"])
    assert ("  from  " in shown) is (width == 120)
    assert ("From 100 columns on: from (parent), s/acc" in shown) is (width == 80)


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_tables_keep_to_the_columns_and_commands_to_copy_are_whole(
    finished: Place, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for words in (["show", RUN], ["runs"], ["trace", RUN, "c3"], ["versions"]):
        lines = good(finished(*words)).out.splitlines()
        assert [x for x in lines if len(x) > int(columns) and "autodata " not in x] == []
    hint = good(finished("trace", RUN, "c3")).out.splitlines()[-1]
    assert good(finished(*hint.split("autodata ")[1].split())).out.startswith("SIMULATED MODELS")
    assert ("From 100 columns on: begun" in good(finished("runs")).out) is (columns != "200")
    assert f"run {RUN}" in " ".join(good(finished("show", RUN)).out.split())


def test_without_a_terminal_no_line_ends_in_blanks(finished: Place) -> None:
    for words in (["show", RUN], ["show", RUN, "c3"], ["runs"]):
        lines = good(finished(*words)).out.splitlines()
        assert [line for line in lines if line != line.rstrip()] == []


def test_show_json_has_stable_keys_and_real_values(finished: Place) -> None:
    report = good(finished("show", RUN, "--json")).json
    assert keys(report) == [
        "candidates",
        "certificates",
        "confirming",
        "edits",
        "episodes",
        "iterations",
        "looks",
        "quality",
        "run",
        "totals",
        "unusable",
    ]
    assert report["run"]["simulated"] is True
    assert report["run"]["config"]["documents"]["splits"]["test"] == 40
    assert keys(report["candidates"][0]) == [
        "accepted",
        "audited",
        "candidate_id",
        "commit",
        "decision",
        "edits",
        "episodes",
        "front",
        "high",
        "holds",
        "iteration",
        "kind",
        "knobs",
        "low",
        "message",
        "parent_id",
        "pass_rate",
        "prompt_chars",
        "reason",
        "seconds_per_accepted",
        "tokens_per_accepted",
        "usd_per_accepted",
    ]
    assert report["certificates"][0]["evidence"]["certified"] is True


def test_show_a_candidate_tells_decision_knobs_and_diff(finished: Place) -> None:
    done = good(finished("show", RUN, "c3"))
    assert NOTICE in done.out
    assert "knobs  rounds=" in done.out
    assert "+++ b/harness.yaml" in done.out
    data = good(finished("show", RUN, "c3", "--json")).json
    assert (data["run_id"], data["simulated"]) == (RUN, True)
    assert data["iteration"]["decision"] == data["candidate"]["decision"] == "admitted"
    assert isinstance(data["candidate"]["knobs"], dict)


def test_the_cost_of_an_accepted_example_counts_the_calls_of_a_void_once(fresh: Place) -> None:
    write(fresh.folder / "runs" / "r", small_run())
    line, _ = good(fresh("show", "r", "--json")).json["candidates"]
    names = [f"{unit}_per_accepted" for unit in ("tokens", "seconds", "usd")]
    assert [line[name] for name in names] == [240, 6, 1]


def test_show_keeps_single_test_documents_sealed(finished: Place) -> None:
    data = good(finished("show", RUN, "c3", "--json")).json
    assert {line["split"] for line in data["reasons"]} == {"validation"}


def test_diff_takes_candidates_names_and_folders(finished: Place) -> None:
    knobs = good(finished("show", RUN, "c3", "--json")).json["candidate"]["knobs"]
    done = good(finished("diff", f"{RUN}/c0", f"{RUN}/c3"))
    added = [line for line in done.out.splitlines() if line.startswith("+  ")]
    assert added
    assert all(any(f"value: {value}" in line for value in knobs.values()) for line in added)
    assert good(finished("diff", "lambada", f"{RUN}/c3")).out == done.out
    assert good(finished("diff", "harnesses/lambada", f"{RUN}/c0")).out == "no difference\n"


def test_show_of_a_measurement_tells_its_rate_and_why_others_were_rejected(mine: Place) -> None:
    said = good(mine("evaluate", "lambada", "--most=8", "--run=m")).out
    rate = next(line for line in said.splitlines() if line.startswith("pass rate"))
    shown = good(mine("show", "m")).out
    assert rate.partition("  ")[0] in shown
    assert shown.startswith(NOTICE)
    assert "measurement m  finished  harness lambada" in shown
    assert "Pareto" not in shown
    data = good(mine("show", "m", "--json")).json
    (line,) = data["measured"]
    assert (line["split"], line["episodes"]) == ("validation", 8)
    assert line["low"] <= line["pass_rate"] <= line["high"]
    rejected = sum(row["episodes"] for row in data["reasons"] if row["status"] == "rejected")
    assert rejected == 8 - line["accepted"] > 0
    assert all(row["reason"] in shown for row in data["reasons"])


def test_sql_answers_in_three_formats_and_names_simulated_runs(finished: Place) -> None:
    query = "select count(*) as n, 0.5::double as half from runs"
    table = good(finished("sql", query))
    assert table.out.splitlines() == ["n  half", "-  ----", "1   0.5", "(1 row)"]
    assert table.err == f"SIMULATED MODELS in run {RUN}\n"
    assert good(finished("sql", query, "--format", "csv")).out == "n,half\n1,0.5\n"
    assert good(finished("sql", query, "--format", "json")).json == [{"n": 1, "half": 0.5}]


def test_runs_and_status_tell_states_without_opening_tables(finished: Place) -> None:
    assert "SIMULATED" in good(finished("runs")).out
    (line,) = good(finished("runs", "--json")).json
    assert keys(line) == [
        "bytes",
        "counts",
        "created_at",
        "harness",
        "pid",
        "reason",
        "rules",
        "run_id",
        "simulated",
        "state",
        "troubles",
    ]
    assert (line["run_id"], line["state"], line["pid"]) == (RUN, "finished", None)
    assert line["created_at"][4] == "-"
    status = good(finished("status")).out
    assert status == (f"no run is going on; the last one is {RUN} (finished, simulated models)\n")
    assert good(finished("status", "--json")).json == []


def test_an_empty_project_says_what_to_do_next(fresh: Place) -> None:
    assert good(fresh("runs")).out == "there is no run yet; begin one: autodata optimize\n"
    assert good(fresh("status")).out == "no run is going on\n"
    assert good(fresh("versions")).out == "lambada has no promoted version yet\n"
    assert good(fresh("runs", "--json")).json == []
    assert good(fresh("versions", "--json")).json == []


def test_the_interval_of_a_rate_reaches_0_and_1_where_nothing_or_all_was_accepted() -> None:
    assert wilson(10, 20) == pytest.approx((0.2993, 0.7007), abs=1e-4)
    for episodes in (1, 6, 3000):
        assert wilson(0, episodes)[0] == 0
        assert wilson(episodes, episodes)[1] == 1


def test_a_candidate_about_which_nothing_is_decided_is_no_baseline(fresh: Place) -> None:
    place = ("x", "t", "c0")
    raced = CandidateRecord(*place, {}, 0, "Move rounds 1 -> 2", "c2", 2, "knobs")
    facts = [fact for fact in small_run() if fact[1].KIND != "certification"]
    write(fresh.folder / "runs" / "r", [*facts, ("c2", raced)])
    lines = good(fresh("show", "r", "--json")).json["candidates"]
    assert {line["candidate_id"]: line["decision"] for line in lines} == {
        "c0": "baseline",
        "c1": "admitted",
        "c2": "undecided",
    }
