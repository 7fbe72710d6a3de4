"""Mutants of a Python module: one wrong node each, by its syntax tree."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator

from tests.faults.mutants.sql import Mutant

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
# A statement that may be left out, were nobody to notice.
_OMITTED = (ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break)
# What may stand between `select(1)` and `.exists()`: it says which rows, and never reads what is selected, as a union would.
_WHICH_ROWS = {"where", "select_from", "join", "correlate"}


def mutants(file: str, text: str) -> Iterator[Mutant]:
    """All mutants of one module, but for those that change nothing by construction (`_left_alone`)."""
    tree = ast.parse(text)
    left_alone = {id(node) for node in _left_alone(tree)}
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in left_alone:
            continue
        for what, change in _changes(node):
            changed = copy.deepcopy(tree)
            target = next(one for place, one in enumerate(ast.walk(changed)) if place == number)
            change(target)
            yield Mutant(file, getattr(node, "lineno", 0), what, ast.unparse(ast.fix_missing_locations(changed)))


def _left_alone(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            yield from ast.walk(node.body[0])
        if isinstance(node, ast.AnnAssign):
            yield from ast.walk(node.annotation)
        if isinstance(node, ast.FunctionDef):
            for annotation in (node.returns, *(one.annotation for one in [*node.args.args, *node.args.kwonlyargs])):
                yield from ast.walk(annotation) if annotation else ()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "assert_never":
            yield from ast.walk(node)
        match node:
            # EXISTS asks whether there is such a row, not what is selected of it.
            case ast.Call(func=ast.Attribute(value=query, attr="exists"), args=[], keywords=[]):
                yield from _selected(query)
            # A table's name within one statement, all of which goes by the object.
            case ast.Call(func=ast.Attribute(attr="alias"), args=[ast.Constant(value=str()) as name], keywords=[]):
                yield name


def _selected(query: ast.AST) -> Iterator[ast.AST]:
    """The 1 of `select(1).where(...)`."""
    match query:
        case ast.Call(func=ast.Attribute(value=inner, attr=attr)) if attr in _WHICH_ROWS:
            yield from _selected(inner)
        case ast.Call(func=ast.Name(id="select"), args=[ast.Constant(value=int()) as one], keywords=[]):
            yield one


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], None]]]:
    """What may be changed at a node: a description, and a function that changes the same node of a copy."""
    match node:
        case ast.Compare(ops=ops):
            for place, op in enumerate(ops):
                if (other := _COMPARISONS.get(type(op))) is not None:
                    yield (
                        f"{type(op).__name__} → {other.__name__}",
                        lambda copied, place=place, other=other: copied.ops.__setitem__(place, other()),
                    )
        case ast.BoolOp(op=ast.And()):
            yield "and → or", lambda copied: setattr(copied, "op", ast.Or())
        case ast.BoolOp(op=ast.Or()):
            yield "or → and", lambda copied: setattr(copied, "op", ast.And())
        case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
            other_op = _ARITHMETIC[type(op)]
            yield f"{type(op).__name__} → {other_op.__name__}", lambda copied: setattr(copied, "op", other_op())
        case ast.UnaryOp(op=ast.Not()):
            yield "not → nothing", lambda copied: copied.__dict__.update(op=ast.Not(), operand=ast.UnaryOp(ast.Not(), copied.operand))
        case ast.Constant(value=bool(value)):
            yield f"{value} → {not value}", lambda copied: setattr(copied, "value", not value)
        case ast.Constant(value=int(number)):
            yield f"{number} → {number + 1}", lambda copied: setattr(copied, "value", number + 1)
        case ast.Constant(value=str(words)) if words:
            yield "another text", lambda copied: setattr(copied, "value", f"{words}X")
        case ast.Return(value=value) if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
            yield "returns None", lambda copied: setattr(copied, "value", ast.Constant(None))
        case ast.If():
            yield "if → always", lambda copied: setattr(copied, "test", ast.Constant(True))
            yield "if → never", lambda copied: setattr(copied, "test", ast.Constant(False))
    if isinstance(node, _OMITTED):
        yield "left out", _become_pass


def _become_pass(copied: ast.AST) -> None:
    """In place, since its parent holds it: an expression that does nothing."""
    copied.__class__ = ast.Expr
    copied.__dict__.update(value=ast.Constant(value=None))
