"""Which backend tests are circular: their expected values were computed by onnx.reference.

Passing such a test shows agreement with onnx.reference and nothing else. The rule reads the sources of onnx's test cases: an
``export`` method is circular when it names something imported from ``onnx.reference``, itself or through a helper of its
module. The tests are those whose names the method spells out; where a method makes its names at run time, every test of its
operator that no other method spells out is counted as circular.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import onnx.backend.test.case.node as node_cases

__all__ = ["Circular", "circular_methods"]


@dataclass
class Circular:
    """Test names by what their source says."""

    names: set[str] = field(default_factory=set)  # spelled out in a circular method
    independent: set[str] = field(default_factory=set)  # spelled out in another method
    operators: set[str] = field(default_factory=set)  # with a circular method that makes names at run time

    def is_circular(self, op_type: str, test: str) -> bool:
        return test in self.names or (op_type in self.operators and test not in self.independent)


@cache
def circular_methods() -> Circular:
    """The reading of all case modules of the installed onnx."""
    found = Circular()
    for path in sorted(Path(node_cases.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {
            alias.asname or alias.name
            for item in ast.walk(tree)
            if isinstance(item, ast.ImportFrom) and (item.module or "").startswith("onnx.reference")
            for alias in item.names
        }
        if imported:
            _read(tree, imported, found)
    return found


def _read(tree: ast.Module, tainted: set[str], found: Circular) -> None:
    helpers = {item.name: _names(item) for item in tree.body if isinstance(item, ast.FunctionDef)}
    grew = True
    while grew:
        more = {name for name, used in helpers.items() if used & tainted} - tainted
        tainted, grew = tainted | more, bool(more)
    for cls in (item for item in tree.body if isinstance(item, ast.ClassDef)):
        for method in (item for item in cls.body if isinstance(item, ast.FunctionDef)):
            calls = [n for n in ast.walk(method) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "expect"]
            named = [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "name"]
            tests = {n.value for n in named if isinstance(n, ast.Constant) and isinstance(n.value, str)}
            if not _names(method) & tainted:
                found.independent |= tests
                continue
            found.names |= tests
            if len(tests) < len(calls) or not calls:
                found.operators.add(cls.name)


def _names(item: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(item) if isinstance(n, ast.Name)} | {n.attr for n in ast.walk(item) if isinstance(n, ast.Attribute)}
