"""Parent selection: a table of named rules that pick the next parent from the population."""

from collections.abc import Callable, Sequence
from math import exp
from random import Random

from autodata.search.belief import Book

Selection = Callable[[Sequence[str], Book, float, Random], str]
"""Population, estimates, temperature and generator to the id of the parent."""


def thompson(population: Sequence[str], book: Book, temperature: float, rng: Random) -> str:
    """Thompson sampling: draw every rate from the posterior and take the best."""
    drawn = book.draw(rng)
    return max(population, key=lambda member: drawn[member])


def boltzmann(population: Sequence[str], book: Book, temperature: float, rng: Random) -> str:
    """With probability proportional to exp(score / temperature), as in the paper (T = 0.1)."""
    scores = [book.estimate(member).mean for member in population]
    top = max(scores)
    weights = [exp((score - top) / temperature) for score in scores]
    return rng.choices(list(population), weights)[0]


def pareto(population: Sequence[str], book: Book, temperature: float, rng: Random) -> str:
    """In proportion to the documents on which a member is best, as in GEPA (Agrawal et al. 2025).

    A member's score on a document is its pooled one, shrunk to its overall rate by two episodes.
    """
    wins = dict.fromkeys(population, 0.0)
    best: dict[str, tuple[float, list[str]]] = {}
    for member in population:
        mean = book.estimate(member).mean
        for document, (total, episodes) in book.per_document(member).items():
            score = round((total + 2 * mean) / (episodes + 2), 9)
            top, holders = best.get(document, (-2.0, []))
            if score > top:
                best[document] = (score, [member])
            elif score == top:
                holders.append(member)
    for _, holders in best.values():
        for member in holders:
            wins[member] += 1 / len(holders)
    if not any(wins.values()):
        return rng.choice(list(population))
    return rng.choices(list(population), [wins[member] for member in population])[0]


SELECTION: dict[str, Selection] = {
    "thompson": thompson,
    "boltzmann": boltzmann,
    "pareto": pareto,
}
