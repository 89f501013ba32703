"""The suite itself: enough attacks of enough kinds, each once, and none that is forgotten."""

import re
from collections import Counter

from tests.attacks.__main__ import BLOCK, DOCUMENT, mechanisms, open_attacks
from tests.support.readme import block


def test_each_attack_is_there_once() -> None:
    assert len(mechanisms()) >= 10
    names = Counter(f"{name} {row.name}" for name, rows in mechanisms().items() for row in rows)
    assert [name for name, count in names.items() if count > 1] == []
    assert sum(names.values()) >= 60


def test_a_row_that_succeeds_says_how_far() -> None:
    open_rows = [row for rows in mechanisms().values() for row in rows if row.succeeds]
    assert [row.name for row in open_rows if not re.search(r"\w{3}|\d", row.succeeds)] == []


def test_the_threat_model_lists_what_still_succeeds() -> None:
    """After a change of a row: python -m tests.attacks --write."""
    assert block(DOCUMENT.read_text(), BLOCK) == open_attacks()
