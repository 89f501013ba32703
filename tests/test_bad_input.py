"""What is wrong outside ends in an error with its fix, exit code 2, and nothing lost."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from autodata.store.journal import read_records
from tests.command_line import RUN, SMALL, TINY, Place, good, is_root, refused, served
from tests.loopback import Reset, Say, Status

WHOLE = ("--set=documents.chunk_chars=0", "--set=documents.min_chars=0")


def refused_untouched(place: Place, words: tuple[str, ...], problem: str, fix: str) -> None:
    """Check that a command is refused before it has changed or made a single file."""
    before = place.files()
    refused(place(*words), problem, fix)
    assert place.files() == before


@pytest.mark.parametrize(
    ("source", "content", "problem", "fix"),
    [
        ("nowhere", None, "does not exist", "name a folder"),
        ("empty/", None, "no text in empty", "put .txt or .md files there"),
        ("papers/a.txt", b"\xff\xfe\x00binary", "papers/a.txt is not UTF-8 text", "convert it"),
        ("a.jsonl", b'{"title": "no text"}\n', "a.jsonl, line 1: not a JSON object", '"text"'),
        ("b.jsonl", b'{"text": "a"}\n{"text": "torn\n', "b.jsonl, line 2", '"text"'),
        ("few/a.txt", b"one document", "1 documents, but the splits need 20", "add documents"),
    ],
)
def test_a_corpus_that_cannot_be_used(
    fresh: Place, source: str, content: bytes | None, problem: str, fix: str
) -> None:
    file = fresh.folder / source
    if content is not None:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
    elif source.endswith("/"):
        file.mkdir()
    name = source.split("/")[0]
    words = ("optimize", f"--set=documents.source={name}", *TINY, *WHOLE)
    refused_untouched(fresh, words, problem, fix)


@pytest.mark.skipif(is_root(), reason="root may read everything")
def test_a_corpus_without_permission(fresh: Place) -> None:
    fresh.write("papers/a.txt", "text")
    (fresh.folder / "papers/a.txt").chmod(0)
    done = fresh("optimize", "--set=documents.source=papers", *TINY, *WHOLE)
    refused(done, "papers/a.txt cannot be read", "permission")


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_splits_that_need_more_documents_than_there_are(fresh: Place, split: str) -> None:
    words = ("optimize", *TINY, f"--set=documents.splits.{split}=5000")
    refused_untouched(fresh, words, f"{split} 5000", "documents.splits smaller")


@pytest.mark.parametrize(
    ("setting", "problem", "fix"),
    [
        ("documents.splits.test=2", "the test split has 2 documents", "larger share"),
        ("documents.splits.validation=2", "validation split has 2 documents", "larger share"),
        ("documents.splits.test=0", "--set documents.splits.test: ", "documents.splits.test"),
        ("optimize.selection=thomson", "optimize.selection", "did you mean thompson?"),
        ("optimize.objective=pass_rates", "optimize.objective", "did you mean 'pass_rate'?"),
        ("optimize.iteratons=3", "unknown key 'optimize.iteratons'", "'iterations'"),
        ("optimise.iterations=3", "unknown key 'optimise'", "did you mean 'optimize'?"),
        ("optimize", "--set optimize: no value", "write --set key=value"),
        ("optimize.parallel=many", "optimize.parallel: 'many'", "change optimize.parallel"),
        ("optimize.episodes=3", "optimize.episodes is 3", "set it to at least"),
        ("harness=lamda", "there is no harness 'lamda'", "did you mean 'lambada'?"),
        ("protocol.acceptance=verifable", "unknown preset", "did you mean 'verifiable'?"),
        ("models.small.provider=simulatd", "models.small.provider", "'simulated'"),
        ("roles.weak.model=smal", "no model is named 'smal'", "did you mean 'small'?"),
        ("roles.wek.model=small", "unknown role 'roles.wek'", "did you mean 'weak'?"),
        ("models.small.api_key_env=NOT_THERE", "the environment has no NOT_THERE", "export"),
    ],
)
def test_a_setting_that_means_nothing(fresh: Place, setting: str, problem: str, fix: str) -> None:
    refused_untouched(fresh, ("optimize", *TINY, "--set", setting), problem, fix)


@pytest.mark.parametrize(
    ("old", "new", "problem", "fix"),
    [
        ("proposer: knobs", "propose: knobs", "unknown key 'optimize.propose'", "'proposer'"),
        ("iterations: 10", "iterations: [", "autodata.yaml, line ", "mend the YAML"),
        ("iterations: 10", "iterations: 0", "optimize.iterations: 0", "change"),
    ],
)
def test_a_configuration_file_that_is_wrong(
    fresh: Place, old: str, new: str, problem: str, fix: str
) -> None:
    fresh.edit("autodata.yaml", old, new)
    for command in ("optimize", "versions", "estimate"):
        done = fresh(command)
        refused(done, problem, fix)
        assert "autodata.yaml, line " in done.err


@pytest.mark.parametrize(
    ("words", "problem", "fix"),
    [
        (("init", "simulated"), "autodata.yaml is there already", "move it away"),
        (("init", "simulatd"), "unknown kind of project 'simulatd'", "did you mean 'simulated'?"),
        (("optimize", "-c", "nope.yaml"), "nope.yaml cannot be read", "check -c FILE"),
        (("optimize", "--models", "simulatd"), "--models simulatd", "did you mean 'simulated'?"),
        (("optimize", "--models", "autodata.txt"), "no such file", "give a file"),
        (("optimize", "--run", "../up"), "cannot be a run's name", "letters, digits"),
        (("optimize", "--run", "a b"), "cannot be a run's name", "letters, digits"),
        (("optimize", "--iterations", "0"), "optimize.iterations", "change"),
        (("evaluate", "lamda"), "lamda", "lambada"),
        (("evaluate", "nope/c1"), "there is no candidate nope/c1", "autodata runs"),
        (("diff", "lambada", "lamda"), "lamda", "lambada"),
        (("versions", "lamda"), "there is no harness 'lamda'", "did you mean 'lambada'?"),
        (("rollback", "v1"), "no version v1", "autodata promote"),
        (("rollback", "first"), "'first' is no version", "write it like v2"),
        (("rollback", "v1", "--harness=lamda"), "no harness 'lamda'", "'lambada'"),
        (("show", "last"), "there is no run yet", "autodata optimize"),
        (("stop", "nope"), "there is no run nope", "autodata runs"),
        (("serve",), "nothing to serve", "provider: vllm"),
        (("serve", "small"), "models.small is served elsewhere", "leave it out"),
        (("serve", "smal"), "no model is named 'smal'", "small"),
        (("models", "pull", "smol"), "'smol'", "smollm2"),
        (("bench", "search", "--landscape=nul"), "--landscape 'nul' is unknown", "null"),
        (("bench", "search", "--policy=papr"), "--policy 'papr' is unknown", "paper"),
        (("bench", "search", "--budget=0"), "--budget is 0", "at least"),
        (("sql", "select * from episode"), "episode does not exist", "did you mean episodes?"),
        (("sql", "select"), "SELECT clause", "columns of one"),
        (("sql", "drop table runs"), "not one query", "write one SELECT"),
    ],
)
def test_a_command_about_something_that_is_not_there(
    fresh: Place, words: tuple[str, ...], problem: str, fix: str
) -> None:
    refused_untouched(fresh, words, problem, fix)


@pytest.mark.parametrize(
    ("words", "problem", "fix"),
    [
        (("show", "frist"), "there is no run frist", f"did you mean {RUN}?"),
        (("show", RUN, "c33"), "no candidate 'c33'", "did you mean 'c3'?"),
        (("promote", RUN, "c33", "--force"), "no candidate 'c33'", "did you mean 'c3'?"),
        (("certify", RUN, "c33"), "no candidate 'c33'", "did you mean 'c3'?"),
        (("diff", f"{RUN}/c0", f"{RUN}/c33"), f"no candidate {RUN}/c33", "did you mean 'c3'?"),
        (("trace", RUN, "c3"), "'c3' names no episode", "CANDIDATE:DOCUMENT"),
        (("trace", RUN, "c3:zz"), "no episode c3:zz", "autodata sql"),
        (("evaluate", "lambada", "--run", RUN), f"run {RUN} is an optimization", "--run NAME"),
        (
            ("optimize", "--run", RUN, "--seed=4", "--iterations=3"),
            "other settings",
            f"--run {RUN}-2",
        ),
        (
            ("certify", RUN, "c1", "--set=protocol.max_rounds=2", *SMALL),
            "config.protocol.max_rounds is 2, was 4",
            "undo the change",
        ),
    ],
)
def test_a_command_about_a_run_it_does_not_fit(
    mine: Place, words: tuple[str, ...], problem: str, fix: str
) -> None:
    journal = mine.folder / "runs" / RUN / "journal"
    before = {path: path.read_bytes() for path in journal.iterdir()}
    refused(mine(*words), problem, fix)
    assert {path: path.read_bytes() for path in journal.iterdir()} == before


def test_the_seed_or_configuration_of_a_run_is_not_changed_in_its_middle(fresh: Place) -> None:
    assert fresh("optimize", "--run=a", *TINY).code == 0
    refused(
        fresh("optimize", "--run=a", "--seed=1", *TINY),
        "other settings: seed is 1, was 0",
        "--run a-2",
    )
    changed = ("--set=optimize.temperature=0.3", *TINY)
    refused(
        fresh("optimize", "--run=a", *changed),
        "config.optimize.temperature is 0.3, was 0.1",
        "--run a-2",
    )
    assert fresh("optimize", "--run=a", *TINY).code == 0


def test_an_evaluation_goes_on_by_the_rules_it_was_begun_with(fresh: Place) -> None:
    words = ("evaluate", "lambada", "--run=e", *TINY[:3])
    good(fresh(*words))
    changed = fresh(*words, "--set=protocol.max_rounds=2")
    refused(changed, "config.protocol.max_rounds is 2, was 4", "--run e-2")
    manifest = fresh.folder / "harnesses/lambada/harness.yaml"
    manifest.write_text(manifest.read_text().replace("high: 4, value: 1", "high: 4, value: 2"))
    refused(fresh(*words), "baseline_tree is", "--run e-2")


WORKFLOW = "harnesses/lambada/workflow.py"
MANIFEST = "harnesses/lambada/harness.yaml"
HEAD = (
    "from typing import Any\n\ndef run(document: str, knobs: dict[str, Any], seed: int) -> None:\n"
)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("def run(document, knobs, seed:\n    pass\n", "workflow.py, line "),
        (f"{HEAD}    x: int = 'a'\n", "workflow.py, line 4"),
        (f"{HEAD}    attempt('weak', many=3)\n", "workflow.py, line 4"),
        (f"{HEAD}    atempt('weak')\n", "workflow.py, line 4"),
        ("def walk() -> None:\n    pass\n", "workflow.py"),
    ],
)
def test_a_workflow_that_does_not_parse_or_check(fresh: Place, body: str, problem: str) -> None:
    fresh.write(WORKFLOW, body)
    done = fresh("optimize", "--run=w", *TINY)
    refused(done, problem, "workflow.py")
    assert fresh("sql", "select count(*) n from calls", "--format=json").json == [{"n": 0}]
    assert "w" not in fresh("status").out or "stopped" in fresh("status").out


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("low: 1, high: 4, value: 1", "low: 4, high: 1, value: 1", "knobs.rounds: the range"),
        ("low: 1, high: 4, value: 1", "low: 1, high: 4, value: 9", "knobs.rounds"),
        ("low: 1, high: 4, value: 1", "low: 1, high: four, value: 1", "knobs.rounds"),
        ("choices: [any, first, last]", "choices: []", "knobs.position"),
        ("choices: [any, first, last]", "choices: [any, 1, 2.5]", "knobs.position: choices"),
    ],
)
def test_a_knob_whose_range_is_empty_or_mixed(
    fresh: Place, old: str, new: str, problem: str
) -> None:
    fresh.edit(MANIFEST, old, new)
    words = ("optimize", *TINY)
    refused_untouched(fresh, words, "harness.yaml, line ", "knobs.")
    assert problem in fresh(*words).err


def test_a_prompt_with_an_unknown_variable(fresh: Place) -> None:
    fresh.write("harnesses/lambada/prompts/challenger.md", "Read {{document}} and {{documnet}}")
    words = ("optimize", *TINY)
    refused_untouched(fresh, words, "challenger.md, line 1: unknown variable {{documnet}}", "docum")


def test_without_a_git_repository(tmp_path: Path) -> None:
    fresh = Place(tmp_path)
    fresh("init", "simulated")
    (tmp_path / ".git").rename(tmp_path / "was.git")
    for words in (("optimize", *TINY), ("versions",), ("rollback", "v1"), ("diff", "a", "b")):
        refused_untouched(fresh, words, "is in no git repository", "autodata init, or git init")


def openai(place: Place, address: str) -> None:
    """Let the project's models be an OpenAI-compatible server."""
    model = f"{{provider: openai, model: m, api: completions, base_url: '{address}'"
    place.write(
        "http.yaml",
        f"models: {{one: {model}, api_key_env: TEST_KEY}}}}\n"
        "roles: {weak: {model: one}, strong: {model: one, mode: privileged}}\n",
    )


def test_a_dead_endpoint_ends_a_new_run_soon(fresh: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-secret")
    with served(lambda _: Say()) as server:
        address = server.url
    openai(fresh, f"{address}/v1")
    words = ("--models=http.yaml", "--set=budget.pause_hours=0.0005", *TINY)
    done = fresh("optimize", "--run=d", *words)
    refused(done, "endpoint one was never there", "check base_url")
    assert "sk-secret" not in done.err + done.out
    assert "d  " in fresh("runs").out
    with served(lambda _: Say("the")) as server:
        openai(fresh, f"{server.url}/v1")
        assert fresh("optimize", "--run=d", *words).code == 0


def vllm(place: Place, gpus: str) -> None:
    """Let the project's models be two vLLM servers, of which only `one` plays a role."""
    model = f"{{provider: vllm, model: m, python: /no/python, {gpus}}}"
    roles = "roles: {weak: {model: one}, strong: {model: one, mode: privileged}}\n"
    place.write("vllm.yaml", f"models: {{one: {model}, two: {model}}}\n{roles}")


def test_gpus_are_shared_out_among_the_models_that_a_command_serves(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    words = ("--models=vllm.yaml",)
    vllm(fresh, "replicas: 2")
    refused(fresh("serve", *words), "needs 4 GPUs (one 2, two 2), and 3 can be seen", "replicas")
    vllm(fresh, "replicas: 4")
    refused(fresh("optimize", *TINY, *words), "needs 4 GPUs (one 4), and 3 can be", "replicas")
    vllm(fresh, "gpus: [7]")
    refused(fresh("serve", *words), "models.one.gpus and models.two.gpus both list 7", "others")
    for command in (("serve", "two", "two"), ("optimize", *TINY)):
        refused(fresh(*command, *words), "python cannot be run: /no/python", "correct the path")


def test_weights_lie_in_the_project_wherever_the_command_is_given(fresh: Place) -> None:
    below = Place(fresh.folder / "harnesses")
    setting = "--set=models.small={provider: local, model: weights/no.gguf, api: completions}"
    for command in (("serve",), ("optimize", *TINY)):
        done = below(*command, setting)
        refused(done, f"no such file: {fresh.folder}/weights/no.gguf", "correct it")


def test_a_wrong_key_ends_a_run_at_once(fresh: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-secret")
    body = {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}}
    with served(lambda _: Status(401, body)) as server:
        openai(fresh, f"{server.url}/v1")
        done = fresh.process("optimize", "--run=k", "--models=http.yaml", *TINY)
        refused(done, "does not accept the key", "api_key_env")
        assert len(server.seen) <= 64
    written = b"".join(fresh.files().values()).decode(errors="replace")
    assert "sk-secret" not in done.err + done.out + written


def test_a_spent_budget_ends_with_its_own_code_and_goes_on_with_a_larger_one(fresh: Place) -> None:
    words = ("optimize", "--run=b", *TINY)
    for _ in range(2):
        done = fresh(*words, "--set=budget.calls=30")
        refused(done, "budget", "larger budget.calls", code=3)
    assert fresh("sql", "select count(*) n from calls", "--format=json").json[0]["n"] <= 30
    assert fresh(*words).code == 0


def test_hours_end_a_run_whose_endpoint_is_waited_for_without_end(
    fresh: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_KEY", "sk-secret")
    with served(lambda seen: Say("the") if seen.index < 4 else Reset()) as server:
        openai(fresh, f"{server.url}/v1")
        bounds = ("--set=budget.pause_hours=0", "--set=budget.hours=0.001")
        done = fresh("evaluate", "lambada", "--models=http.yaml", "--run=h", *bounds, *TINY[:3])
    refused(done, "of 0.001 hours", "larger budget.hours", code=3)


def test_a_damaged_journal_line_is_named_and_nothing_is_dropped(mine: Place) -> None:
    (journal,) = (mine.folder / "runs" / RUN / "journal").glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b'"', b"'", 1)
    journal.write_bytes(b"".join(lines))
    offset = sum(map(len, lines[:4]))
    for words in (("optimize", "--run", RUN, "--seed=19"), ("promote", RUN, "--force")):
        done = mine(*words)
        refused(done, f"{journal} is damaged at byte {offset} (line 5)", "restore the file")
    assert journal.read_bytes() == b"".join(lines)
    assert RUN in mine("runs").out
    done = mine("evaluate", "lambada", "--most=1")
    assert done.code == 0


def test_a_run_whose_first_record_was_damaged_goes_on_after_the_fix(mine: Place) -> None:
    (journal,) = (mine.folder / "runs" / RUN / "journal").glob("*.jsonl")
    begun = journal.read_bytes()
    journal.write_bytes(begun.replace(b'"', b"'", 1))
    mine.git("commit", "-q", "--allow-empty", "-m", "More")
    commits = mine.git("for-each-ref", f"refs/autodata/{RUN}")
    words = ("optimize", "--run", RUN, "--seed=19", "--iterations=3", *SMALL)
    advice = mine(*words).err.splitlines()[-1]
    subprocess.run(advice[advice.index("sed -i") :], shell=True, check=True)
    good(mine(*words))
    assert mine.git("for-each-ref", f"refs/autodata/{RUN}") == commits
    again = next(r.body for r in read_records(mine.folder / "runs" / RUN, {"run"}))
    assert again == json.loads(begun.splitlines()[0])["body"]
    good(mine("replay", RUN))


def test_an_evaluation_is_not_optimized(fresh: Place) -> None:
    good(fresh("evaluate", "lambada", "--most=1", "--run=e"))
    refused(fresh("optimize", "--run=e", *TINY), "run e is an evaluation", "--run NAME")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("show", RUN), "temporary files cannot be written"),
        (("sql", "from calls"), "temporary files cannot be written"),
        (("replay", RUN), "temporary files cannot be written"),
        (("diff", f"{RUN}/c0", f"{RUN}/c1"), "cannot be given its input"),
    ],
)
def test_without_room_for_temporary_files(
    mine: Place, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], problem: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(mine.folder / "autodata.yaml"))
    refused(mine(*words), problem, "make room in /tmp, or set TMPDIR")


def test_a_run_in_a_folder_of_another_name_is_refused_whatever_is_asked(mine: Place) -> None:
    runs = mine.folder / "runs"
    (runs / RUN).rename(runs / "other")
    before = mine.files()
    for words in (
        ("show", "other"),
        ("sql", "from calls"),
        ("trace", "other", "c0:a"),
        ("optimize", "--run=other", "--seed=19", "--iterations=3", *SMALL),
        ("evaluate", "lambada", "--run=other"),
        ("certify", "other", "c1", *SMALL),
        ("promote", "other", "--force"),
        ("replay", "other"),
    ):
        refused(mine(*words), f"other holds run {RUN}", f"mv {runs / 'other'} {runs / RUN}")
    assert mine.files() == before
    shutil.copytree(runs / "other", runs / RUN)
    refused(mine("sql", "from calls"), f"other holds run {RUN}", f"move the copy out of {runs}")
    assert mine("show", RUN).code == 0


def test_a_wrong_switch_or_command_ends_with_usage(fresh: Place) -> None:
    for words in (("shw",), ("show",), ("optimize", "--foo"), ("evaluate", "x", "--split=test")):
        done = fresh(*words)
        assert (done.code, done.out) == (2, "")
        assert "Usage: autodata" in done.err
    assert "Did you mean 'show'?" in fresh("shw").err


def test_what_a_script_reads_stays_clean_when_something_is_wrong(fresh: Place) -> None:
    done = fresh("optimize", "--json", "--set=documents.source=nowhere", *TINY)
    assert done.out == ""
    refused(done, "nowhere", "name a folder")
    assert json.loads(fresh("runs", "--json").out) == []
