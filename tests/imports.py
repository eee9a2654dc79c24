"""Which modules of refexec import which, read from the sources without running them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# From the bottom up. A module imports from its own layer or from lower ones; "" is refexec/__init__.py, the public names.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("_version", "aliases", "collector", "errors", "types", "limits", "values", "tensors", "pool"),
    ("rules", "prescan", "external", "experimental", "schema", "scopes", "headers", "callgraph", "proto_types"),
    ("registry", "primitives", "layout", "comparison", "context", "opspec"),
    ("ops",),
    ("loading", "checking", "attributes", "typing_rules", "callsite", "binding"),
    ("plan",),
    ("execute",),
    ("expansion", "absorption", "folding", "fusion", "chaining", "functions", "nodes", "builder", "feeds"),
    ("session",),
    ("observe", "runtimes", "diff", "teach", "fuzz", "record", "backend", "compat", "testing"),
    ("",),
    ("cli", "demo", "doctor", "__main__"),
)
VOCABULARY = LAYERS[0]

# Imports against the direction, made inside a function when they are first needed, and why.
LAZY: Mapping[tuple[str, str], str] = {
    ("registry", "ops"): "the first lookup imports every operator module, so that `import refexec` does not",
    ("opspec", "ops"): "the generator imports the opspecs when it is first used",
    ("primitives", "kernels"): "the first session whose profile uses kernels imports numba",
    ("cli", "kernels"): "doctor says where compiled kernels are kept",
    ("session", "observe"): "session.trace and session.steps return what observe defines",
}


@dataclass(frozen=True)
class Import:
    importer: str  # dotted module name
    imported: str
    line: int
    deferred: bool  # inside a function, or for type checkers only

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}, imports {self.imported}"


def module_files(package: Path = ROOT / "refexec") -> dict[str, Path]:
    """Every module below a package folder, symbolic links followed: dotted name -> file."""
    found = {}
    for folder, subfolders, files in os.walk(package, followlinks=True):
        subfolders[:] = sorted(s for s in subfolders if s != "__pycache__")
        for file in sorted(f for f in files if f.endswith(".py")):
            parts = (package.name, *Path(folder, file).relative_to(package).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = Path(folder, file)
    return found


def imports_of(module: str, source: str, known: Mapping[str, object], is_package: bool = False) -> Iterator[Import]:
    """The imports of refexec modules in a source text, those by ``import_module`` with a literal name included."""
    yield from _imports_below(ast.parse(source), module, known, is_package, deferred=False)


def _imports_below(node: ast.AST, module: str, known: Mapping[str, object], is_package: bool, deferred: bool) -> Iterator[Import]:
    for name in dict.fromkeys(_targets(node, module, known, is_package)):
        if name.split(".")[0] == "refexec":
            yield Import(module, name, getattr(node, "lineno", 0), deferred)
    inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _for_type_checkers(node)
    for child in ast.iter_child_nodes(node):
        yield from _imports_below(child, module, known, is_package, inside)


def _for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING"


def _targets(node: ast.AST, module: str, known: Mapping[str, object], is_package: bool) -> list[str]:
    match node:
        case ast.Import(names):
            return [alias.name for alias in names]
        case ast.ImportFrom(base, names, level):
            if level:
                parts = module.split(".")
                package = parts[: len(parts) - level + is_package]
                base = ".".join([*package, base] if base else package)
            return [f"{base}.{a.name}" if f"{base}.{a.name}" in known else str(base) for a in names]
        case ast.Call(ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"), [ast.Constant(str(name)), *_]):
            return [name]
    return []


def part(module: str) -> str:
    """``refexec.ops.math.relu`` -> ``ops``; the package itself is ``""``."""
    return [*module.split("."), ""][1]


def layer(name: str) -> int | None:
    return next((i for i, names in enumerate(LAYERS) if name in names), None)


def fault(found: Import) -> str | None:
    """What is wrong with an import, or None."""
    source, target = part(found.importer), part(found.imported)
    if (source, target) in LAZY:
        return None if found.deferred else f"{found}: allowed inside a function only ({LAZY[source, target]})"
    if source == "kernels":
        return None if target in ("kernels", "primitives", *VOCABULARY) else f"{found}: kernels import primitives and the vocabulary only"
    if target == "kernels":
        return f"{found}: kernels are reached through primitives"
    above, below = layer(source), layer(target)
    if above is None or below is None:
        return f"{found}: {source if above is None else target!r} stands in no layer of tests/imports.py"
    return None if below <= above else f"{found}: layer {above} imports from layer {below}"
