"""Three-way merge of harness files in memory: line by line, knobs of harness.yaml by name.

It is git's rule, without git: changes of the same lines, or of lines that touch, clash unless they
are the same change. The same texts merge the same way whatever git is installed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

from autodata.harness.knobs import MANIFEST, read_manifest, write_values
from autodata.types import KnobValue

Files = Mapping[str, str]

MOST_COMPARISONS = 1_000_000
"""Pairs of equal lines, beyond which what lies between first and last change is one change."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A change of a harness's files, as they were before and after it."""

    before: Files
    after: Files


@dataclass(frozen=True, slots=True)
class Hunk:
    """The lines from `low` up to `high` of a text, and what stands there instead."""

    low: int
    high: int
    lines: tuple[str, ...]

    def touches(self, other: "Hunk") -> bool:
        """Whether no unchanged line lies between the two."""
        return self.low <= other.high and other.low <= self.high


def patched(files: Files, patch: Patch) -> dict[str, str] | None:
    """Return files with a patch applied to them; None where it clashes with what they are.

    Layout and comments of harness.yaml stay those of `files`. That a harness of these files is
    valid is not said by this.
    """
    result = {}
    for path in sorted({*files, *patch.before, *patch.after}):
        before, after, here = patch.before.get(path), patch.after.get(path), files.get(path)
        if here == before:
            text = after
        elif after in (before, here):
            text = here
        elif before is None or after is None or here is None:
            return None
        else:
            merge = _merged_manifest if path == MANIFEST else merged_text
            text = merge(before, here, after)
            if text is None:
                return None
        if text is not None:
            result[path] = text
    return result


def merged_text(before: str, ours: str, theirs: str) -> str | None:
    """Return a text with the changes of both versions of it; None where they clash."""
    lines, one, two = _lines(before), hunks(before, ours), hunks(before, theirs)
    if any(a != b and a.touches(b) for a in one for b in two):
        return None
    result: list[str] = []
    place = 0
    for hunk in sorted({*one, *two}, key=lambda hunk: (hunk.low, hunk.high)):
        result += lines[place : hunk.low]
        result += hunk.lines
        place = hunk.high
    return "".join(result + lines[place:])


@lru_cache(maxsize=512)
def hunks(before: str, after: str) -> tuple[Hunk, ...]:
    """Return what differs between two texts, in order; an unchanged line lies between any two."""
    old, new = _lines(before), _lines(after)
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    most = shorter - head
    tail = next((n for n in range(most) if old[-1 - n] != new[-1 - n]), most)
    one, two = old[head : len(old) - tail], new[head : len(new) - tail]
    if not one and not two:
        return ()
    if _comparisons(one, two) > MOST_COMPARISONS:
        return (Hunk(head, head + len(one), tuple(two)),)
    codes = SequenceMatcher(None, one, two, autojunk=False).get_opcodes()
    return tuple(
        Hunk(head + low, head + high, tuple(two[first:last]))
        for code, low, high, first, last in codes
        if code != "equal"
    )


def _comparisons(one: Sequence[str], two: Sequence[str]) -> int:
    """The pairs of equal lines: what a comparison takes time for, which a model may have wished."""
    there = Counter(two)
    return sum(number * there[line] for line, number in Counter(one).items())


def _lines(text: str) -> list[str]:
    """Lines with their ends; only the last may have none, and is another line for that."""
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines


def _merged_manifest(before: str, ours: str, theirs: str) -> str | None:
    """Return our harness.yaml with the knob values that theirs changes; None if ours did, too."""
    old, here, there = _values(before), _values(ours), _values(theirs)
    changed = {name: value for name, value in there.items() if value != old.get(name, value)}
    for name, value in changed.items():
        if here.get(name) not in (old[name], value):
            return None
    moved = {name: value for name, value in changed.items() if here.get(name) != value}
    return write_values(ours, moved) if moved else ours


@lru_cache(maxsize=512)
def _values(text: str) -> dict[str, KnobValue]:
    return {name: knob.value for name, knob in read_manifest(text).knobs.items()}
