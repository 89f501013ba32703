"""The real `gepa` package (0.1.4) as a policy of `autodata bench search`.

Knows nothing of landscapes' parameters; gepa sees document ids, scores and the stream of
proposals. Used by `autodata bench search --policy gepa` in a checkout where `pip install
gepa==0.1.4` was done.

gepa's defaults are kept: Pareto parents per document, reflection minibatches of 3 training
documents, a mutant goes to the full validation set when it is strictly better on its minibatch. Of
25, 50 and 100 validation documents, 50 was as good as 25 within the noise and better than 100
(2,400 episodes, 60 runs). It reports its best validation average.
"""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, cast

from gepa.api import optimize as run_gepa
from gepa.core.adapter import EvaluationBatch
from gepa.logging.logger import LoggerProtocol

from autodata.bench.landscapes import World
from autodata.bench.policies import Found, claim
from autodata.search.base import Brief
from autodata.types import Candidate, Cell, Split

VALIDATION = 50


class _Quiet(LoggerProtocol):
    def log(self, message: str) -> None:
        """Say nothing."""


class _Adapter:
    """Runs gepa's candidates in the world; a candidate's text is its id."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop) -> None:
        self._world = world
        self._loop = loop
        self._calls = 0
        self._proposals = 0
        self.candidates: dict[str, Candidate] = {world.baseline.id: world.baseline}
        self._split: dict[str, Split] = {
            document: split for split, ids in world.documents.items() for document in ids
        }
        self.propose_new_texts = self._propose

    def evaluate(
        self, batch: list[str], candidate: dict[str, str], capture_traces: bool = False
    ) -> EvaluationBatch[Any, Any]:
        """Run a candidate on documents, each call with fresh repeats."""
        self._calls += 1
        cells = [Cell(document, self._split[document], self._calls) for document in batch]
        running = self._world.evaluate(self.candidates[candidate["harness"]], cells)
        outcomes = asyncio.run_coroutine_threadsafe(running, self._loop).result()
        scores = [float(outcome.accepted) for outcome in outcomes]
        traces: list[Any] | None = list(scores) if capture_traces else None
        return EvaluationBatch(outputs=list(scores), scores=scores, trajectories=traces)

    def make_reflective_dataset(
        self,
        candidate: dict[str, str],
        eval_batch: EvaluationBatch[Any, Any],
        components_to_update: list[str],
    ) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What a reflecting model would read; the stream of proposals needs none of it."""
        return {
            name: [{"score": score} for score in eval_batch.scores] for name in components_to_update
        }

    def _propose(
        self,
        candidate: dict[str, str],
        reflective_dataset: Mapping[str, Sequence[Mapping[str, Any]]],
        components_to_update: list[str],
    ) -> dict[str, str]:
        self._proposals += 1
        parent = self.candidates[candidate["harness"]]
        running = self._world.propose(
            Brief(self._proposals, parent, (), (), Random(self._proposals))
        )
        proposal = asyncio.run_coroutine_threadsafe(running, self._loop).result()
        child = proposal.candidate or parent
        self.candidates[child.id] = child
        return {"harness": child.id}


async def run(world: World, budget: int, seed: int) -> Found:
    """Let gepa spend the budget and report its best candidate with its validation average."""
    adapter = _Adapter(world, asyncio.get_running_loop())

    def optimize() -> Any:
        return run_gepa(
            seed_candidate={"harness": world.baseline.id},
            trainset=list(world.documents["train"]),
            valset=list(world.documents["validation"][:VALIDATION]),
            adapter=cast(Any, adapter),
            skip_perfect_score=False,
            max_metric_calls=budget - VALIDATION,
            logger=_Quiet(),
            seed=seed,
            track_best_outputs=False,
        )

    result = await asyncio.to_thread(optimize)
    chosen = adapter.candidates[result.best_candidate["harness"]]
    reported = float(result.val_aggregate_scores[result.best_idx])
    return claim(world, chosen, reported, VALIDATION)
