"""The contract of an evaluator: what a search takes for granted of whoever measures a candidate."""

from collections.abc import Callable, Sequence

from autodata.concurrency import all_of
from autodata.search.base import Evaluator
from autodata.testing.contract import Contract, expect
from autodata.types import Candidate, Cell, Outcome


class EvaluatorContract(Contract):
    """The rules; see `check_evaluator`."""

    def __init__(
        self, make: Callable[[], Evaluator], candidate: Candidate, cells: Sequence[Cell]
    ) -> None:
        self._make = make
        self._candidate = candidate
        self._cells = cells

    async def _found(self, evaluator: Evaluator, cells: Sequence[Cell]) -> list[Outcome]:
        return await evaluator.evaluate(self._candidate, cells)

    async def gives_an_outcome_for_each_cell_in_order(self) -> None:
        """Outcomes are paired by their place."""
        found = await self._found(self._make(), self._cells)
        told = [outcome.cell for outcome in found]
        expect(told == list(self._cells), f"asked for {list(self._cells)}, got {told}")
        plain = all(isinstance(outcome.accepted, bool) for outcome in found)
        expect(plain, "an outcome is accepted or not, a bool")

    async def gives_none_for_no_cells(self) -> None:
        """A race may have nothing left to ask."""
        found = await self._found(self._make(), [])
        expect(found == [], f"it gave {found}")

    async def measures_a_cell_once(self) -> None:
        """The same candidate and cell have one outcome, for ever."""
        evaluator = self._make()
        first, second = [await self._found(evaluator, self._cells) for _ in "ab"]
        expect(first == second, f"asked again it says {second}, was {first}")

    async def bears_to_be_asked_side_by_side(self) -> None:
        """Iterations are under way at the same time, and share cells."""
        evaluator = self._make()
        parts = [self._cells, list(reversed(self._cells)), self._cells[:1]]
        found = await all_of([self._found(evaluator, part) for part in parts])
        expect(found[0] == list(reversed(found[1])), "the order of cells changes outcomes")
        expect(found[2] == found[0][:1], "whoever else asks changes an outcome")


def check_evaluator(
    make: Callable[[], Evaluator], candidate: Candidate, cells: Sequence[Cell]
) -> None:
    """Hold an evaluator, which `make` makes anew, against its contract.

    Raises:
        ContractBroken: names every rule that is broken.
    """
    EvaluatorContract(make, candidate, cells).hold("the evaluator")
