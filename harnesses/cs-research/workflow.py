"""The rounds of Agentic Self-Instruct: a fresh angle, a question, a check, the weak, the strong."""

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


def last(text: str, size: int) -> str:
    """Return the end of a text, cut at a line: the closing request is what must stay."""
    if len(text) <= size:
        return text
    return text[len(text) - size :].partition("\n")[2].strip()


def choose_angle(lens: str, chosen: list[str], knobs: dict[str, Any]) -> str:
    """Let the main agent find an angle that no earlier round had; the lens is the fallback."""
    if not knobs["use_agent"]:
        return lens
    task = "Find the angle for the next question. If nothing better turns up, look for " + lens + "."
    if chosen:
        task += "\n\nAngles of earlier rounds, all used up:\n" + "\n".join(
            "- " + angle.replace("\n", " ")[:300] for angle in chosen
        )
    try:
        found = run_agent(task, max_turns=int(knobs["agent_turns"])).strip()
    except ValueError:
        return lens
    return found[:2000] or lens


def capped(example: Example, cap: int) -> Example:
    """Return the example with every weight between -cap and cap."""
    rubric: list[Criterion] = []
    for line in example.get("rubric", []):
        rubric.append(
            {
                "criterion": line["criterion"],
                "weight": max(-cap, min(cap, line["weight"])),
                "category": line.get("category", ""),
            }
        )
    return {
        "question": example["question"],
        "answer": example["answer"],
        "context": example.get("context", ""),
        "rubric": rubric,
        "kind": example.get("kind", ""),
        "skills": example.get("skills", []),
    }


def run(document: str, knobs: dict[str, Any], seed: int) -> None:
    """Try up to `rounds` questions; a failed step ends its round and feeds the next one."""
    lenses = LENSES[:]
    random.Random(seed).shuffle(lenses)
    chosen: list[str] = []
    for number in range(int(knobs["rounds"])):
        angle = choose_angle(lenses[number % len(lenses)], chosen, knobs)
        chosen.append(angle)
        try:
            drafted = challenge(last(feedback(), int(knobs["feedback_chars"])), angle)
            example = capped(drafted, int(knobs["weight_cap"]))
            if knobs["use_verifier"] and not verify(example)["passed"]:
                continue
            if attempt("weak", example)["passed"] and attempt("strong", example)["accepted"]:
                return
        except ValueError:
            continue  # a reply that could not be used: the next round starts afresh
