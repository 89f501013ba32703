"""The suite itself: enough attacks of enough kinds, each once, and none that is forgotten."""

import re
from collections import Counter

from tests.attacks.__main__ import mechanisms

WHERE = {
    "test_border": "sandbox, claims and files",
    "test_hiding": "hiding and whispering",
    "test_leaks": "leaks in disguise",
    "test_luck": "luck",
    "test_origin": "examples of no document",
    "test_running": "a candidate that stops the run or spends its money",
    "test_scoring": "rubrics, judging and samples that were no answers",
    "test_texts": "texts as bombs",
    "test_trifles": "trifles that make a new example",
}


def test_each_attack_is_there_once() -> None:
    assert set(mechanisms()) == set(WHERE)
    names = Counter(f"{name} {row.name}" for name, rows in mechanisms().items() for row in rows)
    assert [name for name, count in names.items() if count > 1] == []
    assert sum(names.values()) >= 60


def test_a_row_that_succeeds_says_how_far() -> None:
    open_rows = [row for rows in mechanisms().values() for row in rows if row.succeeds]
    assert [row.name for row in open_rows if not re.search(r"\w{3}|\d", row.succeeds)] == []
