"""The rounds of Agentic Self-Instruct: angle, question, check and repairs, the weak, the strong."""

import json
import random
from typing import Any

# Where to look when there is no agent to choose: one kind of insight per round.
LENSES = [
    "the design choice that everything else depends on, and what would break without it",
    "a result that a reader would not have expected, and the mechanism behind it",
    "an ablation or comparison whose direction can be reasoned out before seeing it",
    "an assumption that the method needs, and a realistic case in which it fails",
    "a trade-off the authors settled one way, and when the other way would be right",
    "why the obvious simpler approach does not work here",
    "what limits the method at ten times the scale, and why",
    "what the evidence does not show although it seems to",
]

BLIND = """Solve this examination question. You have the context and the question, nothing else.

Reason step by step from what the context says. Do not guess what the author wants to hear.

- Give your conclusion first and then the steps that lead to it, in 200 words at most.

- If the context lacks a fact that is needed, or allows two different answers, say so and say which.
"""

# Reasons for which an example that solvers tried is mended, and how; others take a new question.
MENDED = {
    "a weak sample scored zero": "An honest weak answer earned nothing at all. Leave context, "
    "question and answer as they are. See to it that the easy lines of the rubric are met by an "
    "answer that understands the setting and draws the wrong conclusion, as the one below does.",
    "strong mean too high": "The strong answers earned nearly everything, the weak ones did not: the "
    "question separates, but goes one step too short. Leave the context as it is. Let the question "
    "ask for one step more, which follows from the context and which the answers below do not take; "
    "state it in the answer, and pay for it by one line that takes the place of the weakest one.",
    "a probe failed: reference answer": "The judge did not find every line of the rubric in the "
    "reference answer. Leave context and question as they are. State each line in the answer, in "
    "words close to the line's, or drop the line.",
}


def last(text: str, size: int) -> str:
    """Return the end of a text, cut at a line: the closing request is what must stay."""
    if len(text) <= size:
        return text
    return text[len(text) - size :].partition("\n")[2].strip()


def beginning(text: str, size: int) -> str:
    """Return the beginning of a text up to the last sentence that fits."""
    words = " ".join(text.split())
    if len(words) <= size:
        return words
    return words[: words.rfind(". ", 0, size) + 1] or words[:size]


def choose_angle(
    lens: str, chosen: list[str], notes: str, knobs: dict[str, Any]
) -> tuple[str, str]:
    """Let the main agent find an angle that no earlier round had; the lens is the fallback.

    Its notes on the paper come back, too: with them it need not read the paper again.
    """
    if not knobs["use_agent"]:
        return lens, notes
    task = "Find the angle for the next question. If nothing better turns up, look for this: " + lens
    if notes:
        task += "\n\nYour notes on the paper, from earlier rounds:\n" + notes
    if chosen:
        task += "\n\nAngles of earlier rounds, all used up:\n" + "\n".join(
            "- " + beginning(angle, 500) for angle in chosen
        )
    try:
        reply = run_agent(task, max_turns=int(knobs["agent_turns"])).strip()
    except ValueError:
        return lens, notes
    angle, _, kept = reply.partition("NOTES:")
    return angle.strip()[:2500] or lens, kept.strip()[:6000] or notes


def balanced(rubric: list[Criterion], knobs: dict[str, Any]) -> list[Criterion]:
    """Cap all weights, and let the negative lines together cost less than any easy line earns.

    So whoever earns one easy line is above zero, whatever else is wrong. Without an easy line no
    negative one stays.
    """
    cap = int(knobs["weight_cap"])
    easy = [
        min(cap, line["weight"])
        for line in rubric
        if line["weight"] > 0 and line.get("category", "") == "easy"
    ]
    purse = min(easy) - 1 if easy else 0
    kept: list[Criterion] = []
    for line in rubric:
        weight = min(cap, line["weight"])
        if weight <= 0:
            weight = -min(-weight, int(knobs["negative_cap"]), purse)
            purse += weight
        if weight != 0:
            kept.append(
                {
                    "criterion": line["criterion"],
                    "weight": weight,
                    "category": line.get("category", ""),
                }
            )
    return kept


def shaped(drafted: Example, knobs: dict[str, Any]) -> Example:
    """Return the example with a balanced rubric."""
    return {
        "question": drafted["question"],
        "answer": drafted["answer"],
        "context": drafted.get("context", ""),
        "rubric": balanced(drafted.get("rubric", []), knobs),
        "kind": drafted.get("kind", ""),
        "skills": drafted.get("skills", []),
    }


def second_solution(example: Example, solutions: dict[str, str]) -> str:
    """Let the verifier solve a question blind, once for the same context and question."""
    parts = [BLIND, "<context>", example.get("context", ""), "</context>", "", "<question>"]
    shown = "\n".join([*parts, example["question"], "</question>"])
    if shown not in solutions:
        solutions[shown] = ask("verifier", shown)[:4000]
    return solutions[shown]


def order(what: str, example: Example) -> str:
    """Return the order to mend an example instead of writing a new one."""
    return (
        "REPAIR this example. It is good but for what follows; it is not to become another one.\n\n"
        + what
        + "\n\nThe example:\n"
        + json.dumps(example)
    )


def complaint(checked: Verification) -> str:
    """Return what a verifier found, line by line, and what it wants done."""
    found: list[str] = []
    for finding in checked["findings"]:
        place = "rubric line " + str(finding["line"]) if finding["line"] > 0 else "not the rubric"
        found.append("- " + place + ": " + finding["fault"])
    return "\n".join(["What is wrong:", *found, "What to do: " + checked["feedback"]])


def tried(example: Example, solutions: dict[str, str], knobs: dict[str, Any]) -> str:
    """Check an example and let the solvers try it; return how to mend it, or an empty text."""
    if knobs["use_verifier"]:
        notes = second_solution(example, solutions) if knobs["second_solution"] else ""
        checked = verify(example, notes)
        if not checked["passed"]:
            mendable = checked["verdict"] == "repair"
            return order(complaint(checked), example) if mendable else ""
    result = attempt("weak", example)
    if result["passed"]:
        result = attempt("strong", example)
    advice = MENDED.get(result["reason"], "")
    if not advice:
        return ""
    # what the newest round was made of, without the request for a new question at the end
    _, mark, details = feedback().rpartition("\n\n")[0].rpartition("Rubric of the last of them")
    return order(advice + "\n\n" + mark + details, example)


def run(document: str, knobs: dict[str, Any], seed: int) -> None:
    """Begin up to `rounds` questions, and mend each up to `repairs` times before it is given up."""
    lenses = LENSES[:]
    random.Random(seed).shuffle(lenses)
    chosen: list[str] = []
    solutions: dict[str, str] = {}
    notes = ""
    for number in range(int(knobs["rounds"])):
        angle, notes = choose_angle(lenses[number % len(lenses)], chosen, notes, knobs)
        chosen.append(angle)
        asked = last(feedback(), int(knobs["feedback_chars"]))
        try:
            for _ in range(1 + int(knobs["repairs"])):
                asked = tried(shaped(challenge(asked, angle), knobs), solutions, knobs)
                if not asked:
                    break
        except ValueError:
            continue  # a reply that could not be used: the next round starts afresh
