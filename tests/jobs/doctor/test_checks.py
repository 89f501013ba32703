"""`doctor` tells all faults at once and changes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import ROOT, Done, Place, good, served
from tests.support.doctor import KEY, bad, openai
from tests.support.loopback import Say


def test_all_faults_are_told_at_once(fresh: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)
    fresh.edit("autodata.yaml", "source: pydoc", "source: nowhere")
    fresh.edit("autodata.yaml", "test: 80", "test: 3")
    fresh.edit("autodata.yaml", "acceptance: verifiable", "acceptance: verifable")
    fresh.write("harnesses/lambada/workflow.py", "def run(document, knobs, seed:\n")
    fresh.write("runs", "in the way")
    with served(lambda _: Say()) as server:
        address = server.url
    openai(fresh, address)
    told = "\n".join(bad(fresh("doctor", "--models=http.yaml", "--set=optimize.selection=tomson")))
    for problem, fix in (
        (f"{fresh.folder}/runs cannot be written", "make room"),
        ("workflow.py, line ", "correct workflow.py"),
        ("nowhere does not exist", "name a folder"),
        ("the test split has 3 documents, the search needs 10", "larger share"),
        ("optimize.selection is 'tomson'", "did you mean thompson?"),
        ("unknown preset 'verifable'", "did you mean 'verifiable'?"),
        (f"model one (openai): m at {address}: nobody listens there", "models.one.base_url"),
    ):
        assert [line for line in told.splitlines() if problem in line and fix in line], told


def test_every_mistake_in_the_file_is_told_with_its_line(fresh: Place) -> None:
    fresh.write(
        "autodata.yaml",
        "harness: lambada\n"
        "documents: {source: nowhere, min_chars: -1}\n"
        "models:\n"
        "  small: {provider: simulatd}\n"
        "  large: {provider: simulated, slots: 3, base_url: 'http://h:0/v1'}\n"
        "  large: {provider: simulated, slots: 3}\n"
        "roles: {weak: {model: small}, strong: {modl: small}}\n"
        "protocol: {max_rounds: 0, numbers: {weak_mean_max: high, wek_max: 1}}\n"
        "optimise: {iterations: 3}\n"
        "budget: {usd: many, hours: -1}\n",
    )
    told = bad(fresh("doctor", "--set=optimize"))
    starts = [line.split(": ")[0] for line in told]
    assert starts == [
        "autodata.yaml, line 6",
        "--set optimize",
        *(f"autodata.yaml, line {line}" for line in (2, 4, 6, 7, 8, 8, 10, 10, 9)),
    ]
    assert "large is there twice" in told[0]
    assert "slots: provider simulated has no use for it" in told[4]
    assert "'optimize'" in told[-1]


def test_what_follows_from_a_mistake_alone_is_not_told(fresh: Place) -> None:
    fresh.edit("autodata.yaml", "small: {provider: simulated", "small: {provider: simulatd")
    (told,) = bad(fresh("doctor"))
    assert "models.small.provider" in told
    fresh.edit("autodata.yaml", "small: {provider: simulatd", "small: {provider: simulated")
    fresh.edit("autodata.yaml", "source: pydoc", "sorce: nowhere")
    (told,) = bad(fresh("doctor"))
    assert "did you mean 'source'?" in told


def test_every_wrong_number_of_the_preset_is_told(fresh: Place) -> None:
    told = bad(
        fresh(
            "doctor",
            "--set=protocol.numbers={weak_max: 7, wek_max: 0.5, weak_correct_max: 4, "
            "strong_correct_min: 9}",
        )
    )
    assert [line.split(":")[0] for line in told] == [
        "protocol.numbers.weak_max",
        "protocol.numbers",
        "protocol.numbers.weak_correct_max",
        "protocol.numbers.strong_correct_min",
    ]


def test_documents_too_few_for_the_splits(fresh: Place) -> None:
    fresh.write("few/a.txt", "One document.")
    (told,) = bad(fresh("doctor", "--set=documents={source: few}"))
    assert "1 documents, but the splits need 116" in told


def test_every_document_that_is_left_out_is_listed(fresh: Place) -> None:
    for number in range(120):
        fresh.write(f"papers/{number:03}.txt", f"Paper {number}.")
    for number in range(5):
        fresh.write(f"papers/empty{number}.txt", " ")
    (fresh.folder / "papers/bytes.txt").write_bytes(b"\xff\xff")
    done = good(fresh("doctor", "--set=documents={source: papers}"))
    assert "120 documents of 126: 5 empty, 1 not UTF-8" in done.out
    for name in ("bytes.txt", *(f"empty{number}.txt" for number in range(5))):
        assert f"     {name} (" in done.out
    (told,) = bad(fresh("doctor", "--set=documents={source: papers, strict: true}"))
    assert "documents.strict" in told


def test_it_writes_as_a_run_would_and_leaves_nothing(fresh: Place) -> None:
    before, refs = fresh.files(), fresh.git("for-each-ref")
    good(fresh("doctor"))
    assert fresh.files() == before
    assert not (fresh.folder / "runs").exists()
    assert fresh.git("for-each-ref") == refs
    (fresh.folder / ".git/refs/autodata").rmdir()
    (fresh.folder / ".git/refs/autodata").write_text("in the way")
    (told,) = bad(fresh("doctor"))
    assert "git update-ref failed" in told


def test_a_disk_that_is_full_is_told(fresh: Place) -> None:
    program = (
        "import resource, sys\n"
        "from autodata.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "main(['doctor'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=fresh.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = bad(Done(done.returncode, done.stdout, done.stderr))
    assert f"{fresh.folder}/runs cannot be written: File too large" in told[0]


def test_a_folder_inside_a_repository_is_in_one(fresh: Place) -> None:
    below = Place(fresh.folder / "below")
    below.folder.mkdir()
    (fresh.folder / "autodata.yaml").rename(below.folder / "autodata.yaml")
    assert "no git repository" not in below("doctor").out


def test_a_script_that_is_not_there_is_told(fresh: Place, tmp_path: Path) -> None:
    (told,) = bad(fresh("doctor", "--set=models.small={provider: scripted, script: no.json}"))
    assert "model small (scripted): script " in told
