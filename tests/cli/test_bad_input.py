"""What the user wrote is wrong: an error with its fix, exit code 2, and nothing lost."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import TINY, Place, good, is_root, refused

WHOLE = ("--set=documents.chunk_chars=0", "--set=documents.min_chars=0")
WORKFLOW = "harnesses/lambada/workflow.py"
MANIFEST = "harnesses/lambada/harness.yaml"


HEAD = (
    "from typing import Any\n\ndef run(document: str, knobs: dict[str, Any], seed: int) -> None:\n"
)


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
        ("papers/a.txt", b"\xff\xfe\x00binary", "1 not UTF-8: a.txt", "(not UTF-8, byte 0)"),
        ("a.jsonl", b'{"title": "no text"}\n', "1 without text: line 1", "`text` field"),
        ("b.jsonl", b'{"text": "a"}\n{"text": "torn\n', "1 documents, but", "add documents"),
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
    refused(done, "1 unreadable: a.txt", "Permission denied")


def papers(place: Place) -> str:
    """Write 24 texts, four of which are none, and return the source to set."""
    for number in range(20):
        place.write(f"papers/{number:02}.txt", f"It is text {number}. The number is {number}.\n")
    place.write("papers/20.txt", "\n")
    place.write("papers/21.txt", (place.folder / "papers/00.txt").read_text())
    (place.folder / "papers/22.txt").write_bytes(b"caf\xe9")
    (place.folder / "papers/23.txt").symlink_to("nowhere")
    return "--set=documents.source=papers"


LEFT_OUT = "20 documents of 24: 1 empty, 1 duplicate, 1 not UTF-8, 1 unreadable: 20.txt, 21.txt"


@pytest.mark.parametrize(
    "words",
    [("optimize", "--run=a"), ("evaluate", "lambada", "--run=a"), ("estimate", "--run=a")],
    ids=lambda words: words[0],
)
def test_texts_that_are_no_documents_are_counted_in_one_line_and_end_nothing(
    fresh: Place, words: tuple[str, ...]
) -> None:
    tiny = TINY if words[0] == "optimize" else TINY[:-1]
    given = (*words, papers(fresh), *tiny, *WHOLE)
    for _ in range(2):  # also when it is resumed
        done = good(fresh(*given))
        told = [line for line in done.out.splitlines() if " documents of " in line]
        assert [line.split("  ")[1] for line in told] == [
            f"{LEFT_OUT}, 22.txt ... (all: autodata doctor)"
        ]
    strict = fresh(*given, "--set=documents.strict=true")
    refused(strict, f"documents.strict: {LEFT_OUT}", "20.txt (empty)")


def test_a_run_is_not_resumed_with_other_documents(fresh: Place) -> None:
    given = ("optimize", "--run=a", papers(fresh), *TINY, *WHOLE)
    good(fresh(*given))
    fresh.write("papers/00.txt", "It is another text.")
    refused(fresh(*given), "test_split is", "undo the change")


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
        (("optimize", "-c", "nope.yaml"), "nope.yaml cannot be read: no such", "name a YAML"),
        (("optimize", "-c", "autodata.yml"), "cannot be read", "did you mean autodata.yaml?"),
        (("optimize", "--models", "simulatd"), "--models simulatd", "did you mean 'simulated'?"),
        (
            ("optimize", "--models", "autodata.txt"),
            "neither such a kind nor such a file",
            "give a file",
        ),
        (("optimize", "--run", "../up"), "cannot be a run's name", "letters, digits"),
        (("optimize", "--run", "a b"), "cannot be a run's name", "letters, digits"),
        (("optimize", "--run", ""), "'' cannot be a run's name", "letters, digits"),
        (("evaluate", "lambada", "--run", ""), "'' cannot be a run's name", "letters, digits"),
        (("estimate", "--run", ""), "'' cannot be a run's name", "letters, digits"),
        (("optimize", "--run", "last"), "'last' cannot be a run's name", "the newest run"),
        (("estimate", "--run", "last"), "'last' cannot be a run's name", "the newest run"),
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
        (("shw",), "autodata has no command 'shw'", "did you mean autodata show? see autodata -h"),
        (("help", "shw"), "no command 'shw'", "autodata show?"),
        (("xyzzy",), "no command 'xyzzy'", "there is init, "),
        (("models",), "autodata models needs a command", "one of: pull, list"),
        (("models", "pul"), "models has no command 'pul'", "did you mean autodata models pull?"),
        (("optimize", "--itertions=3"), "optimize has no option --itertions", "--iterations?"),
        (("optimize", "--parallel=4"), "no option --parallel", "--set optimize.parallel=VALUE"),
        (("optimize", "-x"), "autodata optimize has no option -x", "it has --run, --seed, "),
        (("status", "-C", "x"), "no option -C", "before the command: autodata -C ... status"),
        (("--json", "runs"), "no option --json", "behind the command: autodata COMMAND --json"),
        (("optimize", "--set"), "--set needs a value", "write one behind --set"),
        (("optimize", "--json=3"), "--json takes no value", "write --json alone"),
        (("optimize", "--iterations=x"), "--iterations x: not a whole number", "optimize -h"),
        (("optimize", "--seed=-1"), "--seed -1: at least 0 is needed", "another value"),
        (("optimize", f"--seed={2**32}"), f"at most {2**32 - 1} is possible", "another value"),
        (("bench", "search", "--seed=-1"), "--seed -1: at least 0", "autodata bench search -h"),
        (("diff", "a"), "autodata diff needs B", "write it like: autodata diff A B"),
        (("runs", "x"), "autodata runs takes no 'x' there", "write it like: autodata runs"),
        (("sql", "select", "1"), "takes no '1' there", "autodata sql QUERY"),
        (("sql", "--format=cvs", "q"), "--format cvs: there is no such format", "mean csv?"),
        (("sql", "--format=x", "q"), "--format x: there is no such format", "table or csv or json"),
        (("evaluate", "x", "--split=test"), "the test split is sealed", "autodata certify RUN"),
        (("evaluate", "x", "--split=tran"), "there is no split 'tran'", "did you mean 'train'?"),
    ],
)
def test_a_command_line_that_cannot_be_read(
    fresh: Place, words: tuple[str, ...], problem: str, fix: str
) -> None:
    done = fresh(*words)
    refused(done, problem, fix)
    assert (done.out, len(done.err.splitlines())) == ("", 2)


@pytest.mark.parametrize(
    "words",
    [("runs",), ("status",), ("show", "x"), ("trace", "x", "c0:a"), ("stop", "x"), ("sql", "q")],
)
def test_what_looks_at_runs_outside_of_a_project_says_that_there_is_none(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    refused(Place(tmp_path)(*words), f"there is no project in {tmp_path} or above", "autodata init")


def test_the_largest_seed_is_taken(fresh: Place) -> None:
    good(fresh("optimize", "--run=r", f"--seed={2**32 - 1}", *TINY))


def test_what_a_script_reads_stays_clean_when_something_is_wrong(fresh: Place) -> None:
    done = fresh("optimize", "--json", "--set=documents.source=nowhere", *TINY)
    assert done.out == ""
    refused(done, "nowhere", "name a folder")
    assert json.loads(fresh("runs", "--json").out) == []


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
    assert "w" not in fresh("status").out or "failed" in fresh("status").out


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
