"""The plan of a search: sizes, rules and error rates, checked before anything is spent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from autodata.errors import AutodataError, ConfigurationError, DocumentError
from autodata.search.null import FIRST_STAGE, NULL_EACH, NULL_LOOK
from autodata.types import Split

Objective = Literal["pass_rate", "pass_rate_per_cost"]
Way = Literal["merge", "race"]

OBJECTIVES: tuple[Objective, ...] = ("pass_rate", "pass_rate_per_cost")
SELECTIONS: tuple[str, ...] = ("thompson", "boltzmann", "pareto")
FEWEST_VALIDATION = 8
FEWEST_TEST = 10


@dataclass(frozen=True, slots=True)
class RacePlan:
    """The design of a race: block size, length, error rates.

    `block` documents are run for both between two looks; `passes` is how often the whole
    validation split may be gone through; `alpha` bounds the chance that a race calls a mutant
    clearly better which is not, however often it looks; `margin` is the gain below which a mutant
    is not worth having: a race that shows at level `alpha` that the gain is smaller ends.
    """

    block: int = 4
    passes: int = 2
    alpha: float = 0.05
    margin: float = 0.05


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """Everything the search needs to know in advance.

    `search` is how it goes about it: it merges edits, or races one against its parent.
    `episodes` is the budget of the whole search with its certification (0: none; then every race
    may run to its end). `parallel` iterations of a race, or looks at merged edits, are in flight;
    `minibatch` training documents are run for a proposer that reads trajectories. `temperature` is
    of `boltzmann`. `finalists`
    candidates go to the test split, each document `test_repeats` times (0: as often as a quarter
    of `episodes` pays for, at most 4). `alpha` bounds the chance that the run certifies a
    candidate that is no better. `audited`: accepted examples are looked at by an auditor.
    A candidate whose episode costs more than `cost_bound` times its parent's is measured no further
    (0: no bound).
    """

    search: Way = "race"
    seed: int = 0
    iterations: int = 12
    parallel: int = 2
    episodes: int = 0
    minibatch: int = 4
    selection: str = "thompson"
    temperature: float = 0.1
    race: RacePlan = field(default_factory=RacePlan)
    objective: Objective = "pass_rate"
    finalists: int = 1
    test_repeats: int = 0
    alpha: float = 0.05
    audited: bool = False
    cost_bound: float = 5.0

    def check(self, documents: Mapping[Split, Sequence[str]]) -> None:
        """Refuse what cannot work, naming the field and the fix.

        Raises:
            ConfigurationError, DocumentError: the first of its `faults`.
        """
        for fault in self.faults(documents):
            raise fault

    def faults(self, documents: Mapping[Split, Sequence[str]]) -> Iterator[AutodataError]:
        """Yield everything that cannot work: numbers, names, and splits that are too small."""
        yield from _unknown("optimize.selection", self.selection, SELECTIONS)
        yield from _unknown("optimize.objective", self.objective, OBJECTIVES)
        for name, value, low, high in (
            ("iterations", self.iterations, 1, 98_000),
            ("parallel", self.parallel, 1, 1_000),
            ("episodes", self.episodes, 0, 10**9),
            ("minibatch", self.minibatch, 0, 10**6),
            ("temperature", self.temperature, 1e-6, 1e6),
            ("finalists", self.finalists, 1, 20),
            ("test_repeats", self.test_repeats, 0, 100),
            ("alpha", self.alpha, 1e-6, 0.5),
            ("cost_bound", self.cost_bound, 0.0, 1e9),
            ("race.block", self.race.block, 1, 10**6),
            ("race.passes", self.race.passes, 1, 99),
            ("race.alpha", self.race.alpha, 1e-6, 0.5),
            ("race.margin", self.race.margin, 0.0, 0.5),
        ):
            if not low <= value <= high:
                yield ConfigurationError(
                    f"optimize.{name} is {value}", f"set it between {low} and {high}"
                )
        yield from self._too_few(documents)

    def _too_few(self, documents: Mapping[Split, Sequence[str]]) -> Iterator[AutodataError]:
        needed: dict[Split, int] = {
            "train": self.minibatch,
            "validation": FEWEST_VALIDATION,
            "test": FEWEST_TEST,
        }
        for split, least in needed.items():
            if len(documents.get(split, ())) < least:
                yield DocumentError(
                    f"the {split} split has {len(documents.get(split, ()))} documents, "
                    f"the search needs {least}",
                    f"add documents, or give the split `{split}` a larger share",
                )
        everything = [identifier for split in needed for identifier in documents.get(split, ())]
        if len(set(everything)) < len(everything):
            yield DocumentError(
                "a document is in two splits or twice in one",
                "remove the copies from the corpus: a test document must never be seen before",
            )
        tested = 2 * (len(documents["test"]) + FIRST_STAGE)
        smallest = tested + 4 * self.race.block + NULL_LOOK + NULL_EACH
        if 0 < self.episodes < smallest:
            yield ConfigurationError(
                f"optimize.episodes is {self.episodes}: the sealed test alone needs {tested} for "
                f"baseline and one finalist, {2 * FIRST_STAGE} of them null episodes",
                f"set it to at least {smallest}, or make the test split smaller",
            )

    def repeats_on_test(self, test_documents: int) -> int:
        """Times each test document is run for baseline and finalists."""
        if self.test_repeats:
            return self.test_repeats
        affordable = self.episodes // 4 // ((1 + self.finalists) * test_documents)
        return max(1, min(4, affordable))


def _unknown(name: str, value: str, names: Sequence[str]) -> Iterator[AutodataError]:
    if value not in names:
        near = get_close_matches(value, names, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        yield ConfigurationError(
            f"{name} is {value!r}, which nobody knows", f"{hint}use one of {', '.join(names)}"
        )
