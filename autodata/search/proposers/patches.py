"""Edits by search and replace: small changes to a harness's files, which merge with others."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pydantic import Field

from autodata.domains.replies import RoleReply
from autodata.errors import HarnessError
from autodata.harness.knobs import MANIFEST

_QUOTED = 120


class PatchReply(RoleReply):
    """One place of a file, and what is to stand there."""

    path: str
    search: str = Field(
        description="text that stands exactly once in the file, whole lines, as short as that "
        "allows; empty only to write a file that is not there yet"
    )
    replace: str = Field(description="what stands there instead")


def patched(files: Mapping[str, str], patches: Sequence[PatchReply]) -> dict[str, str]:
    """Return the files that patches change, with their new text; they apply one after the other.

    Raises:
        HarnessError: a patch does not apply; says which and why, for whoever wrote it.
    """
    changed: dict[str, str] = {}
    for number, patch in enumerate(patches, 1):
        if patch.path == MANIFEST:
            raise HarnessError(f"patch {number}: {MANIFEST} is fixed", "set knobs by `knobs`")
        text = changed.get(patch.path, files.get(patch.path))
        changed[patch.path] = _apply(f"patch {number}, {patch.path}", text, patch)
    return {path: text for path, text in changed.items() if files.get(path) != text}


def _apply(where: str, text: str | None, patch: PatchReply) -> str:
    if not patch.search:
        if text:
            fix = "quote the lines that it replaces, or those beside the place"
            raise HarnessError(f"{where}: `search` is empty, and the file is not", fix)
        return patch.replace
    count = (text or "").count(patch.search)
    if text is not None and count == 1:
        return text.replace(patch.search, patch.replace)
    if count:
        problem = f"`search` stands {count} times in the file: quote more lines around the place"
    elif text is None:
        problem = "there is no such file"
    else:
        first = next((line for line in patch.search.splitlines() if line.strip()), "")
        near = get_close_matches(first, text.splitlines(), 1, 0.5)
        problem = f"`search` does not stand in the file: {first[:_QUOTED]!r}"
        problem += f"; the nearest line is {near[0][:_QUOTED]!r}" if near else ""
    raise HarnessError(f"{where}: {problem}", "correct the patch")
