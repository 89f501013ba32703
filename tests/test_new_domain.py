"""docs/new-domain.md builds a domain: its files and commands are run, and its claims held."""

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from tests.support.command_line import TINY, Place, good, refused

GUIDE = (Path(__file__).parents[1] / "docs" / "new-domain.md").read_text("utf-8")
FILES = dict(re.findall(r"`([\w./-]+)`[^`]*?\n\n```\w+\n(.*?)```", GUIDE, re.DOTALL))
PROPOSER = """\
from autodata.search.base import Proposal
from autodata.search.proposers.base import HarnessProposer
from autodata.harness.spec import with_knobs


class Own(HarnessProposer):
    moves_knobs = True

    async def propose(self, brief):
        number, parent = brief.number, brief.parent
        harness = await self.parts.workshop.load(parent)
        harness = with_knobs(harness, {"passage_sentences": 1 + number})
        made = await self.parts.workshop.make(number, parent, harness, "more passage")
        return Proposal("own", made)
"""


@pytest.fixture
def forgotten() -> Iterator[None]:
    """Modules of the user's that are imported here are forgotten afterwards."""
    paths, modules = [*sys.path], {*sys.modules}
    yield
    sys.path[:] = paths
    forget(modules)


def forget(known: set[str]) -> None:
    """Forget the modules that were imported since, as another process would not know them."""
    for name in {*sys.modules} - known:
        if name.startswith(("my_", "test_my_")):
            del sys.modules[name]
    sys.path_importer_cache.clear()


@pytest.fixture
def guide(tmp_path: Path, forgotten: None) -> Place:
    """A project with the files of the guide."""
    place = Place(tmp_path)
    for name, text in FILES.items():
        place.write(name, text)
    return place


def test_the_guides_domain_is_short() -> None:
    assert FILES["my_sql.py"].count("\n") < 60


def test_the_guides_domain_keeps_its_contract(
    guide: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(guide.folder)
    import_module("test_my_sql").test_the_domain_keeps_its_contract()


def test_the_guides_command_runs_and_tells_of_the_query_that_never_ends(guide: Place) -> None:
    known = {*sys.modules}
    [command] = re.findall(r"^\$ autodata (.*)$", GUIDE, re.MULTILINE)
    done = good(guide(*command.split()))
    assert "2 of 2" in done.out
    assert "a score came with a note: it took more than 1 s" in done.out + done.err
    asked = "select distinct document_id from attempts where note <> ''"
    found = good(guide("sql", "--format=csv", asked)).out.split()[-1]
    traced = good(guide("trace", "first", f"c0:{found}")).out
    assert "[it took more than 1 s]" in " ".join(traced.split())

    forget(known)  # the same again asks nobody: what the function said is in the journal
    guide.edit("autodata.yaml", "expert.json", "nobody.json")
    guide.write("nobody.json", "[]")
    assert "2 of 2" in good(guide(*command.split())).out

    forget(known)
    guide.edit("my_sql.py", "found[0] == found[1]", "True")
    refused(
        guide(*command.split()),
        "the domain my_sql:Sql is another one than run first began with",
        "bring the code back, or begin a new run: --run first-2",
    )


@pytest.mark.parametrize(
    ("old", "new", "problem", "fix"),
    [
        ("longest: 300", "longer: 300", "line 8: unknown key 'domain.longer'", "'longest'"),
        ("longest: 300", "longest: 0", "line 8: domain.longest: 0: input should be", "change"),
        ("my_sql:Sql", "my_sql:Sq", "line 7: protocol.domain: my_sql:Sq cannot be", "correct"),
        ("verifiable", "deployed", "deployed asks that no weak answer scores 0", "verifiable"),
    ],
)
def test_its_settings_are_checked_as_all_others_are(
    guide: Place, old: str, new: str, problem: str, fix: str
) -> None:
    guide.edit("autodata.yaml", old, new)
    refused(guide("evaluate", "sql"), problem, fix)
    assert not (guide.folder / "runs").exists()


def test_its_settings_are_shown_and_explained(guide: Place) -> None:
    shown = good(guide("config")).out
    assert re.search(r"domain\.longest +300 +autodata\.yaml, line 8", shown)
    assert "longest query that is run" in good(guide("config", "domain.longest")).out


def test_a_proposer_of_ones_own_searches_and_is_told_from_another(
    fresh: Place, forgotten: None
) -> None:
    known = {*sys.modules}
    words = ("optimize", "--run", "own", "--set=optimize.proposer=my_proposer:Own", *TINY)
    fresh.write("my_proposer.py", PROPOSER)
    assert "own" in good(fresh(*words)).out
    assert good(fresh("sql", "--format=csv", "select kind from edits")).out.endswith("own\n")
    assert "equal, all of it" in good(fresh("replay", "own")).out

    forget(known)
    fresh.write("my_proposer.py", PROPOSER.replace("1 + number", "2 + number"))
    for again in (("replay", "own"), words):
        refused(fresh(*again), "the proposer my_proposer:Own is another one than run own", "--run")
