"""Extract once, write an exercise, let both solvers try it, improve it by what the loop-judge says."""

import json
from typing import Any

TASK = "Read the opinion in your instructions and fill in the extract: one JSON object, nothing else."
LABELS = {
    "document_type": "KIND OF DOCUMENT",
    "topics": "TOPICS",
    "issues": "ISSUES",
    "facts": "FACTS OF THE CASE (not the client's)",
    "holdings": "HOLDINGS AND RULES",
}


def as_object(text: str) -> dict[str, Any]:
    """Return the JSON object of a reply.

    Raises:
        ValueError: there is none.
    """
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise ValueError("the reply holds no JSON object")
    found = json.loads(text[start : end + 1])
    if not isinstance(found, dict) or "suitable" not in found:
        raise ValueError("the object has no key `suitable`")
    return found


def in_words(extract: dict[str, Any]) -> str:
    """Return an extract as the writer reads it."""
    parts: list[str] = []
    for key, label in LABELS.items():
        value = extract.get(key, "")
        if isinstance(value, list):
            value = "\n".join("- " + str(item) for item in value)
        if value:
            parts.append(label + "\n" + str(value))
    return "\n\n".join(parts)


def extracted() -> str:
    """Let the main agent extract the law; a document that holds none ends the episode.

    What is no JSON, twice, is taken as it is: the writer can read words as well.
    """
    said, task = "", TASK
    for _ in range(2):
        try:
            said = run_agent(task, max_turns=1)
            extract = as_object(said)
        except ValueError as error:
            task = TASK + "\n\nYour last reply could not be used: " + str(error)[:200]
            continue
        if extract["suitable"] is False:
            unsuitable(str(extract.get("note", "")))
        return in_words(extract)
    return said


def told(example: Example, said: str, earlier: list[str]) -> str:
    """Return what the writer learns of its last version: all of it, and what was said of it."""
    lines: list[str] = []
    for number, line in enumerate(example.get("rubric", []), 1):
        label = line.get("category", "") + ", " + line.get("capability", "")
        lines.append(f"{number}. [{line['weight']:+d}] {line['criterion']} ({label})")
    parts = [
        "QUESTION OF YOUR LAST VERSION\n" + example["question"],
        "ITS RUBRIC\n" + "\n".join(lines),
    ]
    if earlier:
        parts.insert(0, "SAID OF VERSIONS BEFORE IT\n" + "\n".join("- " + line for line in earlier))
    return "\n\n".join([*parts, "WHAT WAS SAID OF IT, WORD FOR WORD\n" + said])


def tried(example: Example, extract: str, knobs: dict[str, Any]) -> str:
    """Let everybody look at a version; return what was said of it, nothing if it was accepted."""
    if knobs["use_verifier"]:
        checked = verify(example, extract)
        if not checked["passed"]:
            faults = [f"rubric line {f['line']}: {f['fault']}" for f in checked["findings"]]
            return "\n".join(["A reader of the extract objects. " + checked["feedback"], *faults])
    strong = attempt("strong", example)
    if strong["accepted"]:
        return ""
    if not strong["scores"]:
        return "It was turned down before anybody tried it: " + strong["reason"]
    weak = attempt("weak", example)
    return f"Weak solvers earned {weak['mean']:.2f} on average, strong ones {strong['mean']:.2f}. {strong['reason']}"


def run(document: str, knobs: dict[str, Any], seed: int) -> None:
    """Write a version and improve it until it is accepted; all of them come from one extract."""
    extract = extracted()
    notes, earlier, size = "", list[str](), int(knobs["notes_chars"])
    for number in range(1 + int(knobs["improvements"])):
        try:
            example = challenge(notes, extract)
            said = tried(example, extract, knobs)
        except ValueError:
            continue  # a reply that could not be used: the same is asked again
        if not said:
            return
        notes = told(example, said, earlier[-5:])[-size:]
        earlier.append(f"version {number + 1}: " + said.replace("\n", " ")[:300])
