"""Probes of an example's graders (canaries): answers and a document of which it is known what they
are worth. A judge or verifier that gets them wrong says nothing about this example.
"""

from autodata.concurrency import all_of
from autodata.domains.base import Domain
from autodata.episode.roles import Asking, Panel
from autodata.episode.rounds import OpenRound
from autodata.episode.shortening import Fitting
from autodata.episode.strangers import EMPTY_ANSWER, Foreign
from autodata.errors import BAD_OUTPUT
from autodata.types import Document, Probe, Verification

MOST_BAD = 0.3
"""Answers that say nothing, or nothing to the question, score below this."""
LEAST_GOOD = 0.8
"""The reference answer scores at least this."""


async def judge_probes(
    asking: Asking, domain: Domain, document: Document, opened: OpenRound, foreign: Foreign
) -> tuple[Probe, ...]:
    """Have three known answers graded; none where no judge graded the solvers'."""
    example = opened.example
    if not example.rubric or not any(attempt.satisfied for attempt in opened.attempts):
        return ()

    async def one(name: str, answer: str, good: bool) -> Probe:
        panel = Panel(asking, f"r{opened.index}.probe.{name.replace(' ', '-')}")
        score = (await domain.score(document, example, answer, panel)).value
        return Probe(name, score >= LEAST_GOOD if good else score < MOST_BAD, score)

    return tuple(
        await all_of(
            (
                one("empty answer", EMPTY_ANSWER, False),
                one("foreign answer", foreign.answer, False),
                one("reference answer", example.answer, True),
            ),
            BAD_OUTPUT,
        )
    )


async def document_probe(
    asking: Asking, domain: Domain, opened: OpenRound, foreign: Foreign
) -> Probe:
    """Verify an example with another document: it must be turned down.

    A domain that asks no verifier may do so by `fault`.
    """
    panel = Panel(asking, f"r{opened.index}.probe.foreign-document")

    async def look(document: Document) -> Verification | None:
        return await domain.verify(document, opened.example, panel)

    checked = await Fitting(foreign.document).ask(look)
    held = checked is not None and not checked.passed
    if not panel.heard_verifier:
        held = held or bool(domain.fault(foreign.document, opened.example))
    return Probe("foreign document", held)


def failed_probes(opened: OpenRound) -> tuple[str, ...]:
    """Name the probes that did not hold."""
    return tuple(f"a probe failed: {probe.name}" for probe in opened.probes if not probe.held)
