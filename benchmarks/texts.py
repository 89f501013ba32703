"""Milliseconds that the host takes to compare texts of models: `python benchmarks/texts.py`."""

from time import perf_counter

from autodata.domains.copies import Index, sketch
from autodata.domains.leaks import leak
from autodata.domains.matching import matches
from autodata.domains.texts import MOST_ANSWER, MOST_REPLY, MOST_SHOWN, essence
from autodata.types import Example

WORST = ("word ", "\n", "\u4e2d\u6587", "e\u0301", "\ufdfa", "QUJD", "Answer:\n")


def longest(worst: str) -> Example:
    """An example as long as one may be."""
    shown = (worst * MOST_SHOWN)[:MOST_SHOWN]
    return Example(shown, shown[:MOST_ANSWER], shown)


def milliseconds(work: object) -> float:
    """The least of five tries."""
    assert callable(work)
    least = 1e9
    for _ in range(5):
        begun = perf_counter()
        work()
        least = min(least, perf_counter() - begun)
    return 1e3 * least


def accepted(count: int) -> None:
    """Look for near copies among so many accepted examples of different documents."""
    index = Index()
    for number in range(count):
        words = " ".join(f"{(number * 31 + n) * 7919 % 99991:x}" for n in range(300))
        drawn = sketch(Example(words[:200], words[200:500], words[500:]))
        assert not index.has_near(str(number), drawn)
        index.add(str(number), drawn)


if __name__ == "__main__":
    for worst in WORST:
        example, reply = longest(worst), (worst * MOST_REPLY)[:MOST_REPLY]
        took = (
            milliseconds(lambda example=example: leak(example)),
            milliseconds(lambda example=example: essence(example)),
            milliseconds(lambda example=example: sketch(example)),
            milliseconds(lambda reply=reply: matches(reply, "42")),
        )
        names = ("leak", "essence", "sketch", "matches")
        told = "  ".join(f"{name} {ms:6.1f}" for name, ms in zip(names, took, strict=True))
        print(f"{worst!r:12} {told}  ms")
    for count in (100, 1000):
        begun = perf_counter()
        accepted(count)
        print(f"{count} accepted examples: {1e3 * (perf_counter() - begun):.0f} ms")
