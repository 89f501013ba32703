"""Commands that prepare a project and the machine: `init`, `doctor`, `models`, `bench`."""

import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autodata.cli.base import (
    LARGEST_SEED,
    AsJson,
    ConfigFile,
    Models,
    Settings,
    out,
    out_json,
    printable,
)
from autodata.project import TEMPLATES, examine_project, find_root, plan_project, written

if TYPE_CHECKING:
    from autodata.jobs.doctor.probes import Check


def init(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="local, openai, anthropic, vllm or simulated",
            autocompletion=lambda: [*TEMPLATES],
        ),
    ] = "local",
) -> None:
    """Write autodata.yaml and a harness here; make the git repository where there is none."""
    root = find_root(Path.cwd())
    files = plan_project(root, kind)
    from autodata.harness.new_repository import first_commit, new_repository

    with new_repository(root) as made, written(files):
        committed = made and first_commit(root, files)
    if made:
        out(f"made a git repository in {root}")
    for path in files:
        out(f"wrote {path.relative_to(root)}")
    if committed:
        out("committed them")
    missing = {check.fix: check.what for check in reversed(asyncio.run(_missing(root)))}
    for fix, what in reversed(missing.items()):
        out(f"first: {printable(fix)}    # {printable(what)}")
    out("then: autodata optimize" if missing else "next: autodata optimize")


async def _missing(root: Path) -> "list[Check]":
    """Return what a first search would fail for; a name for commits can wait."""
    from autodata.jobs.doctor import checks

    project, reading = examine_project(root, None, [], None)
    found = await checks.check_all(root, project, reading)
    if project is not None:
        found += checks.check_models(project, checks.sound(project, reading))[0]
    return [check for check in found if not check.good and "needed to promote" not in check.what]


def models_pull(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model that autodata can serve.")
    ] = "smollm2",
) -> None:
    """Fetch a model's weights into the cache ahead of time."""
    from autodata.models.serving.weights import cache_folder, pull

    out(str(pull(name, cache_folder(os.environ))))


def models_list() -> None:
    """List the models that autodata can fetch, and whether they are there."""
    from autodata.models.serving.weights import KNOWN, cache_folder, cached

    for name in KNOWN:
        found = cached(name, cache_folder(os.environ))
        out(f"{name}  {found or 'not fetched: autodata models pull ' + name}")


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
    from autodata.jobs.doctor import checks, probes, trials

    start = Path.cwd()
    project, reading = examine_project(start, config, list(settings or []), models)
    bad = 0

    def show(found: Iterable[probes.Check]) -> None:
        nonlocal bad
        for check in found:
            bad += not check.good
            out(f"{'ok ' if check.good else 'BAD'}  {printable(check.what)}")
            for line in (*check.more, *([f"fix: {check.fix}"] if check.fix else [])):
                out(f"     {printable(line)}")

    async def look() -> None:
        show(await checks.check_all(find_root(start), project, reading))
        if project is not None:
            sound = checks.sound(project, reading)
            found, ready = checks.check_models(project, sound)
            show([*found, *await probes.ask_all(sound)])
            if call:
                await trials.call_all(project, ready, lambda check: show([check]))

    asyncio.run(look())
    if bad:
        raise typer.Exit(2)


def bench_search(
    landscape: Annotated[str, typer.Option(help="A landscape, or `all`.")] = "all",
    policy: Annotated[str, typer.Option(help="A policy, or `all`.")] = "all",
    budget: Annotated[
        list[int] | None, typer.Option(help="Episodes; repeat for several. [1500 2400 5000 14000]")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Seeded runs each.")] = 100,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="First seed.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Run search policies on simulated landscapes whose truth is known (no model is called)."""
    from autodata.bench import comparison

    rows = comparison.bench_search(
        comparison.landscapes_named(landscape),
        comparison.policies_named(policy),
        budget or comparison.BUDGETS,
        runs,
        seed,
        lambda line: print(line, file=sys.stderr),
        os.cpu_count() or 1,
    )
    if as_json:
        out_json(rows)
    else:
        out(comparison.render(rows))
