"""What a run tells from Python: state, result, rows as relations, and HTML that nothing breaks."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import autodata
from autodata.store.lines import Entry
from tests.support.command_line import ROOT, RUN, SMALL, Place, copied, good, rewritten

HOSTILE = "<script>alert(1)</script>\x1b[2J"


def test_a_run_tells_its_state_and_its_result(finished: Place) -> None:
    run = autodata.open_run(project=finished.folder)
    assert (run.name, run.state, run.best) == (RUN, "finished", "c3")
    assert run.status.counts["iteration"] == 3
    assert run.result is not None
    assert (run.result.finalists[0], run.result.closed) == ("c3", None)
    assert run.result.certificates[0].certified
    assert repr(run).startswith(f"<run {RUN}: finished, harness lambada, 3 iterations, ")
    assert run.harness().tree != run.harness("c0").tree
    assert run.candidate_names() == ["c0", "c1", "c2", "c3"]


def test_a_run_says_the_same_as_show(finished: Place) -> None:
    run = autodata.open_run(RUN, finished.folder)
    assert repr(run.show()) + "\n" == good(finished("show", RUN)).out
    assert repr(run.show("c3")) + "\n" == good(finished("show", RUN, "c3")).out
    shown = good(finished("show", RUN, "--json")).json
    assert json.loads(json.dumps(run.show().data, default=str)) == shown


def test_a_run_that_is_not_there_is_an_error_that_names_the_nearest(finished: Place) -> None:
    with pytest.raises(autodata.StoreError, match="there is no run frist") as caught:
        autodata.open_run("frist", finished.folder)
    assert caught.value.fix == "did you mean first?"


def test_rows_are_relations_that_can_be_asked_further(finished: Place) -> None:
    run = autodata.open_run(RUN, finished.folder)
    assert [row["candidate_id"] for row in run.candidates()] == ["c0", "c1", "c2", "c3"]
    assert run.candidates().rows(1)[0]["knobs"]["rounds"] == 1
    episodes = run.episodes()
    assert len(episodes) == run.status.counts["episode"]
    rates = episodes.filter("split = 'test'").aggregate("candidate_id, avg(score) as rate")
    assert rates.columns == ["candidate_id", "rate"]
    assert len(rates.order("rate")) == 2
    assert "candidate_id" in repr(rates)
    assert len(autodata.open_project(finished.folder).sql("select * from runs")) == 1
    with pytest.raises(autodata.StoreError, match="statuss") as caught:
        episodes.filter("statuss = 1")
    assert "did you mean status" in caught.value.fix
    with pytest.raises(autodata.StoreError, match="not one query"):
        run.sql("drop table runs")


def test_examples_are_what_was_accepted_with_the_document_it_was_made_of(finished: Place) -> None:
    run = autodata.open_run(RUN, finished.folder)
    examples = run.examples()
    accepted = run.sql("select * from episodes where status = 'accepted'")
    assert len(examples) == len(accepted) > 0
    for example in examples:
        assert example["question"]
        assert example["answer"]
        assert example["document"]
        assert example["candidate_id"] in run.candidate_names()
    assert {example["split"] for example in examples} == {"train", "validation", "test"} - {"train"}


def test_examples_of_sealed_documents_are_kept_back_until_the_search_has_ended(
    mine: Place,
) -> None:
    (last,) = sorted((mine.folder / "runs" / RUN / "journal").glob("*.jsonl"))[-1:]
    text = last.read_bytes().splitlines(keepends=True)
    assert b'"finished"' in text[-1]
    last.write_bytes(b"".join(text[:-1]))
    examples = autodata.open_run(RUN, mine.folder).examples()
    assert {example["split"] for example in examples} == {"validation"}
    assert "kept back until the search of run first has ended" in examples.kept_back
    assert examples.kept_back in repr(examples)
    assert examples.kept_back in examples._repr_html_()


IN_JUPYTER = """
import sys, types
module = types.ModuleType("IPython")
module.get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["IPython"] = module
import autodata
print(len(autodata.open_run().candidates()))
"""


def test_rows_can_be_asked_in_jupyter_without_its_widgets(finished: Place) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_JUPYTER],
        cwd=finished.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "4\n", done.stderr


@pytest.mark.parametrize(
    ("method", "package"), [("df", "pandas"), ("pl", "polars"), ("arrow", "pyarrow")]
)
def test_a_package_that_is_missing_is_named_with_how_to_get_it(
    finished: Place, monkeypatch: pytest.MonkeyPatch, method: str, package: str
) -> None:
    for name in ("pandas", "polars", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    candidates = autodata.open_run(RUN, finished.folder).candidates()
    with pytest.raises(autodata.ConfigurationError, match=f"{package} is needed") as caught:
        getattr(candidates, method)()
    assert f"pip install {package}" in caught.value.fix


@pytest.mark.parametrize(
    ("method", "package"), [("df", "pandas"), ("pl", "polars"), ("arrow", "pyarrow")]
)
def test_rows_go_to_a_package_that_is_there(finished: Place, method: str, package: str) -> None:
    found = getattr(autodata.open_run(RUN, finished.folder).candidates(), method)()
    assert len(found) == 4


def test_what_models_wrote_is_escaped_in_a_notebook(mine: Place) -> None:
    def hostile(record: Entry) -> Entry:
        if record.kind == "candidate":
            return replace(record, body={**record.body, "message": HOSTILE})
        return record

    rewritten(mine, RUN, hostile)
    run = autodata.open_run(RUN, mine.folder)
    shown = run._repr_html_(), run.show("c3")._repr_html_(), run.candidates()._repr_html_()
    for html in shown:
        assert "alert(1)" in html
        assert "<script" not in html
        assert "\x1b" not in html


def test_rows_and_names_of_columns_are_escaped(finished: Place) -> None:
    run = autodata.open_run(RUN, finished.folder)
    html = run.sql("""select '<img src=x onerror=alert(1)>' as "<b>" """)._repr_html_()
    assert "<img" not in html
    assert "<b>" not in html
    assert "&lt;img" in html


def test_a_run_that_has_not_begun_or_is_gone_is_no_error_where_it_is_shown(
    finished: Place, tmp_path: Path
) -> None:
    place = copied(finished.folder, tmp_path / "copy")
    (place.folder / "runs/empty/journal").mkdir(parents=True)
    run = autodata.open_run("empty", place.folder)
    assert "has not begun" in run._repr_html_()
    assert repr(run).startswith("<run empty: not begun")
    assert (run.result, run.best) == (None, None)


def test_a_measurement_is_shown_as_one(mine: Place) -> None:
    good(mine("evaluate", "lambada", "--most=2", "--run=eval", *SMALL[:3]))
    run = autodata.open_run("eval", mine.folder)
    assert repr(run.show()) + "\n" == good(mine("show", "eval")).out
    assert run.result is None
    assert [one.name for one in autodata.open_project(mine.folder).runs()] == [RUN, "eval"]
