"""Constraints of a sweep: a small language over axis names, read by Python's parser and evaluated by this file alone.

Numbers, texts, lists, comparisons, ``and or not in``, ``+ - * / // % **``, and the functions of `FUNCTIONS`. Nothing
else is there: no attribute is ever looked up (a dotted name is the name of an axis), nothing is called but those
functions, and powers and products are kept small, so that a study file can neither run code nor take all memory.
"""

from __future__ import annotations

import ast
import difflib
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log2
from typing import Any

from neurosim.errors import NeurosimError

MAX_NODES, MAX_DEPTH = 200, 30
MAX_VALUE = 1e300
FUNCTIONS: dict[str, Callable] = {"min": min, "max": max, "abs": abs, "log2": log2, "ceil": ceil, "floor": floor}
_COMPARE = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
_ARITHMETIC = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
}  # fmt: skip
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp, ast.Compare,
    ast.Call, ast.Name, ast.Attribute, ast.Load, ast.Constant, ast.List, ast.Tuple, *_COMPARE, *_ARITHMETIC,
)  # fmt: skip


@dataclass(frozen=True)
class Constraint:
    """One expression and the axes that it names."""

    text: str
    tree: ast.expr
    names: Mapping[str, str]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the point with these axis values stays. Raises NeurosimError where the values do not go together."""
        try:
            return bool(self._value(self.tree, values))
        except (TypeError, ValueError, ArithmeticError) as error:
            used = ", ".join(f"{axis} = {values[axis]!r}" for axis in sorted(set(self.names.values())))
            raise NeurosimError(f"constraint {self.text!r}: {error} (at {used})") from None

    def _value(self, node: ast.expr, values: Mapping[str, Any]) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name | ast.Attribute):
            return values[self.names[_dotted(node)]]
        if isinstance(node, ast.List | ast.Tuple):
            return [self._value(part, values) for part in node.elts]
        if isinstance(node, ast.BoolOp):
            found: Any = None
            for part in node.values:
                found = self._value(part, values)
                if bool(found) != isinstance(node.op, ast.And):
                    break
            return found
        if isinstance(node, ast.UnaryOp):
            inner = self._value(node.operand, values)
            if isinstance(node.op, ast.Not):
                return not inner
            return -_number(inner) if isinstance(node.op, ast.USub) else _number(inner)
        if isinstance(node, ast.BinOp):
            return _arithmetic(node.op, *(_number(self._value(side, values)) for side in (node.left, node.right)))
        if isinstance(node, ast.Call):
            return FUNCTIONS[node.func.id](*(_number(self._value(part, values)) for part in node.args))
        return self._compared(node, values)

    def _compared(self, node: ast.Compare, values: Mapping[str, Any]) -> bool:
        left = self._value(node.left, values)
        for op, side in zip(node.ops, node.comparators, strict=True):
            right = self._value(side, values)
            if not _COMPARE[type(op)](left, right):
                return False
            left = right
        return True


def _number(value: Any) -> int | float:
    if not isinstance(value, int | float):
        raise TypeError(f"{str(value)[:40]!r} is not a number")
    return value


def _arithmetic(op: ast.operator, left: int | float, right: int | float) -> int | float:
    if isinstance(op, ast.Pow):
        # As floats: an integer power could fill the memory before anyone sees it.
        left, right = float(left), float(right)
    result = _ARITHMETIC[type(op)](left, right)
    if isinstance(result, complex) or not isfinite(result) or abs(result) > MAX_VALUE:
        raise ValueError("a value is too large, or not a number")
    return result


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` as written, or an empty text for what is no plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def parse_constraint(text: str, axes: Sequence[str]) -> Constraint:
    """An expression over ``axes``; the last part of a dotted axis is enough where only one axis ends so.

    Raises NeurosimError for anything outside the language and for names that are no axis.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NeurosimError(f"constraint {text!r}: cannot be read ({getattr(error, 'msg', error)})") from None
    nodes = list(ast.walk(tree))
    if len(nodes) > MAX_NODES or _depth(tree) > MAX_DEPTH:
        raise NeurosimError(
            f"constraint {text[:60]!r}...: too long, expected at most {MAX_NODES} parts, {MAX_DEPTH} deep"
        )
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    names: dict[str, str] = {}
    for node in nodes:
        _check_node(text, node)
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in called and id(node) not in inner:
            names[_dotted(node)] = _axis(text, _dotted(node), axes)
    return Constraint(text, tree.body, names)


def _depth(node: ast.AST) -> int:
    """Nesting, counted without recursion."""
    deepest, waiting = 0, [(node, 1)]
    while waiting:
        here, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in ast.iter_child_nodes(here)]
    return deepest


def _check_node(text: str, node: ast.AST) -> None:
    if not isinstance(node, _ALLOWED):
        raise NeurosimError(f"constraint {text!r}: {type(node).__name__} is not part of the language (docs/sweep.md)")
    if isinstance(node, ast.Call) and (
        not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords or not node.args
    ):
        raise NeurosimError(f"constraint {text!r}: only {', '.join(FUNCTIONS)} can be called, with numbers")
    if isinstance(node, ast.Attribute) and not _dotted(node):
        raise NeurosimError(f"constraint {text!r}: a dot is only for the names of axes")
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool | int | float | str | None):
        raise NeurosimError(f"constraint {text!r}: {node.value!r} is not a number or a text")


def _axis(text: str, name: str, axes: Sequence[str]) -> str:
    if name in axes:
        return name
    ending = [axis for axis in axes if axis.endswith(f".{name}")]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise NeurosimError(f"constraint {text!r}: {name} could be {' or '.join(ending)}; write more of the name")
    close = difflib.get_close_matches(name, axes, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"axes are {', '.join(axes)}"
    raise NeurosimError(f"constraint {text!r}: {name!r} is not an axis of the study; {hint}")
