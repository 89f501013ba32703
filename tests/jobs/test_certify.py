"""Certificates come from the run: its settings hold, what contradicts them is refused by name."""

import pytest

from tests.support.command_line import RUN, SMALL, TINY, Place, good, refused


def level(place: Place, candidate: str, *words: str) -> float:
    """The level of the interval that a candidate's certificate has."""
    found = good(place("certify", RUN, candidate, "--json", *words)).json
    return float(found["difference"]["level"])


def test_a_certificate_cannot_be_had_by_asking_for_less(mine: Place) -> None:
    before = mine.files()
    done = mine("certify", RUN, "c2", *SMALL, "--set", "optimize.alpha=0.49")
    refused(
        done,
        f"run {RUN} was made with other settings: "
        "--set optimize.alpha: optimize.alpha is 0.49, was 0.3",
        "leave them out",
    )
    assert mine.files() == before


@pytest.mark.parametrize(
    "setting",
    [
        "optimize.objective=pass_rate_per_cost",
        "optimize.test_repeats=7",
        "optimize.finalists=2",
        "optimize.episodes=900",
        "protocol.max_rounds=2",
        "protocol.numbers.weak_at_most=3",
        "roles.weak.temperature=0.2",
        "models.small.max_tokens=5",
        "documents.splits.test=39",
        "documents.seed=3",
    ],
)
def test_whatever_decides_a_certificate_is_the_runs(mine: Place, setting: str) -> None:
    before = mine.files()
    name = setting.partition("=")[0]
    refused(mine("certify", RUN, "c2", "--set", setting), f"--set {name}: {name}", "leave them out")
    assert mine.files() == before


def test_all_that_contradicts_the_run_is_named_at_once(mine: Place) -> None:
    done = mine("certify", RUN, "c2", "--set=optimize.alpha=0.4", "--set=protocol.max_rounds=1")
    refused(done, "optimize.alpha is 0.4, was 0.3", "the run's own hold")
    assert "protocol.max_rounds is 1, was 4" in done.err


def test_a_file_that_was_asked_for_must_agree_with_the_run(mine: Place) -> None:
    text = (mine.folder / "autodata.yaml").read_text()
    mine.write("other.yaml", text.replace("optimize:\n", "optimize:\n  alpha: 0.49\n"))
    refused(
        mine("certify", RUN, "c2", "-c", "other.yaml"), "alpha is 0.49, was 0.3", "leave them out"
    )
    mine.write("models.yaml", text.replace("model: large", "model: larger"))
    done = mine("certify", RUN, "c2", "--models=models.yaml")
    refused(done, 'models.chat.model is "larger", was "large"', "name a configuration that agrees")


def test_the_days_configuration_does_not_change_an_earlier_runs_rules(mine: Place) -> None:
    text = (mine.folder / "autodata.yaml").read_text()
    mine.write("autodata.yaml", text.replace("optimize:\n", "optimize:\n  alpha: 0.49\n"))
    assert level(mine, "c2") == pytest.approx(1 - 2 * 0.3 / 6)


def test_a_model_that_is_another_one_today_is_refused(mine: Place) -> None:
    text = (mine.folder / "autodata.yaml").read_text()
    mine.write("autodata.yaml", text.replace("model: large", "model: other"))
    refused(mine("certify", RUN, "c2"), "autodata.yaml, line", "name a configuration that agrees")


def test_who_wrote_the_edits_decides_nothing_about_their_certificate(mine: Place) -> None:
    mine.edit("autodata.yaml", "analyzer: {model: chat}", "analyzer: {model: writer}")
    mine.edit("autodata.yaml", "models:\n", "models:\n  writer: {provider: simulated}\n")
    good(mine("certify", RUN, "c2"))


def test_settings_that_decide_nothing_about_it_may_differ(mine: Place) -> None:
    words = ("--set=optimize.iterations=50", "--set=optimize.selection=pareto")
    assert level(mine, "c2", *words, "--set=budget.calls=100000") == pytest.approx(0.9)


def test_the_baseline_is_not_tested_against_itself(mine: Place) -> None:
    refused(mine("certify", RUN, "c0"), "c0 is the baseline", f"autodata show {RUN}")


def test_other_test_documents_are_refused(mine: Place) -> None:
    for number in range(200):
        mine.write(f"texts/{number}.md", f"Text {number}. " * 40)
    words = ("--set=documents.source=texts", "--set=documents.min_chars=0")
    good(mine("optimize", "--run=own", *TINY, *words))
    mine.write("texts/0.md", "Another text. " * 40)
    mine.write("texts/1.md", "Another text, too. " * 40)
    (mine.folder / "texts/2.md").unlink()
    done = mine("certify", "own", "c1")
    refused(done, "the test documents are not those that run own was made with", "texts as it was")


def test_a_measurement_is_not_certified(mine: Place) -> None:
    good(mine("evaluate", "lambada", "--most=1", "--run=e"))
    refused(mine("certify", "e", "c0"), "run e only measured a harness", "autodata runs")
