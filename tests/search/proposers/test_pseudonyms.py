"""What an analyzer calls documents: nothing of it can be computed from a text."""

import hashlib

from autodata.search.base import Iteration, Proposal
from autodata.search.proposers.pseudonyms import PLAIN, Pseudonyms

IDS = [hashlib.sha256(str(number).encode()).hexdigest()[:16] for number in range(40)]
NAMES = Pseudonyms(b"secret", IDS)


def test_ids_are_hidden_wherever_they_stand_and_come_back() -> None:
    text = f"{IDS[0]}: rejected\n[{IDS[1]}, '{IDS[1]}'] and {'f' * 16} and {IDS[2]}f"
    told = NAMES.hide(text)
    assert not any(name in told for name in IDS[:2])
    assert "f" * 16 in told
    assert f"{IDS[2]}f" in told  # a longer word is no id
    assert NAMES.reveal(told) == text


def test_another_run_has_other_pseudonyms() -> None:
    other = Pseudonyms(b"another secret", IDS)
    assert not {NAMES.hide(name) for name in IDS} & {other.hide(name) for name in IDS}
    assert PLAIN.hide(IDS[0]) == IDS[0]


def test_rows_tell_ids_neither_by_name_nor_by_order() -> None:
    rows = [("episodes", {"document_id": name, "score": 1, "seen": [name]}) for name in sorted(IDS)]
    told = [row["document_id"] for _, row in NAMES.rows(rows)]
    assert not {*told} & {*IDS}
    revealed = [NAMES.reveal(name) for name in told]
    assert sorted(revealed) == sorted(IDS)
    assert revealed != sorted(IDS)
    assert [row["seen"] for _, row in NAMES.rows(rows)] == [[name] for name in told]


def test_what_earlier_analyses_say_of_documents_is_hidden_again() -> None:
    proposal = Proposal("llm", None, analysis=f"{IDS[3]} is recall")
    [past] = NAMES.past([Iteration(1, "c0", proposal, "refused", f"it failed on {IDS[4]}")])
    assert past.proposal.analysis == f"{NAMES.hide(IDS[3])} is recall"
    assert past.reason == f"it failed on {NAMES.hide(IDS[4])}"
