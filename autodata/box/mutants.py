"""Mutants: small faults put into a solution, to see whether its tests notice them.

A test suite is as good as the mutants that it kills (DeMillo, Lipton and Sayward, 1978). Stubs come
first: a body that returns nothing, its argument, or one fixed value must never pass.
"""

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A faulty solution; `what` was done to which line. A stub does none of the work."""

    source: str
    what: str
    stub: bool = False


def mutants(solution: str, values: Sequence[Any], most: int, names: Sequence[str]) -> list[Mutant]:
    """Return stubs of a solution that parses, and up to `most` mutants, always the same.

    `values` are what its tests expect, and `names` what they call.
    """
    tree = ast.parse(solution)
    made = [*_stubs(tree, values, names)]
    wanted = [
        (index, change) for index, node in enumerate(ast.walk(tree)) for change in _changes(node)
    ]
    Random(len(wanted)).shuffle(wanted)
    seen = {ast.unparse(tree)} | {mutant.source for mutant in made}
    found: list[Mutant] = []
    for index, change in wanted:
        other = copy.deepcopy(tree)
        node = next(each for number, each in enumerate(ast.walk(other)) if number == index)
        what = f"line {getattr(node, 'lineno', '?')}: {change(node)}"
        source = ast.unparse(ast.fix_missing_locations(other))
        if source not in seen and len(found) < most:
            seen.add(source)
            found.append(Mutant(source, what))
    return made + found


def _stubs(tree: ast.Module, values: Sequence[Any], names: Sequence[str]) -> Iterator[Mutant]:
    for value in dict.fromkeys(["None", *map(repr, values[:1])]):  # another would fail the first
        yield _stub(tree, names, f"return {value}", f"{value[:60]} is always returned")
    yield _stub(tree, names, "", "its first argument is returned")


def _stub(tree: ast.Module, names: Sequence[str], body: str, what: str) -> Mutant:
    """Return the solution with one body for all that tests call; "": what they are given first."""
    other = copy.deepcopy(tree)
    for node in ast.walk(other):
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            if node in other.body and node.name not in names:
                continue
            node.body = ast.parse(body or _echo(node)).body
    return Mutant(ast.unparse(ast.fix_missing_locations(other)), what, stub=True)


def _echo(node: ast.FunctionDef) -> str:
    given = [each.arg for each in node.args.args if each.arg != "self"]
    return f"return {given[0] if given else None}"


Change = Callable[[ast.AST], str]


def _changes(node: ast.AST) -> Iterator[Change]:
    """Yield what can be done to a node; each says what it did."""
    match node:
        case ast.Compare(ops=[only]) if type(only) in _SWAPS:
            yield _swap("ops")
        case ast.BinOp() | ast.AugAssign() | ast.BoolOp() if type(node.op) in _SWAPS:
            yield _swap("op")
        case ast.UnaryOp(op=ast.Not()):
            yield _drop_not
        case ast.Constant(value=bool()):
            yield _flip
        case ast.Constant(value=int()):
            yield _one_more
        case ast.If() | ast.IfExp() | ast.While():
            yield _never
        case ast.Return(value=ast.expr()):
            yield _return_nothing
        case ast.Continue() | ast.Break():
            yield _other_jump


def _swap(field: str) -> Change:
    def change(node: ast.AST) -> str:
        held = getattr(node, field)
        old = held[0] if isinstance(held, list) else held
        new = _SWAPS[type(old)]()
        setattr(node, field, [new] if isinstance(held, list) else new)
        return f"{type(new).__name__} for {type(old).__name__}"

    return change


def _drop_not(node: ast.AST) -> str:
    assert isinstance(node, ast.UnaryOp)
    node.operand, node.op = ast.UnaryOp(ast.Not(), node.operand), ast.Not()
    return "without its `not`"


def _flip(node: ast.AST) -> str:
    assert isinstance(node, ast.Constant)
    node.value = not node.value
    return f"{node.value} for {not node.value}"


def _one_more(node: ast.AST) -> str:
    assert isinstance(node, ast.Constant)
    assert isinstance(node.value, int)
    node.value += 1
    return f"{node.value} for {node.value - 1}"


def _never(node: ast.AST) -> str:
    assert isinstance(node, ast.If | ast.IfExp | ast.While)
    words = f"`{ast.unparse(node.test)[:60]}` is never so"
    node.test = ast.Constant(False)
    return words


def _return_nothing(node: ast.AST) -> str:
    assert isinstance(node, ast.Return)
    node.value = ast.Constant(None)
    return "it returns nothing"


def _other_jump(node: ast.AST) -> str:
    was = type(node).__name__
    node.__class__ = ast.Break if isinstance(node, ast.Continue) else ast.Continue
    return f"{'Break' if was == 'Continue' else 'Continue'} for {was}"
