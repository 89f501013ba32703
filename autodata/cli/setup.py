"""Commands that prepare a project and the machine: `init`, `doctor`, `models`, `bench`."""

import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from autodata.api.project import KINDS_OF_MODELS
from autodata.cli.base import (
    LARGEST_SEED,
    AsJson,
    ConfigFile,
    KeptAs,
    Models,
    Settings,
    here,
    make_console,
    out,
    out_json,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autodata.api.upkeep import Check
    from autodata.bench.policies import SearchPolicy
    from autodata.types import Json


def init(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="local, openai, anthropic, vllm or simulated",
            autocompletion=lambda: [*KINDS_OF_MODELS],
        ),
    ] = "local",
) -> None:
    """Write autodata.yaml and a harness here; make the git repository where there is none."""
    from autodata.api import upkeep

    project = here()
    begun = upkeep.init(project, kind)
    if begun.repository:
        out(f"made a git repository in {project.folder}")
    for path in begun.files:
        out(f"wrote {path.relative_to(project.folder)}")
    if begun.committed:
        out("committed them")
    missing = {check.fix: check.what for check in reversed(begun.missing)}
    for fix, what in reversed(missing.items()):
        out(f"first: {printable(fix)}    # {printable(what)}")
    out("then: autodata optimize" if missing else "next: autodata optimize")


def models_pull(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model that autodata can serve.")
    ] = "smollm2",
) -> None:
    """Fetch a model's weights into the cache ahead of time."""
    from autodata.api import upkeep

    out(str(upkeep.fetch_weights(name)))


def models_list() -> None:
    """List the models that autodata can fetch, and whether they are there."""
    from autodata.api import upkeep

    for name, file in upkeep.weights_known().items():
        out(f"{name}  {file or 'not fetched: autodata models pull ' + name}")


def doctor(
    call: Annotated[
        bool,
        typer.Option("--call", help="Make one small paid call for each role, and show the reply."),
    ] = False,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
) -> None:
    """Check what a run would need, without starting one: all faults at once."""
    from autodata.api import upkeep

    def show(check: "Check") -> None:
        out(f"{'ok ' if check.good else 'BAD'}  {printable(check.what)}")
        for line in (*check.more, *([f"fix: {check.fix}"] if check.fix else [])):
            out(f"     {printable(line)}")

    made = upkeep.doctor(here(config, settings, models), show, call)
    if not all(check.good for check in made):
        raise typer.Exit(2)


def bench_search(
    landscape: Annotated[str, typer.Option(help="A landscape, or `all`.")] = "all",
    policy: Annotated[str, typer.Option(help="A policy, or `all`.")] = "all",
    budget: Annotated[
        list[int] | None, typer.Option(help="Episodes; repeat for several. [1500 2400 5000 14000]")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Seeded runs each.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="First seed.")] = 0,
    clashes: Annotated[
        float, typer.Option(min=0, max=1, help="Share of pairs of edits that do not merge.")
    ] = 0.0,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="POLICY:BUDGET", help="Compare with this, run by run; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run search policies on simulated landscapes whose truth is known (no model is called)."""
    from autodata.bench import comparison as bench
    from autodata.bench import paired

    def measured(policies: "Sequence[SearchPolicy]", budgets: "Sequence[int]") -> "list[Json]":
        return bench.bench_search(
            landscapes,
            policies,
            budgets,
            range(seed, seed + runs),
            lambda line: print(line, file=sys.stderr),
            os.cpu_count() or 1,
        )

    landscapes = bench.landscapes_named(landscape, clashes)
    rivals = [paired.rival_named(text) for text in against or ()]
    rows = measured(bench.policies_named(policy), budget or bench.BUDGETS)
    theirs = [row for rival in rivals for row in measured([rival.policy], [rival.budget])]
    found = paired.differences(rows, theirs)
    if as_json:
        out_json({"rows": rows, "differences": found} if rivals else rows)
    else:
        out(bench.render(rows))
        if rivals:
            out("\n" + paired.render_differences(found))


def bench_attacks(
    documents: Annotated[int, typer.Option(min=1, help="Training documents for each.")] = 20,
    run: KeptAs = None,
    config: ConfigFile = None,
    settings: Settings = None,
    models: Models = None,
    as_json: AsJson = False,
) -> None:
    """Run 12 dishonest harnesses against your verifier and judge: what would they let through?"""
    from autodata.api import attacks
    from autodata.cli.display import watched
    from autodata.report import attacks as report

    console = make_console(as_json)
    command = f"autodata bench attacks --documents {documents}"
    with watched(console, lambda name: f"{command} --run {name}") as view:
        done = attacks.bench_attacks(here(config, settings, models), run, documents, display=view)
    rows = [asdict(rate) for rate in done.rates]
    if as_json:
        out_json({"run_id": done.run.name, "attacks": rows, "simulated": done.simulated})
    else:
        out(report.attack_table(rows))
        out(f"look closer: autodata sql \"from rounds where run_id = '{done.run.name}'\"")
