"""`python -m tests.attacks [WORD]`: every row (with WORD in its name), and what is seen today.

`python -m tests.attacks --write` writes the list of what still succeeds into docs/threat-model.md.
"""

import asyncio
import sys
from importlib import import_module
from pathlib import Path

from tests.attacks.rows import Row
from tests.support.readme import ROOT, put

DOCUMENT = ROOT / "docs" / "threat-model.md"
BLOCK = "open attacks"


def mechanisms() -> dict[str, list[Row]]:
    """All rows, by the module that holds them: each is about one mechanism."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
    modules = {name: import_module(f"tests.attacks.{name}") for name in names}
    return {name: module.ROWS for name, module in modules.items() if hasattr(module, "ROWS")}


def open_attacks() -> str:
    """The table of rows that still succeed."""
    lines = ["| what | attack | how far it gets |", "|---|---|---|"]
    for name, rows in mechanisms().items():
        about = import_module(f"tests.attacks.{name}").__doc__ or name
        what = about.partition(":")[0].partition(", ")[0]
        lines += [f"| {what} | {row.name} | {row.succeeds} |" for row in rows if row.succeeds]
    return "\n".join(lines)


async def show(word: str) -> None:
    """Try every row and print it."""
    for name, rows in mechanisms().items():
        for row in rows:
            if word not in f"{name} {row.name}":
                continue
            try:
                seen = await row.tried()
                held = "held" if row.expected.holds(seen) else "SUCCEEDS"
            except Exception as error:  # noqa: BLE001 - a row that ends a run is a hole
                seen, held = f"{type(error).__name__}: {error}", "SUCCEEDS"
            told = f" (says {row.succeeds!r})" if row.succeeds else ""
            print(f"{held:9}{name} / {row.name}: {row.expected.words} <- {seen}{told}")  # noqa: T201


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    if chosen == "--write":
        DOCUMENT.write_text(put(DOCUMENT.read_text(), BLOCK, open_attacks()))
    else:
        asyncio.run(show(chosen))
