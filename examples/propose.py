"""The smallest proposer: moves one whole-numbered knob of the harness by chance, asking no model.

In autodata.yaml, with this file beside it:

    optimize:
      proposer: {command: [python3, propose.py], seconds: 60}

It is started in a folder with a README.md, of which an agent would do what it says.
"""

import json
import random
import re
from pathlib import Path

KNOB = re.compile(r"(\w+):\s*\{(type: int[^}]*)\}")


def main() -> None:
    manifest = Path("harness/harness.yaml")
    text, log = manifest.read_text(), Path("log.md").read_text()
    moves = []
    for knob in KNOB.finditer(text):
        name, settings = knob.groups()
        low, high, value = (number_of(field, settings) for field in ("low", "high", "value"))
        for new in range(low, high + 1):
            if new != value and f"{name} {value} -> {new}" not in log:
                edited = settings.replace(f"value: {value}", f"value: {new}")
                whole = text[: knob.start(2)] + edited + text[knob.end(2) :]
                moves.append((f"{name} {value} -> {new}", whole))
    if not moves:
        raise SystemExit("every value of every knob was tried")
    move, edited = random.choice(moves)
    manifest.write_text(edited)
    episodes = [json.loads(file.read_text()) for file in Path("trajectories").glob("*.json")]
    good = sum(episode["status"] == "accepted" for episode in episodes)
    Path("summary.txt").write_text(f"{move}; {good} of {len(episodes)} documents had an example")


def number_of(field: str, settings: str) -> int:
    """Return a number of a knob's settings as they stand in the file."""
    found = re.search(rf"\b{field}: (-?\d+)", settings)
    assert found, f"a whole-numbered knob has a {field}"
    return int(found[1])


if __name__ == "__main__":
    main()
