"""What the challenger is told: failed rounds, grouped by kind of failure."""

from autodata.episode.acceptance import PRESETS, weak_verdict
from autodata.episode.feedback import CLOSING, grouped
from autodata.types import Attempt, Example, Round, SolverRole, Verdict, Verification


def tried(role: SolverRole, *scores: float) -> tuple[Attempt, ...]:
    return tuple(Attempt(role, n, "a", score) for n, score in enumerate(scores))


def past(
    question: str,
    attempts: tuple[Attempt, ...] = (),
    verifications: tuple[Verification, ...] = (),
    verdict: Verdict | None = None,
) -> Round:
    example = Example(question, "a")
    return Round(0, example, verifications, attempts, verdict or Verdict(False, ("because",)))


def test_nothing_failed_says_nothing() -> None:
    assert grouped([]) == ""
    assert grouped([past("Q", verdict=Verdict(True))]) == ""


def test_failures_are_grouped_as_in_the_paper() -> None:
    rounds = [
        past("Q-quality", (), (Verification(True, "fine"), Verification(False, "it leaks"))),
        past("Q-easy", tried("weak", 0.9, 0.7)),
        past("Q-gap", (*tried("weak", 0.4, 0.4), *tried("strong", 0.5, 0.4))),
        past("Q-easy-2", tried("weak", 1.0)),
    ]
    assert grouped(rounds) == (
        "Too easy for the weak solver:\n"
        "- Q-easy (weak average 0.80)\n"
        "- Q-easy-2 (weak average 1.00)\n\n"
        "Failed on the strong solver:\n"
        "- Q-gap (weak 0.40, strong 0.45, gap 0.05: because)\n\n"
        "Failed the quality check:\n"
        "- Q-quality (because it leaks)\n\n" + CLOSING
    )


def test_what_only_the_last_check_refused_is_a_matter_of_quality() -> None:
    checks = (Verification(True), Verification(False, "it is recall", frozen=True))
    scores = (*tried("weak", 0.4), *tried("strong", 0.9))
    told = grouped([past("Q", scores, checks, Verdict(False, ("failed the last check",)))])
    assert told.startswith("Failed the quality check:\n- Q (failed the last check it is recall)")


def test_a_question_that_the_weak_solver_could_not_even_begin_is_not_called_too_easy() -> None:
    verdict = weak_verdict(PRESETS["deployed"], [0.0, 0.4, 0.4])
    told = grouped([past("Q", tried("weak", 0.0, 0.4, 0.4), (), verdict)])
    assert told.startswith("Failed the quality check:\n- Q (a weak sample scored zero)")


def test_it_asks_for_an_entirely_new_question_from_another_angle() -> None:
    assert "entirely new question" in CLOSING
    assert "different angle" in CLOSING
