"""Write the documents of the labelled run: eight topics of Python's own help, into `docs`."""

from pathlib import Path
from pydoc_data.topics import topics

TOPICS = ("while", "assert", "lambda", "global", "del", "return", "nonlocal", "continue")


def main() -> None:
    """Write a file for each topic."""
    folder = Path("docs")
    folder.mkdir(exist_ok=True)
    for topic in TOPICS:
        (folder / f"{topic}.txt").write_text(topics[topic])


if __name__ == "__main__":
    main()
