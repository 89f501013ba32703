"""Every command does its job on simulated models, says so, and answers scripts in JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer.main

from autodata.cli.app import GROUPS, app
from autodata.cli.results import next_steps
from autodata.config.file import load_config
from autodata.project import template
from autodata.store.lines import read_entries
from autodata.store.records import FINISHED
from tests.support.command_line import (
    NOTICE,
    RUN,
    SMALL,
    TINY,
    Place,
    good,
    keys,
    long_ago,
    refused,
)
from tests.support.serving import fake_vllm


def all_commands(group: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found += all_commands(command, (*prefix, name)) if inner else [(*prefix, name)]
    return found


@pytest.mark.parametrize("words", all_commands(typer.main.get_command(app)), ids=" ".join)
def test_every_command_has_help_for_itself_and_each_of_its_parameters(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    group: Any = typer.main.get_command(app)
    command = group
    for word in words:
        command = command.commands[word]
    assert command.help
    assert group.commands[words[0]].rich_help_panel, "commands.GROUPS has a heading for each"
    assert [p.name for p in command.params if not p.help] == []
    done = good(Place(tmp_path)(*words, "-h"))
    assert good(Place(tmp_path)("help", *words)).out == done.out
    assert f"Usage: autodata {' '.join(words)}" in done.out
    assert "autodata.yaml" in done.out or "--config" not in done.out


def test_help_lists_every_command_under_its_heading(tmp_path: Path) -> None:
    shown = good(Place(tmp_path)("--help")).out
    for heading, commands in GROUPS.items():
        _, _, under = shown.partition(f"\N{BOX DRAWINGS LIGHT HORIZONTAL} {heading} ")
        box = under.partition("\N{BOX DRAWINGS LIGHT ARC UP AND RIGHT}")[0]
        assert [name for name in commands if f" {name} " not in box] == []
    assert shown.strip() in Place(tmp_path)().out
    assert Place(tmp_path)().code == Place(tmp_path)("-C", ".").code == 2


def test_a_command_acts_as_if_it_was_started_in_another_folder(
    finished: Place, tmp_path: Path
) -> None:
    elsewhere = Place(tmp_path)
    place = str(finished.folder)
    assert good(elsewhere("-C", place, "runs")).out == good(finished("runs")).out
    assert good(elsewhere("-C", place, "doctor", "-c", "autodata.yaml")).out
    assert good(elsewhere.process("-C", place, "status")).out == good(finished("status")).out
    refused(elsewhere("-C", "nowhere", "runs"), "-C nowhere: no such file or directory", "name a")
    elsewhere.write("file", "")
    refused(elsewhere("-C", "file", "runs"), "-C file: not a directory", "name a folder")


def test_the_version_is_told(tmp_path: Path) -> None:
    assert good(Place(tmp_path)("--version")).out.startswith("autodata 0")


def test_a_new_folder_becomes_a_project_whose_first_command_works(tmp_path: Path) -> None:
    place = Place(tmp_path)
    begun = good(place("init", "simulated"))
    assert "made a git repository" in begun.out
    assert begun.out.endswith("next: autodata optimize\n")
    assert (tmp_path / "harnesses/lambada/workflow.py").is_file()
    done = good(place("optimize", *TINY))
    assert NOTICE in done.out
    assert "test documents (" in done.out
    assert "autodata show " in done.out
    assert "autodata promote" not in done.out
    assert "autodata optimize --models local    # real models" in done.out


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("openai", "first: export OPENAI_API_KEY=...    # autodata.yaml, line "),
        ("vllm", "first: pip install 'autodata[vllm]', or set models.big.python"),
        ("vllm", "documents does not exist\n"),
    ],
)
def test_init_says_what_must_come_first(
    kind: str, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said = good(Place(tmp_path)("init", kind)).out
    assert said.count(first) == 1
    assert said.endswith("then: autodata optimize\n")


def test_the_next_steps_of_a_search_fit_what_it_came_to() -> None:
    text = template("simulated")
    simulated = load_config(text, "simulated", [])
    real = load_config(template("local"), "local", ["optimize.iterations=7"])
    certified = [command for command, _ in next_steps("r", "c3", True, real)]
    assert certified[:2] == ["autodata promote r", "autodata show r c3"]
    uncertain = [command for command, _ in next_steps("r", "c3", False, real)]
    assert uncertain[0] == "autodata optimize --run r --iterations 14"
    assert uncertain[1].startswith("autodata optimize --set documents.splits.test=")
    for found in (uncertain, [command for command, _ in next_steps("r", "c3", True, simulated)]):
        assert not any("promote" in command for command in found)


@pytest.mark.parametrize("kind", ["local", "openai", "anthropic", "vllm", "simulated"])
def test_every_template_is_complete_and_commented(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "not-a-key")
    place = Place(tmp_path)
    good(place("init", kind))
    assert (tmp_path / "autodata.yaml").read_text().startswith("#")
    done = place("doctor")
    assert "configuration: autodata.yaml" in done.out
    assert "harness " in done.out


def test_doctor_gives_a_fix_for_what_is_bad_and_for_nothing_else(fresh: Place) -> None:
    done = good(fresh("doctor"))
    assert "fix:" not in done.out
    fresh.write("autodata.yaml", "models: 3\n")
    done = fresh("doctor")
    assert done.code == 2
    bad = done.out.splitlines().index(next(x for x in done.out.splitlines() if "BAD" in x))
    assert "autodata.yaml, line 1" in done.out.splitlines()[bad]
    assert done.out.splitlines()[bad + 1].startswith("     fix: ")


def test_doctor_looks_for_vllm_where_it_would_be_started(fresh: Place) -> None:
    model = "{provider: vllm, model: m, python: /no/python}"
    text = (fresh.folder / "autodata.yaml").read_text()
    fresh.write("vllm.yaml", text.replace("{provider: simulated, model: large}", model))
    done = fresh("doctor", "-c", "vllm.yaml")
    assert done.code == 2
    assert "model chat (vllm): models.chat.python cannot be run: /no/python" in done.out


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("{provider: local, model: none.gguf}", "no such file: "),
        ("{provider: local, model: smolm2}", "no weights are known under the name 'smolm2'"),
        (
            "{provider: vllm, model: m, python: %s, replicas: 3}",
            "vLLM needs 3 GPUs (chat 3), and 2 can be seen",
        ),
    ],
)
def test_doctor_and_serve_say_the_same_of_a_model_that_cannot_be_served(
    fresh: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: str, problem: str
) -> None:
    if "local" in model:
        pytest.importorskip("xllamacpp")
    else:
        model %= fake_vllm(tmp_path / "vllm")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    fresh.edit("autodata.yaml", "{provider: simulated, model: large}", model)
    served = fresh("serve")
    said, fix = (line.partition(": ")[2] for line in served.err.splitlines()[-2:])
    done = fresh("doctor")
    assert (served.code, done.code) == (2, 2)
    assert problem in said
    assert said in done.out
    assert f"fix: {fix}" in done.out


def test_optimizing_again_under_the_same_name_asks_nothing_again(mine: Place) -> None:
    before = good(mine("show", RUN, "--json")).json
    journal = sorted((mine.folder / "runs" / RUN / "journal").glob("*.jsonl"))
    kept = [path.read_bytes() for path in journal]
    done = good(mine("optimize", "--run", RUN, "--seed=19", "--iterations=3", "--json", *SMALL))
    after = done.json
    assert (after.pop("best"), after.pop("closed")) == ("c3", "")
    assert after == before
    assert NOTICE in done.err
    assert [path.read_bytes() for path in journal] == kept


def test_evaluate_measures_a_harness_and_a_candidate(mine: Place) -> None:
    shown = good(mine("evaluate", "lambada", "--most=6", "--run=eval", *SMALL[:3]))
    assert NOTICE in shown.out
    assert "of 6 validation episodes" in shown.out
    assert good(mine(*shown.out.split("autodata ")[1].split())).out.startswith(NOTICE)
    again = good(mine("evaluate", "lambada", "--most=6", "--run=eval", "--json", *SMALL[:3]))
    data = again.json
    assert keys(data) == [
        "accepted",
        "calls",
        "completion_tokens",
        "cost_usd",
        "episodes",
        "harness",
        "high",
        "low",
        "pass_rate",
        "prompt_tokens",
        "reasoning_tokens",
        "run_id",
        "simulated",
        "split",
        "unusable",
    ]
    assert (data["simulated"], data["episodes"], data["run_id"]) == (True, 6, "eval")
    assert f"({data['accepted']} of 6" in shown.out
    other = good(mine("evaluate", f"{RUN}/c3", "--split=train", "--repeats=2", "--json")).json
    assert (other["split"], other["episodes"]) == ("train", 16)
    assert "eval" in good(mine("runs")).out


def test_evaluate_finds_a_shipped_harness_where_the_project_has_none(fresh: Place) -> None:
    fresh.git("rm", "-rq", "harnesses")
    fresh.git("commit", "-qm", "Remove")
    assert not (fresh.folder / "harnesses").exists()
    done = good(fresh("evaluate", "lambada", "--most=2", "--json"))
    assert done.json["harness"] == "lambada"


def test_certify_tests_one_more_candidate_and_counts_it(mine: Place) -> None:
    done = good(mine("certify", RUN, "c2"))
    assert NOTICE in done.out
    assert "test documents (40 sealed): baseline" in done.out
    data = good(mine("certify", RUN, "c2", "--json", *SMALL)).json
    assert (data["run_id"], data["simulated"], data["tested_before"]) == (RUN, True, 1)
    assert len(good(mine("show", RUN, "--json")).json["certificates"]) == 2


def test_days_between_a_run_and_its_certifications_are_not_its_hours(mine: Place) -> None:
    long_ago(mine, RUN, 100_000)
    good(mine("certify", RUN, "c2", *SMALL))
    long_ago(mine, RUN, 100_000)
    good(mine("certify", RUN, "c1", "--set=budget.hours=1", *SMALL))
    found = [r.body.get("ended") for r in read_entries(mine.folder / "runs" / RUN, {"session"})]
    assert found == [None, "done", FINISHED, None, "done", None, "done"]
    assert good(mine("runs", "--json")).json[0]["state"] == "finished"


def test_estimate_predicts_with_intervals_and_says_what_it_left(fresh: Place) -> None:
    done = good(fresh("estimate", "--episodes=3"))
    assert NOTICE in done.out
    assert "prompt tokens" in done.out
    data = good(fresh("estimate", "--episodes=3", "--json")).json
    assert data["simulated"] is True
    assert data["pilot_episodes"] == 3
    for name in ("prompt_tokens", "completion_tokens", "usd", "hours"):
        assert data[name]["low"] <= data[name]["mean"] <= data[name]["high"]


def test_models_lists_what_can_be_fetched(
    fresh: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    done = good(fresh("models", "list"))
    assert done.out.startswith("smollm2  not fetched: autodata models pull smollm2")


def test_bench_search_prints_rows_for_people_and_for_scripts(tmp_path: Path) -> None:
    words = ["bench", "search", "--landscape=null", "--policy=paper", "--budget=300", "--runs=2"]
    assert "paper" in good(Place(tmp_path)(*words)).out
    (row,) = good(Place(tmp_path)(*words, "--json")).json
    assert {
        "budget",
        "coverage",
        "episodes",
        "false_certification_rate",
        "landscape",
        "policy",
        "reported_minus_true",
        "runs",
        "true_pass_rate",
        "true_pass_rate_ci",
    } <= set(row)


def test_a_setting_a_file_and_models_change_the_configuration(fresh: Place) -> None:
    fresh.git("mv", "autodata.yaml", "other.yaml")
    words = ("optimize", "--run=a", "--json", *TINY)
    report = good(fresh(*words, "-c", "other.yaml", "--set", "optimize.parallel=1")).json
    assert report["run"]["config"]["optimize"]["parallel"] == 1
    assert report["run"]["config"]["optimize"]["iterations"] == 1
    fresh.git("mv", "other.yaml", "autodata.yaml")
    fresh.write(
        "models.yaml",
        "models: {one: {provider: simulated, model: large}}\n"
        "roles: {weak: {model: one}, strong: {model: one, mode: privileged}}\n",
    )
    report = good(fresh("evaluate", "lambada", "--most=2", "--json", "--models=models.yaml")).json
    assert report["simulated"] is True
    shown = good(fresh("sql", "select distinct endpoint from calls where run_id <> 'a'"))
    assert "one" in shown.out


def test_stop_ends_a_search_in_another_process(fresh: Place) -> None:
    with fresh.begun("optimize", "--run=long", "--iterations=500") as process:
        state: Any = {"counts": {}}
        while not state["counts"].get("episode"):
            assert process.poll() is None
            state = next(iter(good(fresh("status", "--json")).json), state)
        assert (state["state"], state["pid"]) == ("running", process.pid)
        assert "SIMULATED MODELS" in good(fresh("status")).out
        stopped = good(fresh("stop", "long"))
        assert stopped.out == "long has stopped; resume it: autodata optimize --run long\n"
        assert process.wait() == 130
    assert good(fresh("runs", "--json")).json[0]["state"] == "interrupted"
    assert good(fresh("stop", "last")).out == "long is not running\n"
    assert "run long  interrupted  harness" in good(fresh("show", "long")).out


def test_every_json_is_one_document_and_notices_go_to_stderr(mine: Place) -> None:
    for words in (
        ("optimize", "--run=j", *TINY),
        ("evaluate", "lambada", "--most=2"),
        ("estimate", "--episodes=2"),
    ):
        done = good(mine(*words, "--json"))
        json.loads(done.out)
        assert NOTICE in done.err
