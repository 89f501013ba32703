"""Simulated models: a small world with known truth, to test and show the system at no cost.

Nothing here says anything about real models, and every command says so when they are used.

The world is a two-parameter item response model (Birnbaum, 1968): a solver of ability t answers an
item of difficulty b and discrimination a correctly with probability 1 / (1 + exp(-a (t - b))).

- Next words: b is a fixed standard normal of the item, plus 0.25 per letter of the word above 4;
  a = 1.5. A solver that is shown the word earlier in its prompt gains 1.2 per occurrence, at most
  3.0; 40 words of passage without the word cost 0.2 (distraction), at most 1.0.
- Written items: the challenger draws b around 0.0 (sd 0.8) and a around 1.2, leaks its answer with
  probability 0.25 and writes a malformed rubric with probability 0.2. Phrases in the challenger's
  prompt shift these by `EFFECTS`, whatever the rest of the harness says.
- The challenger quotes 40 words of the document. The judge meets a criterion with the answer's
  quality as probability, which is 1 for the reference answer and 0 for another item's; the verifier
  notices a leak or a malformed rubric with probability 0.9, and so does the auditor, independently.
  Both always notice that the document before them is not the quoted one.
- The analyzer reads one trajectory and counts episodes before it says anything. Its hypotheses are
  phrases of `EFFECTS`, drawn without those that are there.
- The implementer adds the phrase of its hypothesis to the challenger's prompt.
"""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from random import Random

from autodata.config.providers.simulated import SimulatedConfig
from autodata.models.base import USUAL, Deadlines, Reply, Request, ToolCall
from autodata.models.providers.registry import Surroundings
from autodata.types import Document, Json

ABILITY = {"small": -0.6, "large": 1.4}
"""Solver ability by model name; any other name is as able as `large`."""

EFFECTS: dict[str, tuple[float, float, float]] = {
    "Ask for an insight that only this document gives.": (0.7, 0.0, 0.0),
    "Never let the context state the solution.": (0.1, -0.2, 0.0),
    "Use positive integer weights only, at most seven.": (0.0, 0.0, -0.15),
    "Keep the question short.": (-0.3, 0.0, 0.0),
    "Quote the document at length in the context.": (-0.1, 0.2, 0.0),
    "Write in a friendly tone.": (0.0, 0.0, 0.0),
}
"""Phrase in the challenger's prompt -> shift of difficulty, leak and malformed-rubric chance."""

ANALYST_QUERY = "select candidate_id, split, count(*) n from episodes group by all order by all"
QUOTED_WORDS = 40
"""Words of the document in a context."""
ITEM = re.compile(r"\[item b=(-?[\d.]+) a=([\d.]+) leak=(\d) bad=(\d)\]")
_QUOTE = re.compile(r"\[quoted: ([^\]]+)\]")
_REFERENCE = re.compile(r"Simulated reference answer to question (\d+) ")
_WORD = re.compile(r"[A-Za-z]+(?:[-_'][A-Za-z]+)*")


class SimulatedModel:
    """One simulated model: it has read the corpus, and is as able as its name implies."""

    def __init__(self, name: str, documents: Sequence[Document]) -> None:
        self._ability = ABILITY.get(name, ABILITY["large"])
        self._texts = [" ".join(document.text.split()) for document in documents]

    @classmethod
    def of(cls, settings: SimulatedConfig, place: Surroundings) -> "SimulatedModel":
        """Return the simulated model of these settings."""
        return cls(settings.model, place.documents)

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply:
        """Answer as the simulated world has it; the same request always gets the same reply."""
        prompt = request.prompt or "\n".join(message.content for message in request.messages)
        rng = _rng(json.dumps(request.to_json(), sort_keys=True))
        calls = _look(request)
        if calls:
            text = ""
        elif request.prompt:
            text = self._continue(request.prompt, rng)
        elif finish := next((tool for tool in request.tools if tool.name == "finish"), None):
            fields = set(finish.parameters.get("properties", {}))
            text, calls = "", (ToolCall("3", "finish", _hand_in(fields, prompt, rng)),)
        elif request.schema is not None:
            text = json.dumps(self._structured(request, prompt, rng))
        elif items := ITEM.findall(prompt):
            text = f"Simulated answer of quality {self._quality(items[-1], rng):.2f}."
        else:
            text = f"Simulated angle {rng.randrange(1000)}."
        tokens = (len(prompt) // 4 + 1, len(text) // 4 + 1)
        return Reply(text, "stop", calls, *tokens, model="simulated")

    async def close(self) -> None:
        """Nothing to release."""

    def _continue(self, prompt: str, rng: Random) -> str:
        """Return the next word of the text, or a wrong one."""
        tail = prompt[-60:]
        for text in self._texts:
            at = text.find(tail)
            if at >= 0:
                break
        else:
            return " unknown"
        match = _WORD.search(text, at + len(tail))
        word = match.group() if match else ""
        words = [w.lower() for w in _WORD.findall(prompt)]
        occurrences = words.count(word.lower())
        lift = (
            min(3.0, 1.2 * occurrences)
            if occurrences
            else -min(1.0, 0.2 * max(0, len(words) - 20) / 40)
        )
        difficulty = _rng(f"item {tail} {word}").gauss(0, 1) + 0.25 * max(0, len(word) - 4)
        if rng.random() < _logistic(1.5 * (self._ability + lift - difficulty)):
            return f" {word}"
        return f" {rng.choice([w for w in words if w != word.lower()] or ['nothing'])}"

    def _structured(self, request: Request, prompt: str, rng: Random) -> Json:
        assert request.schema is not None
        fields = set(request.schema.get("properties", {}))
        if "verdicts" in fields:
            return _judge(prompt, rng)
        if "answer_consistent" in fields:
            return _verify(prompt, rng)
        if "bare_number" in fields:
            return _audit(prompt, rng)
        if "root_cause" in fields or "patches" in fields:
            return _hand_in(fields, prompt, rng)
        return _challenge(prompt, self._document(prompt), rng)

    def _document(self, prompt: str) -> list[str]:
        """Return the words of the document that a prompt shows, if it does; or of a passage."""
        shown = " ".join(prompt.split())
        text = next((text for text in self._texts if text[:60] in shown), "")
        whole = text and text[-60:] in shown
        return text.split() if whole else _passage(self._texts, shown)

    def _quality(self, item: tuple[str, str, str, str], rng: Random) -> float:
        difficulty, slope, leak = float(item[0]), float(item[1]), int(item[2])
        chance = _logistic(slope * (self._ability + 2.0 * leak - difficulty))
        return min(0.98, max(0.05, rng.gauss(chance, 0.1)))


def _passage(texts: Sequence[str], shown: str) -> list[str]:
    """Return the words of the longest part of a text that is shown, in steps of a quotation."""
    longest: list[str] = []
    for text in texts:
        part: list[str] = []
        words = text.split()
        for at in range(0, len(words), QUOTED_WORDS):
            piece = words[at : at + QUOTED_WORDS]
            part = part + piece if " ".join(piece) in shown else []
            longest = max(longest, part, key=len)
    return longest


def _look(request: Request) -> tuple[ToolCall, ...]:
    """Use each of the analyzer's tools once, before anything is said."""
    opening = request.messages[-1].content if request.messages else ""
    document = re.search(r"(?m)^- ([0-9a-f]{16}): ", opening)
    analyst = not _part(opening, "hypothesis")
    if not analyst or document is None or "sql" not in {tool.name for tool in request.tools}:
        return ()
    return (
        ToolCall("1", "trajectory", {"document": document[1]}),
        ToolCall("2", "sql", {"query": ANALYST_QUERY}),
    )


def _challenge(prompt: str, document: list[str], rng: Random) -> Json:
    shifts = [effect for phrase, effect in EFFECTS.items() if phrase in prompt]
    harder, leakier, worse = (sum(shift[i] for shift in shifts) for i in range(3))
    leak = int(rng.random() < 0.25 + leakier)
    bad = int(rng.random() < 0.2 + worse)
    item = (
        f"[item b={rng.gauss(harder, 0.8):.2f} a={max(0.3, rng.gauss(1.2, 0.2)):.2f} "
        f"leak={leak} bad={bad}]"
    )
    rubric = [
        {"criterion": f"Simulated merit {number} is there", "weight": 3, "category": "merit"}
        for number in range(7)
    ]
    number = rng.randrange(10**6)
    start = rng.randrange(max(1, len(document) - QUOTED_WORDS))
    words = re.sub(r"[\[\]]", "", " ".join(document[start : start + QUOTED_WORDS])) or "nothing"
    about, answer = " ".join(words.split()[:8]), " ".join(words.split()[1::5])
    return {
        "kind": "simulated",
        "skills": ["simulation"],
        "context": f"A simulated context [quoted: {words}]".ljust(200, "."),
        "question": f"Simulated question {number} on {about} {item}",
        "answer": f"Simulated reference answer to question {number} with {answer}",
        "rubric": rubric,
    }


def _verify(prompt: str, rng: Random) -> Json:
    items = ITEM.findall(prompt)
    leak, bad = (int(items[-1][2]), int(items[-1][3])) if items else (0, 1)
    seen_leak, seen_bad = leak and rng.random() < 0.9, bad and rng.random() < 0.9
    foreign = _is_foreign(prompt)
    return {
        "findings": [{"line": 0, "fault": "simulated fault"}] if seen_leak or seen_bad else [],
        "context_leak": bool(seen_leak),
        "question": "good",
        "rubric_pass": not seen_bad,
        "answer_consistent": True,
        "without_document": foreign,
        "context_suffices": True,
        "verdict": "reject" if foreign else "repair" if seen_leak or seen_bad else "pass",
        "feedback": "simulated feedback",
    }


def _audit(prompt: str, rng: Random) -> Json:
    """Fill in the auditor's form, which knows no item: a sentence of a document holds as it is."""
    items = ITEM.findall(prompt)
    leak, bad = (int(items[-1][2]), int(items[-1][3])) if items else (0, 0)
    seen_leak, seen_bad = leak and rng.random() < 0.9, bad and rng.random() < 0.9
    foreign = _is_foreign(prompt)
    return {
        "leak": bool(seen_leak),
        "ambiguous": False,
        "bare_number": False,
        "rubric_fair": not seen_bad,
        "without_document": foreign,
        "comment": "simulated objection" if seen_leak or seen_bad or foreign else "",
    }


def _judge(prompt: str, rng: Random) -> Json:
    quality = float((re.findall(r"answer of quality ([\d.]+)\.", prompt) or ["0"])[-1])
    if references := _REFERENCE.findall(prompt):
        quality = float(f"Simulated question {references[-1]} " in prompt)
    count = len(re.findall(r"(?m)^\d+\. ", prompt))
    return {
        "verdicts": [
            {"number": number, "quote": "", "satisfied": rng.random() < quality}
            for number in range(1, count + 1)
        ]
    }


def _hand_in(fields: set[str], prompt: str, rng: Random) -> Json:
    """Return the result of an analyzer or an implementer."""
    path = "prompts/challenger.md"
    match = re.search(rf'<file \w+ path="{path}">\n(.*?)\n</file \w+>', prompt, re.DOTALL)
    text = match.group(1) if match else ""
    phrases = [phrase for phrase in EFFECTS if phrase not in text] or list(EFFECTS)
    if "root_cause" in fields:
        rng.shuffle(phrases)
        cause = "simulated analysis: the questions are too easy or leak"
        return {
            "root_cause": cause,
            "hypotheses": [{"cause": "simulated cause", "change": phrase} for phrase in phrases],
        }
    asked = _part(prompt, "hypothesis") or _part(prompt, "edit_to_make_anew")
    phrase = next((one for one in phrases if one in asked), rng.choice(phrases))
    bets = {
        "improves": 0.5,
        "predictions": [
            {"document": document, "probability": 0.7 if status == "accepted" else 0.4}
            for document, status in re.findall(r"(?m)^- ([0-9a-f]{16}): (\w+)", prompt)
        ],
    }
    return {
        "summary": f"Simulated edit: {phrase}",
        "patches": [_added(path, text, phrase)] if match else [],
        "knobs": [],
        **{name: bet for name, bet in bets.items() if name in fields},
    }


def _part(prompt: str, name: str) -> str:
    found = re.search(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", prompt, re.DOTALL)
    return found[2] if found else ""


def _added(path: str, text: str, phrase: str) -> Json:
    """Return the patch that puts a phrase on a line of its own, after one that stands once."""
    lines = [line for line in text.splitlines() if line.strip() and text.count(line) == 1]
    place = _rng(phrase).choice(lines) if lines else text
    return {"path": path, "search": place, "replace": f"{place}\n{phrase}"}


def _is_foreign(prompt: str) -> bool:
    """Whether the words that an example quotes stand nowhere else in a prompt."""
    quoted = _QUOTE.findall(prompt)
    return bool(quoted) and _letters(prompt).count(_letters(quoted[-1])) < 2


def _letters(text: str) -> str:
    return re.sub("[^A-Za-z0-9]+", "", text)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _rng(text: str) -> Random:
    return Random(hashlib.sha256(text.encode()).digest())
