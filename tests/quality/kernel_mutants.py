"""Faults planted in kernels by machine, and whether the calls that kernels are tried with show them:
``python -m tests.quality.kernel_mutants [-n 40] [--seed 0] [--module gemm]``.

A mutant is a copy of the package in which one compiled function has one change: a comparison flipped, a whole number off by one, a sign
exchanged, a loop that ends one step early or is left before its last round, a call dropped (a clamp, a bias, a tail, a tile), rows and
columns or operands exchanged. Each runs in a process of its own. A result that is further from the definition than the kernel's bound, that
depends on threads or layout, or that leaves its array, catches it; so does another bit than that of the kernel as it is, for the order
of additions is a promise. What takes minutes, or ends the process, is caught too.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Mutant", "Workshop", "mutants"]

ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "kernels"
INSTRUCTIONS = {"simd", "lanes", "vectors", "squares", "long_vectors", "memory", "cache", "__init__", "epilogue"}  # not kernels themselves
FLIPS: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq}
SIGNS: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}
SECONDS = 300.0
SECONDS_TO_COMPILE_ALL = 1200.0


@dataclass(frozen=True)
class Mutant:
    """A kernel module with one change."""

    module: str
    function: str
    source: str
    change: str

    def __str__(self) -> str:
        return f"{self.module}.{self.function}, {self.change}"


def compiled(tree: ast.Module) -> list[ast.FunctionDef]:
    """The functions of a module that numba compiles."""
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and {ast.unparse(d) for d in n.decorator_list} & {"jit", "inlined"}]


def changes(function: ast.FunctionDef) -> Iterator[tuple[Any, str]]:
    """Nodes that may be changed, and how."""
    for node in (n for statement in function.body for n in ast.walk(statement)):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in FLIPS:
            yield node, "compare"
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            yield node, "one more"
        elif isinstance(node, ast.BinOp) and type(node.op) in SIGNS:
            yield node, "sign"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "range":
                yield node, "ends early"
            elif node.func.id in ("min", "max", "minimum", "maximum"):
                yield node, "other extreme"
            elif node.func.id in ("select", "fma") and len(node.args) == 3:
                yield node, "operands"
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and ast.unparse(node.value.func) not in ("prefetch", "alive"):
            yield node, "dropped"


EXTREMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum"}


def apply(node: Any, change: str) -> str:
    before = ast.unparse(node)
    if change == "compare":
        node.ops[0] = FLIPS[type(node.ops[0])]()
    elif change == "one more":
        node.value += 1
    elif change == "sign":
        node.op = SIGNS[type(node.op)]()
    elif change == "ends early":
        end = min(len(node.args) - 1, 1)
        node.args[end] = ast.BinOp(node.args[end], ast.Sub(), ast.Constant(1))
    elif change == "other extreme":
        node.func.id = EXTREMES[node.func.id]
    elif change == "operands":
        node.args[1], node.args[2] = node.args[2], node.args[1]
    else:
        node.value = ast.Constant(None)
    return f"line {node.lineno}: {before} became {ast.unparse(node)}"


def mutants(count: int, seed: int, module: str | None = None) -> Iterator[Mutant]:
    """That many, of modules chosen evenly."""
    choose = random.Random(seed)
    names = [module] if module else sorted(p.stem for p in KERNELS.glob("*.py") if p.stem not in INSTRUCTIONS)
    while count:
        name = choose.choice(names)
        tree = ast.parse((KERNELS / f"{name}.py").read_text(encoding="utf-8"))
        places = [(function, node, change) for function in compiled(tree) for node, change in changes(function)]
        if places:
            function, node, change = choose.choice(places)
            text = apply(node, change)
            count -= 1
            yield Mutant(name, function.name, ast.unparse(ast.fix_missing_locations(tree)), text)


def imported(module: str) -> set[str]:
    """The kernel modules that one is made of, itself too."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += re.findall(r"refexec\.kernels\.(\w+)", (KERNELS / f"{name}.py").read_text(encoding="utf-8"))
    return found


def primitives_of(module: str) -> set[str]:
    """The primitives whose kernels have code of a module in them, and "chain"."""
    found = {"chain"} if module in imported("chain") else set()
    for file in KERNELS.glob("*.py"):
        if module in imported(file.stem):
            found |= set(re.findall(r'^@kernel\("(\w+)"', file.read_text(encoding="utf-8"), flags=re.MULTILINE))
    return found


class Workshop:
    """A copy of the package in which kernels can be changed, with what was compiled already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in ("kernels", "refexec", "tests", "benchmarks"):
            shutil.copytree(ROOT / part, folder / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        cache = compiled_kernels()
        (folder / "cache").mkdir(mode=0o700)
        if cache.exists():
            shutil.copytree(cache, folder / "cache" / "kernels", copy_function=os.link)
            (folder / "cache" / "kernels").chmod(0o700)
        self.expected = folder / "expected.json"
        self.seconds = SECONDS_TO_COMPILE_ALL
        done = self._run("tests.kernels.calls", "bits", "float32")
        self.seconds = SECONDS
        if done.returncode:
            raise ValueError(done.stderr[-3000:])
        self.expected.write_text(done.stdout, encoding="utf-8")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(self.folder), "REFEXEC_CACHE_DIR": str(self.folder / "cache")}
        return subprocess.run(
            [sys.executable, "-B", "-m", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=self.seconds
        )

    def caught(self, mutant: Mutant) -> str | None:
        """How a mutant is caught; None where it is not."""
        file = self.folder / "kernels" / f"{mutant.module}.py"
        before = file.read_text(encoding="utf-8")
        file.write_text(mutant.source, encoding="utf-8")
        try:
            done = self._run("tests.quality.kernel_mutants", "--try", str(self.expected), ",".join(sorted(primitives_of(mutant.module))))
        except subprocess.TimeoutExpired:
            return "it does not end"
        finally:
            file.write_text(before, encoding="utf-8")
        if done.returncode < 0:
            return f"the process dies by signal {-done.returncode}"
        return None if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it fails"])[-1]


def compiled_kernels() -> Path:
    """Where this machine keeps them."""
    from refexec.primitives import load_kernels

    load_kernels()
    from refexec.kernels.cache import folder

    return Path(folder())


def attempt(expected: Path, names: set[str]) -> None:
    """Raise where a call of these primitives is wrong or has other bits."""
    from tests.kernels.calls import calls, of_chain

    bits = json.loads(expected.read_text(encoding="utf-8"))
    if "chain" in names and of_chain() != bits["chain"]:
        raise AssertionError("other bits in a chain")
    for call in calls("float32"):
        if call.primitive.name in names:
            if call.bits() != bits[call.name]:
                call.check()
                raise AssertionError(f"other bits in {call.name}")
            call.check()


def main(arguments: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.quality.kernel_mutants", description=__doc__)
    parser.add_argument("-n", type=int, default=40, help="mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--module", help="of this module only")
    parser.add_argument("--try", nargs=2, metavar=("EXPECTED", "PRIMITIVES"), help="run the calls on the kernels as they are")
    options = parser.parse_args(None if arguments is None else list(arguments))
    trying = getattr(options, "try")
    if trying:
        attempt(Path(trying[0]), set(trying[1].split(",")))
        return 0
    caught = 0
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder))
        for mutant in mutants(options.n, options.seed, options.module):
            how = workshop.caught(mutant)
            caught += how is not None
            print(f"{'survives' if how is None else 'caught'}: {mutant}{'' if how is None else f': {how[:100]}'}", flush=True)
    print(f"caught {caught} of {options.n}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
