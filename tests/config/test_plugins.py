"""Names of domains and proposers, shipped or of the user's own, and the version of each."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autodata.config import plugins
from autodata.errors import ConfigurationError

DOMAIN = "from autodata.domains import Domain\n\n\nclass Own(Domain):\n    pass\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose modules can be imported, and are forgotten afterwards."""
    paths, modules = [*sys.path], {*sys.modules}
    plugins.look_in(tmp_path)
    yield tmp_path
    sys.path[:] = paths
    for name in {*sys.modules} - modules:
        del sys.modules[name]


def refused(kind: plugins.Kind, name: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        plugins.find(kind, name)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in plugins.SHIPPED for name in plugins.SHIPPED[kind]]
)
def test_what_is_shipped_has_no_version_but_autodatas(kind: plugins.Kind, name: str) -> None:
    assert plugins.find(kind, name).version == ""


def test_a_class_of_a_module_beside_autodata_yaml_is_found(folder: Path) -> None:
    (folder / "own_a.py").write_text(DOMAIN)
    found = plugins.find("domain", "own_a:Own")
    assert (found.made.__name__, found.version[:7]) == ("Own", "sha256:")


def test_an_entry_point_of_an_installed_package_is_found(folder: Path) -> None:
    (folder / "own_b.py").write_text(DOMAIN)
    (folder / "own_b-1.dist-info").mkdir()
    (folder / "own_b-1.dist-info" / "entry_points.txt").write_text(
        "[autodata.domains]\nown = own_b:Own\n"
    )
    assert plugins.find("domain", "own").made.__name__ == "Own"
    assert "'own'" in refused("domain", "owm").fix


def test_a_module_never_hides_one_that_is_installed(folder: Path) -> None:
    assert sys.path[-1] == str(folder)


@pytest.mark.parametrize(
    ("name", "problem", "fix"),
    [
        ("reserch", "protocol.domain: 'reserch' is no domain", "did you mean 'research'?"),
        ("lost:Own", "lost:Own cannot be imported: ModuleNotFoundError", "beside autodata.yaml"),
        ("own_c:Lost", "own_c:Lost cannot be imported: AttributeError", "correct the name"),
        ("own_c:Plain", "own_c:Plain is no domain: it has no `roles`", "domains.base.Domain"),
        ("own_d:Own", "own_d:Own cannot be imported: ZeroDivisionError", "mend it"),
    ],
)
def test_what_is_no_domain_is_refused_by_name(
    folder: Path, name: str, problem: str, fix: str
) -> None:
    (folder / "own_c.py").write_text("class Plain:\n    pass\n")
    (folder / "own_d.py").write_text("x = 1\ny = x / 0\n")
    error = refused("domain", name)
    assert problem in error.problem
    assert fix in error.fix
    assert name != "own_d:Own" or "(own_d.py, line 2)" in error.problem


def test_a_domain_is_no_proposer(folder: Path) -> None:
    (folder / "own_e.py").write_text(DOMAIN)
    assert "has no `wants_minibatch`" in refused("proposer", "own_e:Own").problem


def version(folder: Path, text: str) -> str:
    """The version of a class once its module has this text, in a program of its own."""
    (folder / "own_f.py").write_text(text)
    sys.modules.pop("own_f", None)
    sys.modules.pop("own_g", None)
    sys.path_importer_cache.clear()
    return plugins.find("domain", "own_f:Own").version


def test_another_source_is_another_version_unless_the_class_says_its_own(folder: Path) -> None:
    first = version(folder, DOMAIN)
    assert version(folder, f"{DOMAIN}# changed, and longer\n") != first
    assert version(folder, DOMAIN) == first
    own = DOMAIN.replace("pass", "version = '3'")
    assert version(folder, own) == version(folder, f"{own}# changed, and longer\n") == "3"


def test_its_own_bases_and_functions_count_wherever_they_lie(folder: Path) -> None:
    text = (
        "from own_g import check\nfrom autodata.domains import Domain, Isolated\n"
        "class Own(Domain):\n    check = Isolated(check)\n"
    )
    (folder / "own_g.py").write_text("def check(): return 1\n")
    first = version(folder, text)
    (folder / "own_g.py").write_text("def check(): return 1234\n")
    assert version(folder, text) != first


def test_a_package_counts_as_a_whole(folder: Path) -> None:
    package = folder / "own_h"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("x = 1\n")
    (package / "kind.py").write_text(DOMAIN)
    first = plugins.find("domain", "own_h.kind:Own").version
    (package / "helper.py").write_text("x = 1234\n")
    for name in [name for name in sys.modules if name.startswith("own_h")]:
        del sys.modules[name]
    assert plugins.find("domain", "own_h.kind:Own").version != first


def test_the_version_is_of_the_code_that_was_imported_not_of_what_lies_there_since(
    folder: Path,
) -> None:
    (folder / "own_i.py").write_text(DOMAIN)
    first = plugins.find("domain", "own_i:Own").version
    (folder / "own_i.py").write_text(f"{DOMAIN}# changed meanwhile\n")
    assert plugins.find("domain", "own_i:Own").version == first


def test_nobody_else_knows_a_domain_by_name() -> None:
    """Neither its name, where that is no everyday word, nor its module, nor its class."""
    package = Path(plugins.__file__).parents[1]
    shipped = plugins.SHIPPED["domain"]
    modules, classes = zip(*(path.split(":") for path, _ in shipped.values()), strict=True)
    names = "|".join(shipped.keys() - {"code", "legal", "math"})  # everyday words
    known = re.compile(
        rf"(?i:{names})|{'|'.join(map(re.escape, modules))}\b|\b(?:{'|'.join(classes)})\("
    )
    own = [package.parent / f"{module.replace('.', '/')}.py" for module in modules]
    found = {
        str(file.relative_to(package)): known.findall(file.read_text("utf-8"))
        for file in package.rglob("*.py")
        if file not in (*own, Path(plugins.__file__))
    }
    assert {file: told for file, told in found.items() if told} == {
        "config/schema.py": ["research"]  # the default of protocol.domain
    }
