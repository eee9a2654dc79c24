"""Faults planted in operators by machine, and whether generated models show them: ``python -m tests.quality.mutants [-n 200] [--seed 0]``.

A mutant is an operator's module with one change: a comparison flipped, a whole number off by one, a sign of arithmetic exchanged, a keyword
argument dropped, two axes swapped, or a narrower dtype. Models with that operator alone run with the operator as it is and with the mutant;
a bit that differs, or a refusal by one of them, catches it. How many differ by more than rounding, as a campaign asks for, is counted too.
Rules (``require``) are left alone: valid models keep them. What no valid model can show stands in ``equivalent.toml`` with its proof.
"""

from __future__ import annotations

import argparse
import ast
import copy
import inspect
import random
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from refexec import registry
from refexec.diff.metrics import same_bits
from refexec.errors import RefexecError
from refexec.fuzz.audit import models
from refexec.fuzz.graph import RANDOM, Generated
from refexec.fuzz.targets import same_but_for_rounding
from refexec.limits import Limits
from refexec.opspec import opspecs
from refexec.registry import Operator, operators
from refexec.session import Session

__all__ = ["Equivalent", "Mutant", "Showing", "equivalents", "mutants", "showing"]

FLIPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
SIGNS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult}
NARROWER = {"float64": "float32", "int64": "int32", "longdouble": "float32"}
LEFT_ALONE = {"require", "claim", "RuleViolation", "normalize_axis"}
LIMITS = Limits(seconds=5)
FURTHER = 200


@dataclass(frozen=True)
class Mutant:
    """An operator with one change. ``was`` and ``becomes``: the statement of it; of a compound one its first line."""

    operator: Operator
    function: Any
    place: str  # "refexec.ops.math.softmax.softmax_13"
    was: str
    becomes: str
    change: str  # "line 12: x < 0 became x <= 0"

    def __str__(self) -> str:
        return f"{self.operator.label}, {self.change}"

    @property
    def equivalent(self) -> bool:
        return any(e.matches(self) for e in equivalents())


@dataclass(frozen=True)
class Equivalent:
    """A change that no valid model can show, and the proof.

    ``place`` is a function, a module or a package, for all in it; ``was`` the part of a statement that ``becomes`` another one. Where one
    of them is not said it is any. ``operators``: names or labels of those for which it is true; all where none is named.
    """

    place: str
    proof: str
    was: str = ""
    becomes: str | None = None
    operators: tuple[str, ...] = ()

    def matches(self, mutant: Mutant) -> bool:
        named = not self.operators or {mutant.operator.name, mutant.operator.label} & set(self.operators)
        return bool(named) and f"{mutant.place}.".startswith(f"{self.place}.") and self.makes(mutant.was, mutant.becomes)

    def makes(self, statement: str, changed: str) -> bool:
        """Whether the change, at one place of the statement, makes the other one of it."""
        if not self.was:
            return True
        parts = statement.split(self.was)
        for i in range(1, len(parts)):
            before, after = self.was.join(parts[:i]), self.was.join(parts[i:])
            around = changed.startswith(before) and changed.endswith(after) and len(changed) >= len(before) + len(after)
            if around and self.becomes in (None, changed[len(before) : len(changed) - len(after)]):
                return True
        return False

    def occurs(self) -> bool:
        """Whether there are still such statements, and the operators that it names."""
        known = {name for o in operators().values() for name in (o.name, o.label)}
        statements = [text for module in _modules() for place, text in _statements(module) if f"{place}.".startswith(f"{self.place}.")]
        return any(self.was in s for s in statements) and set(self.operators) <= known


@cache
def equivalents() -> tuple[Equivalent, ...]:
    """From ``equivalent.toml``. ValueError for what matches nothing in the code any more."""
    rows = tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text(encoding="utf-8"))["equivalent"]
    found = tuple(Equivalent(**{**row, "operators": tuple(row.get("operators", ()))}) for row in rows)
    if lost := [e for e in found if not e.occurs()]:
        raise ValueError(f"no such statement any more: {', '.join(f'{e.place}: {e.was}' for e in lost)}")
    return found


def _modules() -> set[str]:
    return {o.function.__module__ for o in operators().values()}


@cache
def _statements(module: str) -> tuple[tuple[str, str], ...]:
    """The statements in the functions of a module, with the functions' full names."""
    functions = [n for n in ast.parse(inspect.getsource(sys.modules[module])).body if isinstance(n, ast.FunctionDef)]
    return tuple((f"{module}.{f.name}", _text(n)) for f in functions for n in ast.walk(f) if isinstance(n, ast.stmt) and n is not f)


def _text(statement: ast.stmt) -> str:
    """A statement; of a compound one its first line."""
    return ast.unparse(statement).partition("\n")[0]


def _places(tree: ast.AST, statement: ast.stmt) -> Iterator[tuple[ast.AST, ast.stmt]]:
    """Nodes that may be changed, each with its statement: not in rules, decorators, docstrings, default values."""
    if isinstance(tree, ast.Call) and getattr(tree.func, "id", getattr(tree.func, "attr", "")) in LEFT_ALONE:
        return
    if isinstance(tree, ast.Expr) and isinstance(tree.value, ast.Constant):
        return
    yield tree, statement
    children = tree.body if isinstance(tree, ast.FunctionDef) else ast.iter_child_nodes(tree)
    for child in children:
        yield from _places(child, child if isinstance(child, ast.stmt) else statement)


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
        places = [(body, s, n, change) for body in bodies for n, s in _places(body, body) for change in _changes(n)]
        if not places:
            continue
        body, statement, node, change = choose.choice(places)
        was = _text(statement)
        text = _apply(node, change)
        becomes = _text(statement)
        for other in tree.body:
            if isinstance(other, ast.FunctionDef):
                other.decorator_list = [
                    d for d in other.decorator_list if getattr(getattr(d, "func", d), "id", "") not in ("op", "lowers", "primitive")
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
        yield Mutant(operator, function, f"{module.__name__}.{body.name}", was, becomes, text)


@dataclass(frozen=True)
class Showing:
    """The numbers of the first model that shows a mutant at all, and by more than rounding; None for none."""

    any: int | None
    more: int | None


def showing(mutant: Mutant, most: int, seconds: float) -> Showing:
    """Models until one shows the mutant by more than rounding; after one that shows it at all, ``FURTHER`` ones at most."""
    table, key = registry._operators, mutant.operator.key
    end, first = time.monotonic() + seconds, None
    for number, made in enumerate(models(key, most)):
        if time.monotonic() > end or (first is not None and number > first + FURTHER):
            break
        profile = "wide" if number % 4 == 3 else "reference"
        plain = _run(made, profile)
        table[key] = replace(mutant.operator, function=mutant.function, lowering=None)
        try:
            changed = _run(copy.copy(made), profile)
        finally:
            table[key] = mutant.operator
        if isinstance(plain, str) or isinstance(changed, str):
            if type(plain) is not type(changed):
                return Showing(number if first is None else first, number)
            continue
        if first is None and not all(map(same_bits, plain, changed)):  # a reference result is rounded once, so that a bit tells
            first = number
        if not all(map(same_but_for_rounding, plain, changed)):
            return Showing(first, number)
    return Showing(first, None)


def _run(made: Generated, profile: str) -> list[Any] | str:
    try:
        return [_comparable(v) for v in Session(made.model, profile=profile, limits=LIMITS).run(None, made.feeds)]
    except RefexecError as error:
        return type(error).__name__


def _comparable(value: Any) -> Any:
    """A value of the wide profile in a type that ONNX has."""
    if isinstance(value, list):
        return [_comparable(v) for v in value]
    types = {np.dtype(np.longdouble): np.float64, np.dtype(np.clongdouble): np.complex128}
    with np.errstate(all="ignore"):
        return value.astype(types[value.dtype]) if isinstance(value, np.ndarray) and value.dtype in types else value


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.mutants", description=__doc__)
    parser.add_argument("-n", type=int, default=200, help="mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--models", type=int, default=20_000, help="models for each mutant, at most")
    parser.add_argument("--seconds", type=float, default=120, help="for each mutant, at most")
    parser.add_argument("--part", default="0/1", metavar="I/K", help="only every K-th mutant from number I on")
    options = parser.parse_args(None if arguments is None else list(arguments))
    part, of = map(int, options.part.split("/"))
    chosen = list(mutants(options.n, options.seed))[part::of]
    fair = [m for m in chosen if not m.equivalent]
    numbers, more = [], 0
    for mutant in fair:
        shown = showing(mutant, options.models, options.seconds)
        if shown.any is None:
            print(f"survives: {mutant}, in: {mutant.becomes}", flush=True)
        else:
            numbers.append(shown.any)
            more += shown.more is not None
    numbers.sort()
    print(f"caught {len(numbers)} of {len(fair)} that can be caught ({100 * len(numbers) / max(len(fair), 1):.1f} %), "
          f"{len(chosen) - len(fair)} equivalent; {more} by more than rounding; half of them by model {numbers[len(numbers) // 2] if numbers else 0}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
