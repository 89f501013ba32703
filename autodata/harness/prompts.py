"""Prompt templates: which variables a prompt file may name, and their substitution."""

import re
from collections.abc import Collection, Mapping
from typing import Literal

from autodata.errors import HarnessError
from autodata.harness.knobs import nearest
from autodata.types import KnobValue

PromptName = Literal["main", "challenger", "verifier"]

VARIABLES: dict[PromptName, tuple[str, ...]] = {
    "main": ("document", "feedback", "rules"),
    "challenger": ("document", "feedback", "angle", "rules"),
    "verifier": ("document", "example", "notes", "rules"),
}
PROMPTS: dict[PromptName, str] = {name: f"prompts/{name}.md" for name in VARIABLES}

RECIPES = (
    "evolve",
    "backtranslate",
    "persona",
    "fuse",
    "weakness",
    "same-answer",
    "ladder",
    "concepts",
    "chain",
    "level",
    "metadata",
    "hike",
    "edit",
    "symbolic",
    "taxonomy",
    "solvable",
    "task",
    "seeds",
    "constraints",
)
"""The names of recipes (docs/recipes.md); a harness may have a prompt for any of them."""
RECIPE_FILES = {name: f"prompts/recipe-{name}.md" for name in RECIPES}
RECIPE_VARIABLES = ("material",)

_VARIABLE = re.compile(r"\{\{([^{}\n]*)\}\}")


def check_prompt(variables: Collection[str], text: str, knobs: Collection[str], file: str) -> None:
    """Make sure that every `{{variable}}` in `text` is one of these or a knob.

    Raises:
        HarnessError: names file, line and the nearest known variable.
    """
    allowed = [*variables, *(f"knobs.{knob}" for knob in knobs)]
    for number, line in enumerate(text.splitlines(), start=1):
        for match in _VARIABLE.finditer(line):
            word = match[1].strip()
            if word not in allowed:
                raise HarnessError(
                    f"{file}, line {number}: unknown variable {{{{{word}}}}}",
                    nearest(word, allowed),
                )
        if "{{" in _VARIABLE.sub("", line):
            raise HarnessError(
                f"{file}, line {number}: {{{{ without a variable and }}}} on the same line",
                "write a variable as {{name}}; a literal {{ cannot be written, put a space between",
            )


def fill(text: str, variables: Mapping[str, str], knobs: Mapping[str, KnobValue]) -> str:
    """Put values in place of variables, in one pass: what a value contains is never expanded."""
    values = {**variables, **{f"knobs.{name}": _shown(value) for name, value in knobs.items()}}
    return _VARIABLE.sub(lambda match: values[match[1].strip()], text)


def _shown(value: KnobValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
