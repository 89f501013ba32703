from autodata.engine.endings import notes_of
from autodata.episode.evaluator import episode_record
from autodata.types import Attempt, Confirmation, Episode, Round, Verdict
from tests.support.episodes import CANDIDATE, CELL, EXAMPLE


def test_notes_on_fresh_samples_are_told_like_those_on_others() -> None:
    screened = Attempt("weak", 0, "x", 0.0, note="it ended late")
    fresh = Attempt("strong", 0, "x", 1.0, note="it did not end")
    confirmation = Confirmation(1, (fresh,), True)
    past = Round(0, EXAMPLE, (), (screened,), Verdict(True), confirmation)
    unconfirmed = Round(1, EXAMPLE, (), (), Verdict(False))
    episode = Episode(CELL, "tree", "accepted", (past, unconfirmed))
    assert notes_of(episode_record(episode, CANDIDATE)) == {"it ended late", "it did not end"}
