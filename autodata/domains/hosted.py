"""The border to a domain's code: what it raises or returns wrongly ends a run by its name.

A domain is the user's own code, whose faults say nothing about an example and must not score one.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from autodata.config.plugins import Plugin, error_line
from autodata.domains.base import Domain, RoleSettings
from autodata.domains.grading import Graders, Score
from autodata.domains.isolated import printable
from autodata.errors import AutodataError, PluginFailed
from autodata.models.base import Request
from autodata.types import AuditForm, Document, Example, Round, Verification

T = TypeVar("T")

DECLARED = (
    "together",
    "example_reply",
    "compares",
    "most_answer",
    "judge_prompt",
    "verifier_prompt",
    "verified",
    "auditor_prompt",
)
"""What a domain says of itself without being asked, as far as an episode goes by it."""


def hosted(plugin: Plugin, settings: Any) -> "Hosted":
    """Make a domain that was found, with its settings.

    Raises:
        PluginFailed: it cannot be made.
        ConfigurationError: something it needs is missing.
    """
    try:
        return Hosted(plugin.name, plugin.made(settings))
    except AutodataError:
        raise
    except Exception as error:
        raise PluginFailed(
            f"the domain {plugin.name} cannot be made: {error_line(error)}", "mend its __init__"
        ) from error


class Hosted(Domain):
    """A domain behind that border, under the name that the configuration has for it.

    Raises `PluginFailed` where the domain raises anything that is no error of autodata's.
    """

    def __init__(self, name: str, domain: Domain) -> None:
        super().__init__(domain.settings)
        self._name = name
        self._domain = domain
        for declared in DECLARED:
            setattr(self, declared, getattr(domain, declared))

    def fault(self, document: Document, example: Example) -> str:
        """See `Domain`."""
        with self._border("fault"):
            return self._checked("fault", str, self._domain.fault(document, example))

    def origin(self, document: Document, example: Example, others: Sequence[Document]) -> str:
        """See `Domain`."""
        with self._border("origin"):
            return self._checked("origin", str, self._domain.origin(document, example, others))

    async def examine(self, document: Document, example: Example, graders: Graders) -> str:
        """See `Domain`."""
        with self._border("examine"):
            found = await self._domain.examine(document, example, graders)
            return printable(self._checked("examine", str, found))

    def checks(self) -> Mapping[str, str]:
        """See `Domain`."""
        with self._border("checks"):
            return {str(reason): str(what) for reason, what in self._domain.checks().items()}

    def question(self, document: Document, example: Example, solver: RoleSettings) -> Request:
        """See `Domain`."""
        with self._border("question"):
            asked = self._domain.question(document, example, solver)
            return self._checked("question", Request, asked)

    def answer(self, text: str) -> str:
        """See `Domain`."""
        with self._border("answer"):
            return self._checked("answer", str, self._domain.answer(text))

    async def score(
        self, document: Document, example: Example, answer: str, graders: Graders
    ) -> Score:
        """See `Domain`."""
        with self._border("score"):
            found = await self._domain.score(document, example, answer, graders)
            score = self._checked("score", Score, found)
        if not (isinstance(score.value, int | float) and 0 <= score.value <= 1):
            raise self._failed("score", f"returned {score.value!r:.50}, no number from 0 to 1")
        note, scored_by = printable(str(score.note)), printable(str(score.scored_by))
        return replace(score, note=note, scored_by=scored_by)

    async def review(
        self, tried: Round, earlier: Sequence[Round], graders: Graders
    ) -> Verification | None:
        """See `Domain`."""
        with self._border("review"):
            found = await self._domain.review(tried, earlier, graders)
            return None if found is None else self._checked("review", Verification, found)

    async def verify(
        self, document: Document, example: Example, graders: Graders
    ) -> Verification | None:
        """See `Domain`."""
        with self._border("verify"):
            found = await self._domain.verify(document, example, graders)
            return None if found is None else self._checked("verify", Verification, found)

    async def audit(self, document: Document, example: Example, graders: Graders) -> AuditForm:
        """See `Domain`."""
        with self._border("audit"):
            found = await self._domain.audit(document, example, graders)
            return self._checked("audit", AuditForm, found)

    @contextmanager
    def _border(self, method: str) -> Iterator[None]:
        try:
            yield
        except AutodataError:
            raise
        except Exception as error:
            raise self._failed(method, f"raised {error_line(error)}") from error

    def _checked(self, method: str, wanted: type[T], found: Any) -> T:
        if not isinstance(found, wanted):
            raise self._failed(method, f"returned {found!r:.50}, no {wanted.__name__}")
        return found

    def _failed(self, method: str, what: str) -> PluginFailed:
        return PluginFailed(
            f"the domain {self._name} failed: {method} {what}",
            "mend it, and hold it against autodata.testing.check_domain; nothing is lost",
        )
