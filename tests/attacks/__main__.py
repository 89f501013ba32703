"""`python -m tests.attacks [WORD]`: every row (with WORD in its name), and what is seen today."""

import asyncio
import sys
from importlib import import_module
from pathlib import Path

from tests.attacks.rows import Row


def mechanisms() -> dict[str, list[Row]]:
    """All rows, by the module that holds them: each is about one mechanism."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
    modules = {name: import_module(f"tests.attacks.{name}") for name in names}
    return {name: module.ROWS for name, module in modules.items() if hasattr(module, "ROWS")}


async def main(word: str) -> None:
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
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
