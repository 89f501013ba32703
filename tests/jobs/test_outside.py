"""A program of the user's own proposes the edits of a run: end to end, and what it may not do."""

import json
import os
import shutil
from pathlib import Path

import pytest

from autodata.store.lines import read_entries
from tests.support.command_line import ROOT, RUN, TINY, Place, good, refused

PROGRAM = (
    "--set=optimize.proposer={command: [python3, propose.py], seconds: 60, environment: [KEY]}",
)
FEW = (
    *TINY[1:-1],
    "--iterations=2",
    "--set=documents.splits.train=4",
    "--set=optimize.minibatch=4",
)
SECRET = "sk-0123456789"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", SECRET)
    monkeypatch.setenv("OTHER_API_KEY", "sk-other-key")


def searched(place: Place, program: str, *more: str) -> str:
    """Run a small search with this program; return what its first iteration came to."""
    place.write("propose.py", program)
    good(place("optimize", "--run", RUN, *PROGRAM, *FEW, *more))
    query = "select decision, reason from iterations where iteration = 1"
    row = good(place("sql", query, "--format=json")).json[0]
    return f"{row['decision']}: {row['reason']}"


def test_the_example_proposes_in_a_run_that_resumes_and_replays_without_it(fresh: Place) -> None:
    shutil.copy(ROOT / "examples" / "propose.py", fresh.folder / "propose.py")
    good(fresh("optimize", "--run", RUN, *PROGRAM, *FEW))
    rows = good(fresh("sql", "select kind, diff, message from edits", "--format=json")).json
    assert {row["kind"] for row in rows} == {"command"}
    assert all("+" in row["diff"] and "documents had an example" in row["message"] for row in rows)
    (fresh.folder / "propose.py").unlink()
    assert "equal, all of it" in good(fresh("replay", RUN)).out
    good(fresh("optimize", "--run", RUN))
    keys = [entry.key for entry in read_entries(fresh.folder / "runs" / RUN, {"command"})]
    assert {"i1", "i2"} <= {*keys}
    assert len({*keys}) == len(keys)


def test_a_program_sees_training_material_and_the_keys_that_are_named_alone(fresh: Place) -> None:
    program = (
        "import json, os, pathlib, sys\n"
        "files = sorted(str(p) for p in pathlib.Path('.').rglob('*') if p.is_file())\n"
        "told = {'files': files, 'readme': open('README.md').read(),\n"
        "        'environment': sorted(os.environ), 'where': os.getcwd()}\n"
        f"pathlib.Path({str(fresh.folder / 'told.json')!r}).write_text(json.dumps(told))\n"
    )
    searched(fresh, program)
    told = json.loads((fresh.folder / "told.json").read_text())
    folders = {name.split("/")[0] for name in told["files"]}
    assert folders == {"README.md", "documents", "harness", "host.py", "log.md", "trajectories"}
    shown = [Path(name).stem for name in told["files"] if name.startswith("documents/")]
    assert len(shown) == 4
    ids = {row["document_id"] for row in good(fresh("sql", "from documents", "--format=json")).json}
    assert not ids & set(shown)
    assert "KEY" in told["environment"]
    assert "OTHER_API_KEY" not in told["environment"]
    assert not Path(told["where"]).exists()


def test_a_key_that_a_program_prints_is_in_no_file_of_the_run(fresh: Place) -> None:
    told = searched(fresh, "import os; raise SystemExit('bad key ' + os.environ['KEY'])")
    assert told == ("refused: the program: it ended with exit code 1; its last words: bad key ***")
    assert SECRET.encode() not in b"".join(
        file.read_bytes() for file in (fresh.folder / "runs" / RUN).rglob("*") if file.is_file()
    )


def test_text_of_a_document_is_refused_whoever_copies_it(fresh: Place) -> None:
    program = (
        "import pathlib\n"
        "text = next(pathlib.Path('documents').iterdir()).read_text()\n"
        "words = ' '.join(text.split()[20:40])\n"
        "open('harness/workflow.py', 'a').write(f'\\nEXAMPLE = {words!r}\\n')\n"
    )
    told = searched(fresh, program)
    assert told.startswith("refused: workflow.py copies document ")


def test_a_program_that_is_not_there_is_told_before_anything_starts(fresh: Place) -> None:
    nobody = "--set=optimize.proposer={command: [nobody-is-called-so]}"
    fix = "install it, or name a file of the project"
    refused(
        fresh("optimize", "--run", RUN, nobody), "there is no program 'nobody-is-called-so'", fix
    )
    assert not (fresh.folder / "runs" / RUN).exists()
    done = fresh("doctor", nobody)
    assert (done.code, "there is no program" in done.out) == (2, True)
    refused(
        fresh("optimize", "--set=optimize.proposer=command"), "which program", "write proposer:"
    )
    os.environ.pop("KEY")
    refused(fresh("optimize", *PROGRAM), "the environment has no KEY", "export KEY=")
