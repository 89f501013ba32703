"""What the challenger is told: failed rounds, grouped by kind of failure."""

from autodata.episode.acceptance import PRESETS, weak_verdict
from autodata.episode.feedback import CLOSING, grouped
from autodata.types import Attempt, Criterion, Example, Round, SolverRole, Verdict, Verification


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


def test_failures_are_grouped_by_the_gate_at_which_they_failed() -> None:
    low, high = tried("weak", 0.4, 0.4), tried("strong", 0.5, 0.4)
    rounds = [
        past("Q-host", verdict=Verdict(False, ("the context is too short",))),
        past("Q-quality", (), (Verification(True, "fine"), Verification(False, "it leaks"))),
        past("Q-easy", tried("weak", 0.9, 0.7), verdict=Verdict(False, ("weak mean too high",))),
        past("Q-gap", (*low, *high), verdict=Verdict(False, ("gap too small",))),
        past("Q-luck", (*low, *high), verdict=Verdict(False, ("not confirmed: 2 lost",))),
        past("Q-easy-2", tried("weak", 1.0), verdict=Verdict(False, ("a weak sample too good",))),
    ]
    groups = grouped(rounds).split("\n\n")
    assert groups[:5] == [
        "Turned down by the checks of the host:\n- Q-host (the context is too short)",
        "Failed the quality check of the verifier:\n- Q-quality (it leaks)",
        "Too easy for the weak solver:\n"
        "- Q-easy (weak 0.90, 0.70 (mean 0.80): weak mean too high)\n"
        "- Q-easy-2 (weak 1.00: a weak sample too good)",
        "Failed on the strong solver:\n"
        "- Q-gap (weak 0.40, 0.40 (mean 0.40); strong 0.50, 0.40 (mean 0.45): gap too small)",
        "Passed both solvers and failed a later check:\n"
        "- Q-luck (weak 0.40, 0.40 (mean 0.40); strong 0.50, 0.40 (mean 0.45): "
        "not confirmed: 2 lost)",
    ]
    assert groups[-1] == CLOSING


def test_what_only_the_last_check_refused_says_what_was_found() -> None:
    checks = (Verification(True), Verification(False, "it is recall", frozen=True))
    scores = (*tried("weak", 0.4), *tried("strong", 0.9))
    told = grouped([past("Q", scores, checks, Verdict(False, ("failed the last check",)))])
    assert told.startswith(
        "Passed both solvers and failed a later check:\n"
        "- Q (weak 0.40; strong 0.90: failed the last check it is recall)"
    )


def test_a_question_that_the_weak_solver_could_not_even_begin_is_not_called_too_easy() -> None:
    verdict = weak_verdict(PRESETS["deployed"], [0.0, 0.4, 0.4])
    told = grouped([past("Q", tried("weak", 0.0, 0.4, 0.4), (), verdict)])
    assert told.startswith("A weak answer earned nothing:\n- Q (weak 0.00, 0.40, 0.40 (mean 0.27)")


def test_a_question_that_was_mended_is_told_once_as_it_ended() -> None:
    first = past("Q", (), (Verification(False, "line 3 is vague"),))
    told = grouped(
        [first, past("Q", tried("weak", 0.9), (), Verdict(False, ("weak mean too high",)))]
    )
    assert told.startswith("Too easy for the weak solver:\n- Q (weak 0.90: weak mean too high)")
    assert "vague" not in told


def answered(role: SolverRole, score: float, text: str, *met: bool) -> Attempt:
    return Attempt(role, 0, text, score, met)


def with_rubric(attempts: tuple[Attempt, ...], reason: str) -> Round:
    rubric = (Criterion("says why", 3), Criterion("says it is free", -2))
    example = Example("Q", "a", "c", rubric)
    return Round(0, example, (), attempts, Verdict(False, (reason,)))


def test_the_newest_failure_shows_the_lines_that_were_earned_and_an_answer() -> None:
    weak = (
        answered("weak", 0.1, "WORSE", False, True),
        answered("weak", 0.9, "BETTER\n\nby far", True, False),
    )
    older = with_rubric((answered("weak", 1.0, "OLD", True, False),), "weak mean too high")
    told = grouped([older, with_rubric(weak, "weak mean too high")])
    assert (
        "1. [+3] says why (weak 1 of 2)\n2. [-2] says it is free (weak 1 of 2)\n\n"
        "A weak answer to it, which scored 0.90:\n> BETTER\n> by far" in told
    )
    assert "WORSE" not in told
    assert "OLD" not in told


def test_where_a_weak_answer_earned_nothing_that_one_is_shown() -> None:
    weak = (
        answered("weak", 0.0, "NOTHING", False, True),
        answered("weak", 0.6, "MUCH", True, False),
    )
    told = grouped([with_rubric(weak, "a weak sample scored zero")])
    assert "> NOTHING" in told
    assert "MUCH" not in told


def test_where_the_strong_solver_failed_its_worst_answer_is_shown_too() -> None:
    attempts = (
        answered("weak", 0.3, "WEAK", True, False),
        answered("strong", 0.2, "POOR", False, False),
        answered("strong", 0.8, "RICH", True, False),
    )
    told = grouped([with_rubric(attempts, "strong mean too low")])
    assert "1. [+3] says why (weak 1 of 1, strong 1 of 2)" in told
    assert "> WEAK" in told
    assert "> POOR" in told
    assert "RICH" not in told


def test_a_long_answer_keeps_its_beginning_and_its_end() -> None:
    answer = "BEGIN " + "and so on " * 900 + " END"
    told = grouped(
        [with_rubric((answered("weak", 1.0, answer, True, False),), "weak mean too high")]
    )
    assert "> BEGIN and so on" in told
    assert "[...]" in told
    assert "END\n\n" in told
    assert len(told) < 1_600


def test_it_asks_for_an_entirely_new_question_from_another_angle() -> None:
    assert "entirely new question" in CLOSING
    assert "different angle" in CLOSING
