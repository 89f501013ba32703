"""The code domain from the command line: the shipped harness, a server as scripted, real boxes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import harbour
from tests.support.boxes import need_a_box
from tests.support.command_line import Place, good, refused, served
from tests.support.episodes import GOOD_CHECK
from tests.support.harbour import HARBOURS
from tests.support.loopback import Say, Seen

CORPUS = Path("/work/shared/corpora/math-science")
CONFIG = """\
harness: code
documents: {source: SOURCE, min_chars: 100, splits: {train: 1, validation: 1, test: 1}}
models:
  writer: {provider: openai, model: writer, base_url: "URL", api_key_env: ""}
  checker: {provider: openai, model: checker, base_url: "URL", api_key_env: ""}
  hasty: {provider: openai, model: hasty, base_url: "URL", api_key_env: ""}
  careful: {provider: openai, model: careful, base_url: "URL", api_key_env: ""}
roles:
  challenger: {model: writer}
  verifier: {model: checker}
  weak: {model: hasty}
  strong: {model: careful}
protocol: {domain: code, acceptance: verifiable, max_rounds: 3}
domain: {rare_words: 0, mutants: 12}
"""


class Models:
    """Plays all roles; `faulty` exercises come first. Without a harbour it is Ludd's everywhere."""

    def __init__(self, faulty: int = 0) -> None:
        self.faulty = faulty
        self.asked: list[tuple[str, str]] = []

    def __call__(self, seen: Seen) -> Say:
        name = seen.body["model"]
        text = "\n".join(str(message["content"]) for message in seen.body["messages"])
        self.asked.append((name, text))
        return Say(getattr(self, name)(text))

    def writer(self, text: str) -> str:
        """Write the exercise of the harbour in the document, at first with a wrong test."""
        given: Any = harbour.exercise(self._of(text))
        if self.faulty:
            self.faulty -= 1
            given["tests"][3] = "assert berthing_dues(1) == 7"
        return json.dumps(given)

    def checker(self, text: str) -> str:
        """Check an exercise, for the harness or for the protocol, and know one of elsewhere."""
        if "Say of it, in this order" not in text:
            return json.dumps(GOOD_CHECK)
        shown, _, exercise = text.partition("<exercise")
        own = self._of(exercise) in shown or not any(name in shown for name in HARBOURS)
        return json.dumps(harbour.LOOK if own else harbour.STRANGE)

    def hasty(self, text: str) -> str:
        """Forget all rules but the fee."""
        return harbour.WRONG

    def careful(self, text: str) -> str:
        """Heed all rules."""
        return harbour.right(self._of(text))

    def _of(self, text: str) -> str:
        return next((name for name in HARBOURS if name in text), "Ludd")


def evaluated(folder: Path, models: Models, source: str = "dues.jsonl") -> Place:
    """Evaluate the shipped harness on one document; return the project."""
    need_a_box()
    place = Place(folder)
    texts = [json.dumps({"text": harbour.rules(name)}) for name in HARBOURS]
    place.write("dues.jsonl", "\n".join(texts))
    with served(models) as server:
        config = CONFIG.replace("SOURCE", source).replace("URL", f"{server.url}/v1")
        place.write("autodata.yaml", config)
        good(place("evaluate", "code", "--run", "first"))
    return place


def rows(place: Place, query: str) -> list[str]:
    """What a query finds, a line each."""
    return good(place("sql", "--format=csv", query)).out.splitlines()[1:]


def test_an_exercise_that_only_the_careful_solver_passes_is_accepted(tmp_path: Path) -> None:
    models = Models(faulty=1)
    place = evaluated(tmp_path, models)
    assert rows(place, "select status, rounds from episodes") == ["accepted,2"]
    scores = "select distinct role, score, scored_by from attempts order by 1, 2"
    assert rows(place, scores) == ["strong,1.0,monty", "weak,0.0,box"]
    mended = [text for name, text in models.asked if name == "writer"][1]
    assert "The fault: the solution fails its test 4, berthing_dues(1): " in mended
    assert "def berthing_dues" in mended.split("Its solution and tests:")[1]


def test_a_run_that_is_done_runs_no_module_again(tmp_path: Path) -> None:
    models = Models()
    place = evaluated(tmp_path, models)
    with served(models) as server:
        config = CONFIG.replace("SOURCE", "dues.jsonl").replace("URL", f"{server.url}/v1")
        place.write("autodata.yaml", config)
        asked = len(models.asked)
        good(place("evaluate", "code", "--run", "first"))
    assert len(models.asked) == asked


def test_it_runs_on_a_corpus(tmp_path: Path) -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"{CORPUS} is not here")
    place = evaluated(tmp_path, Models(), source=str(CORPUS))
    found = rows(place, "select status, reason from episodes")
    assert found[0].startswith(("accepted", "rejected"))


def test_an_unknown_key_of_its_settings_is_refused(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.write("dues.jsonl", json.dumps({"text": harbour.rules("Ludd")}))
    config = CONFIG.replace("SOURCE", "dues.jsonl").replace("URL", "http://127.0.0.1:9/v1")
    place.write("autodata.yaml", config.replace("mutants", "mutant"))
    refused(place("evaluate", "code"), "unknown key 'domain.mutant'", "'mutants'")
