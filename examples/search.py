"""A search on simulated models, in a folder of its own: what it found, and the examples it made.

    python examples/search.py            # takes some seconds; needs no key and no GPU
"""

import json
import tempfile

import autodata

SMALL = {
    "documents.splits.validation": 16,
    "documents.splits.test": 40,
    "optimize.iterations": 3,
    "optimize.episodes": 200,
    "optimize.alpha": 0.3,
}


class Decisions(autodata.Display):
    """Prints what the search decides, and nothing else."""

    def line(self, text: str) -> None:
        if text.startswith(("edit", "sealed")):
            print(text)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = autodata.init_project(folder, "simulated")
        run = autodata.optimize(project, run="demo", settings=SMALL, seed=19, display=Decisions())
        print(run)
        print("best:", run.best, run.harness().values)
        examples = run.examples().filter("split = 'test'").rows(limit=3)
        for example in examples:
            print(json.dumps({name: example[name] for name in ("context", "question", "answer")}))


if __name__ == "__main__":
    main()
