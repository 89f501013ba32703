"""The drawing at the top of errors.py is the tree of its classes."""

import inspect
import re
from pathlib import Path

from autodata import errors

BRANCH = re.compile(r"^    (?P<stem>[│├└─ ]*)(?P<name>\w+)  +(?P<meaning>\S.*)$", re.MULTILINE)


def drawn() -> dict[str, str | None]:
    """Return each error in the drawing with the one that it hangs from."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in BRANCH.finditer(errors.__doc__ or ""):
        depth = len(line["stem"]) // 4
        path[depth:] = [line["name"]]
        parents[line["name"]] = path[depth - 1] if depth else None
    return parents


def defined() -> dict[str, str | None]:
    """Return each error class of the module with its base."""
    classes = {
        name: each
        for name, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, errors.AutodataError)
    }
    assert all(len(each.__bases__) == 1 for each in classes.values())
    bases = {name: each.__base__ for name, each in classes.items()}
    return {
        name: base.__name__ if base in classes.values() and base is not None else None
        for name, base in bases.items()
    }


def test_every_error_is_drawn_under_its_base() -> None:
    assert drawn() == defined()


def test_errors_are_drawn_in_the_order_of_their_classes() -> None:
    source = inspect.getsource(errors)
    assert list(drawn()) == re.findall(r"^class (\w+)\(", source, re.MULTILINE)


def test_no_module_keeps_an_error_of_its_own() -> None:
    family = "|".join(defined())
    package = Path(errors.__file__).parent
    elsewhere = {
        path.relative_to(package).as_posix(): match[1]
        for path in package.rglob("*.py")
        if path.name != "errors.py"
        for match in re.finditer(rf"^class (\w+)\((?:{family})\)", path.read_text("utf-8"), re.M)
    }
    assert elsewhere == {}
