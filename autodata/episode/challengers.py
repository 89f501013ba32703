"""The challengers of an episode: a harness's prompt goes out once, or to several side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from autodata.concurrency import all_of
from autodata.domains.replies import Draft
from autodata.episode.roles import Asking, sampling
from autodata.episode.shortening import Fitting
from autodata.errors import BAD_OUTPUT, AutodataError
from autodata.harness.spec import Harness
from autodata.models.base import Message, Request
from autodata.types import Document, Example

MOST_AT_ONCE = 8
"""So many challengers are asked side by side at most."""


@dataclass(frozen=True, slots=True)
class Challengers:
    """Asks for examples with the harness's prompt, in the form of the domain."""

    asking: Asking
    harness: Harness
    fitting: Fitting
    form: type[Draft]
    rules: str

    async def one(self, ordinal: str, feedback: str, angle: str) -> Example:
        """Return an example.

        Raises:
            Refused, Truncated, Malformed, ContextTooLong, CallFailed: the reply was of no use.
        """

        async def ask(document: Document) -> Draft:
            prompt = self.harness.prompt(
                "challenger",
                document=document.text,
                feedback=feedback,
                angle=angle,
                rules=self.rules,
            )
            request = Request(messages=(Message("user", prompt),))
            request = sampling(self.asking, "challenger", ordinal, request)
            return await self.asking.structured("challenger", ordinal, request, self.form)

        return (await self.fitting.ask(ask)).example()

    async def many(self, ordinal: str, feedback: str, angles: Sequence[str]) -> list[Example]:
        """Return an example for each angle, but for replies that were of no use.

        Raises:
            Refused, Truncated, Malformed, ContextTooLong, CallFailed: all of them were; the first.
        """

        async def one(number: int, angle: str) -> Example | AutodataError:
            try:
                return await self.one(f"{ordinal}.{number}", feedback, angle)
            except BAD_OUTPUT as error:
                return error

        chosen = list(angles)[:MOST_AT_ONCE]
        found = await all_of(one(number, angle) for number, angle in enumerate(chosen))
        examples = [example for example in found if isinstance(example, Example)]
        failed = [error for error in found if isinstance(error, AutodataError)]
        if failed and not examples:
            raise failed[0]
        return examples
