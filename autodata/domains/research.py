"""The research domain: a question about a document, graded by a rubric or by its exact answer.

Knows the final filters of "Autodata" (Kulikov et al., arXiv 2606.25996): no leak of the reference
into the context, a context long enough, a rubric well formed. Calls no model.
"""

from collections.abc import Mapping, Sequence

from pydantic import Field

from autodata.config.section import Count, Section
from autodata.domains.base import Domain, RoleSettings
from autodata.domains.grading import JUDGE_PROMPT, VERIFIER_PROMPT
from autodata.domains.leaks import LEAK_WORDS, leak
from autodata.domains.origin import rare_share
from autodata.domains.texts import folded
from autodata.models.base import Message, Request
from autodata.types import Document, Example

SOLVER_PROMPT = (
    "Answer the question as well as you can. Reason step by step where it helps, then end with "
    "your answer. If the answer is a single value or short phrase, put it alone on the last line "
    "after 'Answer:'."
)


class ResearchSettings(Section):
    """The section `domain` of the research domain."""

    min_context_chars: Count = Field(200, description="shortest context that is accepted")
    rare_words: float = Field(
        0.1,
        ge=0,
        le=1,
        description="least share of an example's rare words that its document must hold; "
        "0: not asked",
    )


class Research(Domain):
    """Examples with a context that is long enough, and a rubric or a short answer."""

    roles = ("main", "challenger", "verifier", "judge")
    settings_type = ResearchSettings
    judge_prompt = JUDGE_PROMPT
    verifier_prompt = VERIFIER_PROMPT

    def checks(self) -> Mapping[str, str]:
        """Say what the final filters ask for."""
        settings = self.settings
        rare = f"fewer than {settings.rare_words:.0%} of its rare words are in the document"
        return {
            "the question is empty": "",
            "the reference answer is empty": "",
            "the context is too short": f"at least {settings.min_context_chars} characters",
            "the rubric has fewer than 3 or more than 20 criteria": "or it is empty, and the "
            "answer checkable",
            "the rubric has a weight outside of -10..10 or zero": "",
            "the rubric has no positive weight": "",
            "the rubric has an empty or doubled criterion": "",
            "the reference answer leaks into the context": "neither context nor question holds "
            f"{LEAK_WORDS} of its words in a row or much of its wording, in disguise neither",
            "a criterion leaks into the context": "likewise, of a positive one",
            rare: "words that no other document has; of context, question and answer together",
        }

    def fault(self, document: Document, example: Example) -> str:
        """Name the first final filter the example fails, or return an empty string."""
        weights = [line.weight for line in example.rubric]
        texts = [folded(line.criterion) for line in example.rubric]
        rules = {
            "the question is empty": not example.question.strip(),
            "the reference answer is empty": not example.answer.strip(),
            "the context is too short": len(example.context.strip())
            < self.settings.min_context_chars,
            "the rubric has fewer than 3 or more than 20 criteria": bool(weights)
            and not 3 <= len(weights) <= 20,
            "the rubric has a weight outside of -10..10 or zero": any(
                weight == 0 or abs(weight) > 10 for weight in weights
            ),
            "the rubric has no positive weight": bool(weights) and max(weights) <= 0,
            "the rubric has an empty or doubled criterion": not all(texts)
            or len({*texts}) < len(texts),
        }
        return next((name for name, broken in rules.items() if broken), "") or leak(example)

    def origin(self, document: Document, example: Example, others: Sequence[Document]) -> str:
        """Compare rare words; the audit with another document comes later, before acceptance."""
        text = f"{example.context} {example.question} {example.answer}"
        least = self.settings.rare_words
        if not others or rare_share(text, document, others) >= least:
            return ""
        return f"fewer than {least:.0%} of its rare words are in the document"

    def question(self, document: Document, example: Example, solver: RoleSettings) -> Request:
        """Show context and question; a privileged solver also gets the source document."""
        parts = [f"<context>\n{example.context}\n</context>", example.question]
        if solver.privileged:
            parts.insert(0, f"<document>\n{document.text}\n</document>")
        return Request(
            messages=(Message("system", SOLVER_PROMPT), Message("user", "\n\n".join(parts))),
            max_tokens=solver.max_tokens,
        )
