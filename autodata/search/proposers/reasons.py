"""Why examples were refused, and how documents did before and after past edits, in words.

Of validation documents there are counts of the host's own reasons only: what a workflow has worded
is shown of training documents alone.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from autodata.episode.rules import REASONS
from autodata.search.base import Iteration
from autodata.store.episodes import EpisodeRecord
from autodata.types import Json, Outcome

QUOTE_CHARS = 200
MOST_DOCUMENTS = 24
_OWN = (
    *REASONS.values(),
    "strong majority wrong",
    "weak majority correct",
    "failed the protocol's verifier",
    "failed the harness's own verifier",
    "only who sees the document can answer",
    "the judge gave no usable reply",
    "the protocol's verifier gave no usable reply",
    "not tried on the strong solver",
    "not tried on the solvers",
)
_BEGINNINGS = ("not confirmed: ", "a probe failed: ", "could not be scored", "near copies of it")
_OTHER = "another reason"


def quoted(reason: str) -> str:
    """Return a reason, which a workflow may have worded, on one short line in quotes."""
    text = json.dumps(reason[:QUOTE_CHARS]).replace("<", r"\u003c")
    left = len(reason) - QUOTE_CHARS
    return text + (f" [cut, {left:,} characters left]" if left > 0 else "")


def line_of(episode: Json) -> str:
    """Return how an episode on a training document ended, with the reasons of all its rounds."""
    line = f"- {episode['document_id']}: {episode['status']}"
    if episode["reason"]:
        line += f" ({quoted(episode['reason'])})"
    rounds = [_round(past) for past in episode.get("rounds", ()) if isinstance(past, dict)]
    return line + (f"; examples: {'; '.join(rounds)}" if rounds else "; no example")


def _round(past: Json) -> str:
    reasons = ", ".join(map(quoted, past.get("verdict", {}).get("reasons", ()))) or "accepted"
    scores = []
    for role in ("weak", "strong"):
        found = [a["score"] for a in past.get("attempts", ()) if a["role"] == role]
        if found:
            scores.append(f"{role} {' '.join(f'{score:g}' for score in found)}")
    return f"{past.get('index', 0) + 1}: {reasons}" + (f" [{'; '.join(scores)}]" if scores else "")


def counts_of(episodes: Iterable[EpisodeRecord], checks: Collection[str]) -> str:
    """Count the reasons of all rounds: on training documents by candidate, on validation of all.

    `checks` are the domain's own reasons.
    """
    by_group: dict[tuple[str, str], list[EpisodeRecord]] = defaultdict(list)
    for episode in episodes:
        if not episode.null and not episode.void:
            whose = episode.candidate_id if episode.split == "train" else "all candidates"
            by_group[episode.split, whose].append(episode)
    lines = [_counted(*group, several, checks) for group, several in sorted(by_group.items())]
    shown = lines[-MOST_DOCUMENTS:]
    if len(lines) > len(shown):
        shown.append(f"[cut, {len(lines) - len(shown)} lines left: SQL, episodes]")
    return "\n".join(shown) or "nothing yet"


def _counted(
    split: str, candidate: str, episodes: Sequence[EpisodeRecord], checks: Collection[str]
) -> str:
    reasons = Counter[str]()
    for episode in episodes:
        for past in episode.rounds:
            for reason in past["verdict"]["reasons"]:
                reasons[_named(reason, checks)] += 1
        if not episode.rounds:
            reasons["no example"] += 1
    accepted = sum(episode.status == "accepted" for episode in episodes)
    told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())
    return f"{split}, {candidate}: {accepted} of {len(episodes)} accepted; {told or 'no reasons'}"


def _named(reason: str, checks: Collection[str]) -> str:
    if reason in _OWN or reason in checks:
        return reason
    return next((start.strip(": ") for start in _BEGINNINGS if reason.startswith(start)), _OTHER)


def effect_of(
    past: Iteration, episodes: Sequence[EpisodeRecord], sets: Mapping[str, Collection[int]]
) -> str:
    """Return how each validation document did without and with an edit.

    One that was raced has its parent beside it. Of others these episodes tell, of candidates with
    `sets` of edits.
    """
    if past.parent_outcomes:
        return before_and_after(past.parent_outcomes, past.outcomes)
    of_sets = [e for e in episodes if e.split == "validation" and e.candidate_id in sets]
    with_it = [e.outcome for e in of_sets if past.number in sets[e.candidate_id]]
    without = [e.outcome for e in of_sets if past.number not in sets[e.candidate_id]]
    return before_and_after(without, with_it)


def before_and_after(before: Iterable[Outcome], after: Iterable[Outcome]) -> str:
    """Return accepted of tried by document, without and with an edit, the changed ones first."""
    old, new = _by_document(before), _by_document(after)
    both = sorted(old.keys() & new.keys(), key=lambda name: (_change(old, new, name), name))
    changed = [name for name in both if _change(old, new, name)]
    if not both:
        return ""
    lines = [f"{name} {_share(old[name])} -> {_share(new[name])}" for name in changed]
    shown = ", ".join(lines[:MOST_DOCUMENTS])
    if len(lines) > MOST_DOCUMENTS:
        shown += f" [cut, {len(lines) - MOST_DOCUMENTS} documents left]"
    return (
        f"By document, accepted of tried without -> with it: {shown or 'no difference'}; the same "
        f"on {len(both) - len(changed)}."
    )


def _by_document(outcomes: Iterable[Outcome]) -> dict[str, list[bool]]:
    found: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        found[outcome.cell.document_id].append(outcome.counts)
    return found


def _change(old: Mapping[str, list[bool]], new: Mapping[str, list[bool]], name: str) -> float:
    return sum(new[name]) / len(new[name]) - sum(old[name]) / len(old[name])


def _share(seen: Sequence[bool]) -> str:
    return f"{sum(seen)}/{len(seen)}"
