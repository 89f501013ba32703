"""The provider `scripted`: replies from a script, for tests and demonstrations only."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autodata.config.providers.scripted import ScriptedConfig
from autodata.errors import ConfigurationError, RequestRejected
from autodata.models.base import USUAL, Deadlines, Reply, Request
from autodata.models.providers.registry import Surroundings

ScriptedAnswer = Reply | Exception


@dataclass(frozen=True, slots=True)
class ScriptedReply:
    """A scripted reply to every request whose text contains `contains`."""

    contains: str
    text: str


class ScriptedModel:
    """Answers with what `answer(request)` returns; an exception is raised."""

    def __init__(self, answer: Callable[[Request], ScriptedAnswer]) -> None:
        self._answer = answer

    @classmethod
    def from_lines(cls, lines: Sequence[ScriptedReply]) -> "ScriptedModel":
        """ScriptedAnswer each request with the first line that fits it."""

        def answer(request: Request) -> ScriptedAnswer:
            text = request.prompt + "\n".join(message.content for message in request.messages)
            for line in lines:
                if line.contains in text:
                    return Reply(line.text, "stop", (), len(text) // 4, len(line.text) // 4)
            return RequestRejected(
                "the script has no line for this request", "add a line with a fitting `contains`"
            )

        return cls(answer)

    @classmethod
    def of(cls, settings: ScriptedConfig, place: Surroundings) -> "ScriptedModel":
        """Read the script that the settings name; see `from_file`."""
        return cls.from_file(place.root / settings.script)

    @classmethod
    def from_file(cls, path: Path) -> "ScriptedModel":
        """Read a script: a JSON list of {"contains": "...", "text": "..."}.

        Raises:
            ConfigurationError: the file is not such a list.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls.from_lines([ScriptedReply(**line) for line in data])
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"script {path}: {error}", 'write a JSON list of {"contains": "", "text": "..."}'
            ) from error

    async def complete(self, request: Request, deadlines: Deadlines = USUAL) -> Reply:
        """Return the scripted reply."""
        answer = self._answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing to release."""
