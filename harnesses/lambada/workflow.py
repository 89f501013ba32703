"""Pick sentences whose last word the passage gives away and the sentence alone does not."""

import random
import re
from typing import Any

WORD = r"[A-Za-z]+(?:[-_'][A-Za-z]+)*"
SHORTEST, LONGEST = 5, 60  # words of a sentence


def sentences(text: str) -> list[str]:
    """Cut text into sentences, with white space folded."""
    return re.split(r"(?<=[.!?:]) (?=[A-Z\"'(*])", " ".join(text.split()))


def questions(text: str, knobs: dict[str, Any]) -> list[Any]:
    """Return every example that the knobs allow, in the order of the document."""
    found: list[Any] = []
    parts = sentences(text)
    for index in range(1, len(parts)):
        end = re.search("(" + WORD + r")[.!?]$", parts[index])
        if end is None or len(end.group(1)) < int(knobs["shortest_word"]):
            continue
        word = end.group(1)
        head = parts[index][: end.start(1)].rstrip()
        passage = " ".join(parts[max(0, index - int(knobs["passage_sentences"])) : index])
        words = [w.lower() for w in re.findall(WORD, passage)]
        size = len(head.split())
        if size < SHORTEST or size > LONGEST:
            continue
        if word.lower() in [w.lower() for w in re.findall(WORD, head)]:
            continue
        if words.count(word.lower()) < int(knobs["occurrences"]):
            continue
        found.append({"question": head, "answer": word, "context": passage})
    return found


def run(document: str, knobs: dict[str, Any], seed: int) -> None:
    """Try up to `rounds` examples of one document."""
    candidates = questions(document, knobs)
    if knobs["position"] == "any":
        random.Random(seed).shuffle(candidates)
    elif knobs["position"] == "last":
        candidates.reverse()
    for example in candidates[: int(knobs["rounds"])]:
        if attempt("weak", example)["passed"]:
            attempt("strong", example)
