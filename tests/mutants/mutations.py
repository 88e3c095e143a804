"""Small faults that can be put into a Python source, each as a replacement of one piece of its text.

Not mutated: strings, annotations, decorators, assertions, logging, and constants of durations
(`…_S`), since no result depends on them. A returned False becomes True, not None as well: a condition
takes both alike.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeGuard

COMPARISONS: Final = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
OPERATORS: Final = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "//",
    ast.LShift: ">>",
    ast.RShift: "<<",
    ast.BitAnd: "|",
    ast.BitOr: "&",
}


@dataclass(frozen=True, slots=True)
class Mutation:
    """A replacement of ``source[start:end]``, in bytes of the UTF-8 source, by ``text``."""

    start: int
    end: int
    text: str

    def apply(self, source: bytes) -> bytes:
        """Return the source with the fault."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def find_mutations(source: bytes) -> list[Mutation]:
    """Return all faults for a source, in the order of the text."""
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    return sorted(set(finder.found), key=lambda found: (found.start, found.end, found.text))


class _Finder(ast.NodeVisitor):
    def __init__(self, source: bytes) -> None:
        self._source = source
        self._offsets = [0]
        for line in source.splitlines(keepends=True):
            self._offsets.append(self._offsets[-1] + len(line))
        self.found: list[Mutation] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assert) or _is_log_call(node) or _sets_duration(node):
            return
        self.found += self._mutate_expression(node)
        self.found += self._mutate_statement(node)
        for child in _list_mutable_children(node):
            self.visit(child)

    def _mutate_expression(self, node: ast.AST) -> Iterator[Mutation]:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            changed = COMPARISONS[type(node.ops[0])]
            yield self._replace_between(node.left, node.comparators[0], changed)
        elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            yield self._replace_between(node.left, node.right, OPERATORS[type(node.op)])
        elif isinstance(node, ast.BoolOp):
            changed = "or" if isinstance(node.op, ast.And) else "and"
            yield self._replace_between(node.values[0], node.values[1], changed)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield self._replace(node, self._text(node.operand))
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            yield self._replace(node, _change_number(node.value))

    def _mutate_statement(self, node: ast.AST) -> Iterator[Mutation]:
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            yield self._replace(node.test, f"(not ({self._text(node.test)}))")
        elif isinstance(node, ast.AugAssign | ast.Raise | ast.Delete) or _has_side_effect(node):
            yield self._replace(node, "pass")
        elif isinstance(node, ast.Return) and node.value and not _is_none_or_false(node.value):
            yield self._replace(node.value, "None")

    def _replace(self, node: ast.expr | ast.stmt, text: str) -> Mutation:
        return Mutation(*self._span(node), text)

    def _replace_between(self, left: ast.expr, right: ast.expr, text: str) -> Mutation:
        """Return the replacement of the operator; parentheses around it stay."""
        start, end = self._span(left)[1], self._span(right)[0]
        between = self._source[start:end].decode()
        kept_left = between[: len(between) - len(between.lstrip(" )\n"))]
        kept_right = between[len(between.rstrip(" (\n")) :]
        return Mutation(start, end, f"{kept_left}{text}{kept_right}")

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._offsets[node.lineno - 1] + node.col_offset
        return start, self._offsets[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr) -> str:
        start, end = self._span(node)
        return self._source[start:end].decode()


def _list_mutable_children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the children, except decorators and annotations."""
    skipped: list[ast.AST | None] = []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        skipped = [*node.decorator_list, node.returns]
    elif isinstance(node, ast.ClassDef):
        skipped = [*node.decorator_list]
    elif isinstance(node, ast.AnnAssign | ast.arg):
        skipped = [node.annotation]
    for child in ast.iter_child_nodes(node):
        if child not in skipped:
            yield child


def _has_side_effect(node: ast.AST) -> TypeGuard[ast.stmt]:
    """Return whether a statement is a call, or sets an attribute or an item."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Await)
    return isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name | ast.Tuple)


def _is_log_call(node: ast.AST) -> bool:
    call = node.value if isinstance(node, ast.Expr) else node
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return False
    return isinstance(call.func.value, ast.Name) and call.func.value.id == "log"


def _sets_duration(node: ast.AST) -> bool:
    target = node.target if isinstance(node, ast.AnnAssign) else None
    return isinstance(target, ast.Name) and target.id.isupper() and target.id.endswith("_S")


def _is_none_or_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


def _change_number(value: bool | float) -> str:
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, int):
        return str(value + 1 if value < 2 else 2 * value)
    return repr(2.0 * value or 1.0)
