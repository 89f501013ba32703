"""Nothing is claimed or made before it is checked: what was refused has left nothing behind."""

from pathlib import Path

import pytest

from autodata.store.runs import run_folders
from tests.support.command_line import RUN, SMALL, TINY, Place, good, refused

WORKFLOW = "harnesses/lambada/workflow.py"


def everything(folder: Path) -> list[str]:
    """All there is, git's files too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_kind_of_project_that_nobody_knows_leaves_nothing(tmp_path: Path) -> None:
    refused(Place(tmp_path)("init", "opneai"), "unknown kind of project", "'openai'")
    assert everything(tmp_path) == []


def test_a_configuration_that_is_there_gets_no_repository_around_it(tmp_path: Path) -> None:
    (tmp_path / "autodata.yaml").write_text("harness: lambada\n")
    refused(Place(tmp_path)("init", "simulated"), "is there already", "git init")
    assert everything(tmp_path) == ["autodata.yaml"]


def test_a_project_that_cannot_be_written_is_undone(tmp_path: Path) -> None:
    (tmp_path / "harnesses").write_text("in the way")
    done = Place(tmp_path)("init", "simulated")
    refused(done, f"{tmp_path}/harnesses/lambada", "choose a folder you may write to")
    assert done.out == ""
    assert everything(tmp_path) == ["harnesses"]


def test_a_first_commit_that_fails_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "index.lock").write_text("")
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path / "templates"))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "test@localhost")
    place = Place(tmp_path / "project")
    place.folder.mkdir()
    refused(place("init", "simulated"), "index.lock", "put that right with git")
    assert everything(place.folder) == []


def test_a_beginning_that_was_cut_short_is_completed_by_the_next(tmp_path: Path) -> None:
    place = Place(tmp_path / "project")
    place.folder.mkdir()
    good(place("init", "simulated"))
    whole = place.files()
    (place.folder / "autodata.yaml").unlink()  # which comes last
    (place.folder / "harnesses/lambada/harness.yaml").unlink()
    place.write(WORKFLOW, "mine")
    done = good(place("init", "simulated"))
    assert "wrote autodata.yaml\n" in done.out
    assert "wrote harnesses/lambada/workflow.py" not in done.out
    assert place.files() == whole | {WORKFLOW: b"mine"}


BAD_WORKFLOW = {WORKFLOW: "def run(document, knobs, seed:\n"}
NO_VLLM = {
    "m.yaml": "models: {one: {provider: vllm, model: m, python: /no/python, gpus: [0]}}\n"
    "roles: {weak: {model: one}, strong: {model: one}}\n"
}


@pytest.mark.parametrize("command", [("optimize",), ("evaluate", "lambada"), ("estimate",)])
@pytest.mark.parametrize(
    ("files", "words", "problem"),
    [
        (BAD_WORKFLOW, (), "workflow.py, line "),
        (NO_VLLM, ("--models=m.yaml",), "python cannot be run"),
        ({}, ("--set=documents.source=nowhere",), "does not exist"),
        ({}, ("--set=protocol.acceptance=verifable",), "unknown preset"),
    ],
)
def test_a_run_that_cannot_begin_is_not_announced_and_leaves_nothing(
    fresh: Place,
    command: tuple[str, ...],
    files: dict[str, str],
    words: tuple[str, ...],
    problem: str,
) -> None:
    for path, text in files.items():
        fresh.write(path, text)
    before, refs = everything(fresh.folder), fresh.git("for-each-ref")
    small = TINY if command == ("optimize",) else TINY[:3]
    done = fresh(*command, "--run=r", *small, *words)
    refused(done, problem, "")
    assert "kept in" not in done.out + done.err
    assert run_folders(fresh.folder / "runs") == []
    assert [p for p in everything(fresh.folder) if p not in before] in ([], ["runs"])
    assert fresh.git("for-each-ref") == refs


def test_a_run_says_where_it_is_kept_once_it_is(fresh: Place) -> None:
    done = good(fresh("optimize", "--run=r", *TINY))
    assert f"kept in {fresh.folder}/runs/r\n" in done.out
    assert done.out.index("kept in") < done.out.index("baseline c0")


def test_a_run_that_fails_before_its_first_record_keeps_no_candidate_in_git(fresh: Place) -> None:
    (fresh.folder / "runs/r/optuna.db").mkdir(parents=True)  # in the way of the study
    refused(fresh("optimize", "--run=r", *TINY), "optuna.db cannot be written", "make room")
    assert fresh.git("for-each-ref", "refs/autodata") == ""
    (fresh.folder / "runs/r/optuna.db").rmdir()
    good(fresh("optimize", "--run=r", *TINY))


def test_a_run_that_is_refused_when_it_is_resumed_keeps_what_it_has(mine: Place) -> None:
    refs, before = mine.git("for-each-ref"), mine.files()
    vllm = "--set=models.small={provider: vllm, model: m, python: /no/python, gpus: [0]}"
    words = ("optimize", "--run", RUN, "--seed=19", "--iterations=3", *SMALL, vllm)
    assert mine(*words).code == 2
    assert mine.git("for-each-ref") == refs
    assert {p: t for p, t in mine.files().items() if p in before} == before
