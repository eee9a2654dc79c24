"""The source of an operator's definition: its function, the operator bodies and helpers it is built on, and the rules they check."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from refexec import registry
from refexec.registry import entries

__all__ = ["Definition", "definitions", "rules"]

ROOT = Path(registry.__file__).parent.parent


@dataclass(frozen=True)
class Definition:
    """A function of ``refexec.ops``: where it stands, and its text."""

    name: str
    file: str  # refexec/ops/math/softmax.py
    line: int
    source: str
    summary: str  # the first line of its docstring
    operator: bool  # whether it is the body of an operator


def definitions(function: Callable[..., Any]) -> tuple[Definition, ...]:
    """The operator's own function, then the other operator bodies it calls and the functions of its own module, in order of use."""
    found = list(_used(function, set()))
    own = inspect.getmodule(function)
    chosen = [f for f in found if f is function or entries(f) or inspect.getmodule(f) is own]
    return tuple(_definition(f) for f in chosen)


def rules(function: Callable[..., Any]) -> tuple[str, ...]:
    """Every rule that the function and the functions of ``refexec.ops`` below it check, in order of use."""
    return tuple(dict.fromkeys(rule for f in _used(function, set()) for rule in _rules(f)))


def _used(function: Callable[..., Any], seen: set[int]) -> Iterator[FunctionType]:
    plain = inspect.unwrap(function)
    if not isinstance(plain, FunctionType) or id(plain) in seen or not plain.__module__.startswith("refexec.ops."):
        return
    seen.add(id(plain))
    yield plain
    cells = [cell.cell_contents for cell in plain.__closure__ or ()]
    for value in [*cells, *(plain.__globals__.get(name) for name in _names(plain.__code__))]:
        if callable(value) and not isinstance(value, type):
            yield from _used(value, seen)


def _names(code: CodeType) -> list[str]:
    inner = [name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names(constant)]
    return [*code.co_names, *inner]


def _definition(function: FunctionType) -> Definition:
    lines, line = inspect.getsourcelines(function)
    file = Path(inspect.getsourcefile(function) or "")
    shown = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    return Definition(function.__name__, shown, line, textwrap.dedent("".join(lines)).rstrip(), summary, bool(entries(function)))


def _rules(function: FunctionType) -> Iterator[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "require" and len(call.args) > 1:
            yield ast.unparse(call.args[1]).strip("'\"") if not isinstance(call.args[1], ast.Constant) else str(call.args[1].value)
