"""Faults planted in operators by machine, and whether generated models show them: ``python -m tests.quality.mutants [-n 200] [--seed 0]``.

A mutant is an operator's module with one change: a comparison flipped, a whole number off by one, a sign of arithmetic exchanged, a keyword
argument dropped, two axes swapped, or a narrower dtype. Models with that operator alone run with the operator as it is and with the mutant;
a bit that differs, or a refusal by one of them, catches it. Rules (``require``) are left alone: valid models keep them.
"""

from __future__ import annotations

import argparse
import ast
import copy
import inspect
import random
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from refexec import registry
from refexec.diff.metrics import same_bits
from refexec.errors import RefexecError
from refexec.fuzz.audit import models
from refexec.fuzz.graph import RANDOM
from refexec.limits import Limits
from refexec.opspec import opspecs
from refexec.registry import Operator, operators
from refexec.session import Session

__all__ = ["Mutant", "caught", "mutants"]

FLIPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
SIGNS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult}
NARROWER = {"float64": "float32", "int64": "int32", "longdouble": "float32"}
LEFT_ALONE = {"require", "claim", "RuleViolation", "normalize_axis"}
LIMITS = Limits(seconds=5)


@dataclass(frozen=True)
class Mutant:
    operator: Operator
    function: Any
    change: str  # "line 12: < became <="

    def __str__(self) -> str:
        return f"{self.operator.label}, {self.change}"


def _places(tree: ast.AST) -> Iterator[ast.AST]:
    """Nodes that may be changed: not in rules, decorators, docstrings, default values."""
    if isinstance(tree, ast.Call) and getattr(tree.func, "id", getattr(tree.func, "attr", "")) in LEFT_ALONE:
        return
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    yield tree
    children = tree.body if isinstance(tree, ast.FunctionDef) else ast.iter_child_nodes(tree)
    for child in children:
        yield from _places(child)


def _changes(node: ast.AST) -> list[str]:
    found = []
    if isinstance(node, ast.Compare) and type(node.ops[0]) in FLIPS:
        found.append("compare")
    if isinstance(node, ast.Constant) and type(node.value) is int:
        found.append("one more")
    if isinstance(node, ast.BinOp) and type(node.op) in SIGNS:
        found.append("sign")
    if isinstance(node, ast.Call) and node.keywords and any(k.arg in ("axis", "keepdims", "keepdim", "dtype") for k in node.keywords):
        found.append("keyword")
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "swapaxes":
        found.append("axes")
    if isinstance(node, ast.Attribute) and node.attr in NARROWER:
        found.append("dtype")
    return found


def _apply(node: Any, change: str) -> str:
    before = ast.unparse(node)
    if change == "compare":
        node.ops[0] = FLIPS[type(node.ops[0])]()
    elif change == "one more":
        node.value += 1
    elif change == "sign":
        node.op = SIGNS[type(node.op)]()
    elif change == "keyword":
        node.keywords = [k for k in node.keywords if k.arg not in ("axis", "keepdims", "keepdim", "dtype")]
    elif change == "axes":
        node.args = [*node.args[:-2], ast.Constant(0), ast.Constant(0)]
    else:
        node.attr = NARROWER[node.attr]
    return f"line {node.lineno}: {before} became {ast.unparse(node)}"


def _reachable(tree: ast.Module, name: str) -> set[str]:
    """The functions of the module that a function calls, itself too."""
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    found, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current in functions and current not in found:
            found.add(current)
            waiting += [n.id for statement in functions[current].body for n in ast.walk(statement) if isinstance(n, ast.Name)]
    return found


def mutants(count: int, seed: int) -> Iterator[Mutant]:
    """That many, of operators chosen evenly among all names with an opspec that are not random."""
    choose = random.Random(seed)
    by_name: dict[tuple[str, str], list[Operator]] = {}
    for key, operator in sorted(operators().items()):
        if key in opspecs() and key[1] not in RANDOM:
            by_name.setdefault(key[:2], []).append(operator)
    names = sorted(by_name)
    made = 0
    while made < count:
        operator = choose.choice(by_name[choose.choice(names)])
        module = inspect.getmodule(operator.function)
        assert module is not None
        tree = ast.parse(inspect.getsource(module))
        own = _reachable(tree, operator.function.__name__)
        bodies = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in own]
        places = [(n, change) for body in bodies for n in _places(body) for change in _changes(n)]
        if not places:
            continue
        node, change = choose.choice(places)
        text = _apply(node, change)
        for body in tree.body:
            if isinstance(body, ast.FunctionDef):
                body.decorator_list = [
                    d for d in body.decorator_list if getattr(getattr(d, "func", d), "id", "") not in ("op", "lowers", "primitive")
                ]
        tree.body = [n for n in tree.body if not (isinstance(n, ast.For) and "op(" in ast.unparse(n))]
        space: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
        try:
            exec(compile(ast.fix_missing_locations(tree), module.__file__ or "", "exec"), space)
        except Exception:  # a module that does not load is caught at once, and is no test of models
            continue
        function = space.get(operator.function.__name__)
        if function is None:
            continue
        made += 1
        yield Mutant(operator, function, text)


def caught(mutant: Mutant, models_: int = 2000, seconds: float = 120.0) -> int | None:
    """The number of the first model that shows a mutant; None when none does."""
    table, key = registry._operators, mutant.operator.key
    end = time.monotonic() + seconds
    for number, made in enumerate(models(key, models_)):
        if time.monotonic() > end:
            return None
        plain = _run(made)
        table[key] = replace(mutant.operator, function=mutant.function)
        try:
            changed = _run(copy.copy(made))
        finally:
            table[key] = mutant.operator
        if isinstance(plain, str) or isinstance(changed, str):
            if type(plain) is not type(changed):
                return number
        elif not all(map(same_bits, plain, changed)):  # a reference result is rounded once, so that a bit tells
            return number
    return None


def _run(made: Any) -> list[Any] | str:
    try:
        return Session(made.model, limits=LIMITS).run(None, made.feeds)
    except RefexecError as error:
        return type(error).__name__


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.mutants", description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", type=int, default=2000, help="models for each mutant, at most")
    options = parser.parse_args(None if arguments is None else list(arguments))
    survivors, numbers = [], []
    for mutant in mutants(options.n, options.seed):
        number = caught(mutant, options.models)
        if number is None:
            survivors.append(mutant)
            print(f"survives: {mutant}", flush=True)
        else:
            numbers.append(number)
    numbers.sort()
    middle = numbers[len(numbers) // 2] if numbers else 0
    print(f"{len(numbers)} of {options.n} caught ({100 * len(numbers) / options.n:.1f} %), half of them by model {middle}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
