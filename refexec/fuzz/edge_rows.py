"""The edge-value tables ``refexec/ops/*/edges.toml``: what NaN, infinities, zeros, ends of types and empty tensors give.

An elementwise row has a table with one element a line, inputs and results, below a line of their names (``A B:int64 -> C``)::

    [[edge]]
    operators = ["Log"]
    types = "float"                    # what T stands for: float, signed, unsigned, a name such as float32, or a list of these
    basis = "math"                     # see BASES
    why = "ln 0 is the limit -inf; there is no real logarithm below 0."
    table = '''
    x  -> y
    -0 -> -inf
    -1 -> nan
    '''

Any other row names its tensors: ``inputs.x = "T[2,0] {}"``, ``outputs.y = "T[0] {}"``; with ``nan = true`` it leaves results open wherever
an input has NaN. Both may have ``node`` (ONNX text form; the default
has no attributes), ``since`` and ``until``. A row holds for all versions in these bounds whose schema admits its types.

In words for numbers, ``max`` and ``min`` are the ends of the finite range, ``tiny`` is the smallest subnormal; ``a|b`` says that either
is right, ``?`` that the text leaves it open (``why`` says how). ``any`` stands for whatever number. ``outputs.y = "?"`` leaves all open, a
refusal too; ``refused = true`` in place of outputs says that it is an error.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from refexec.errors import InvalidModel
from refexec.teach.notation import Written, read_value
from refexec.types import ElementType, ValueType, element_type
from refexec.values import max_finite, smallest_subnormal

__all__ = ["BASES", "Row", "choices", "rows", "rows_of", "some", "type_of", "words"]

Array = np.ndarray[Any, Any]
BASES = {
    "text": "the normative text of the operator version",
    "IEEE 754": "IEEE 754-2019, where the text names an operation or function of it and says no more",
    "math": "the mathematics of the formula in the text: a limit, an identity, an empty sum or product",
    "shape": "the shape rules of the text: a tensor without elements has nothing else",
}
"""What decides a row."""
GROUPS: Mapping[str, tuple[str, ...]] = {
    "float": ("float16", "bfloat16", "float32", "float64"),
    "signed": ("int8", "int16", "int32", "int64"),
    "unsigned": ("uint8", "uint16", "uint32", "uint64"),
}
_WORD = re.compile(r"(-?)(max|min|tiny|pi)(?:([+*/-])(\d+))?")
_TENSOR = re.compile(r"\s*(\w+)\s*(\[[\d,\s]*\])?\s*\{(.*)\}\s*", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One row of a table, for one operator."""

    operator: str  # "Log", "ai.onnx.ml:Binarizer"
    basis: str
    why: str
    inputs: Mapping[str, Written] = field(default_factory=dict)
    outputs: Mapping[str, Written] = field(default_factory=dict)
    node: str = ""
    types: tuple[ElementType | None, ...] = (None,)  # that T stands for; None where there is no T
    since: int = 1
    until: int = 1 << 30
    refused: bool = False
    elementwise: bool = False
    nan: bool = False  # whether all results are open where an input has NaN, be it of other numbers

    @property
    def key(self) -> tuple[str, str]:
        """(domain, operator)."""
        domain, _, name = self.operator.rpartition(":")
        return domain, name

    def text(self, elem: ElementType | None) -> str:
        """The node, or nodes; ``OP`` is the operator, ``T`` as an attribute the number of the element type."""
        domain, name = self.key
        if not self.node:
            return f"{', '.join(self.outputs or ['y'])} = {domain}{'.' if domain else ''}{name} ({', '.join(self.inputs)})"
        text = self.node.replace("OP ", f"{name} ")
        return re.sub(r"= T\b", f"= {elem.number}", text) if elem else text

    @property
    def open(self) -> bool:
        """Whether the text leaves everything open."""
        return bool(self.outputs) and all(
            isinstance(written, str) and re.fullmatch(r"(.*\{)?\s*\?[\s?,]*\}?", written) for written in self.outputs.values()
        )


@cache
def rows() -> tuple[Row, ...]:
    """All rows of all tables."""
    folders = sorted((f for f in resources.files("refexec.ops").iterdir() if f.is_dir()), key=lambda f: f.name)
    texts = [table.read_text(encoding="utf-8") for folder in folders if (table := folder / "edges.toml").is_file()]
    return tuple(row for text in texts for entry in tomllib.loads(text)["edge"] for row in rows_of(entry))


def rows_of(entry: Mapping[str, Any]) -> Iterator[Row]:
    """The rows of an entry of a table: one for each operator, two where a part of its elements is open."""
    plain = {k: v for k, v in entry.items() if k not in ("operators", "types", "table")}
    if plain["basis"] not in BASES:
        raise InvalidModel(f"{plain['basis']!r} is no basis of an edge value", operators=entry["operators"])
    names = [entry["types"]] if isinstance(entry.get("types"), str) else entry.get("types", [])
    plain["types"] = tuple(dict.fromkeys(element_type(n) for name in names for n in GROUPS.get(name, (name,)))) or (None,)
    parts = _parts(entry["table"]) if "table" in entry else [{}]
    for operator in entry["operators"]:
        for part in parts:
            yield Row(operator, **plain, **part)


def _parts(table: str) -> list[dict[str, Any]]:
    """The tensors of an elementwise table; those of its open lines apart: a runtime may refuse them."""
    header, *lines = ([side.split() for side in line.split("->")] for line in table.strip().splitlines())
    either: tuple[list[Any], list[Any]] = [], []
    for line in lines:
        either["?" in line[1]].append(line)
    return [_columns(header, part) for part in either if part]


def _columns(header: list[list[str]], lines: list[list[list[str]]]) -> dict[str, Any]:
    """The tensors of some lines; the type of a column without one is T."""
    sides = []
    for side, names in enumerate(header):
        columns = zip(*(line[side] for line in lines), strict=True)
        sides.append({n.partition(":")[0]: _tensor_text(n.partition(":")[2] or "T", c) for n, c in zip(names, columns, strict=True)})
    return {"inputs": sides[0], "outputs": sides[1], "elementwise": True}


def _tensor_text(name: str, words: Sequence[str]) -> str:
    return f"{name}[{len(words)}] {{{', '.join(words)}}}"


def words(text: str) -> list[str]:
    """The elements of a tensor as they are written."""
    return _split(text)[2]


def some(text: str, places: Array) -> str:
    """These elements of a tensor of one axis."""
    name, _, words = _split(text)
    return _tensor_text(name, [words[i] for i in places])


def _split(text: str) -> tuple[str, str, list[str]]:
    found = _TENSOR.fullmatch(text)
    if found is None:
        raise InvalidModel("a tensor is written T[2] {1, max}", seen=text)
    return found[1], found[2] or "", found[3].replace(",", " ").split()


def type_of(written: Written, elem: ElementType | None) -> ValueType:
    return read_value(_plain(written, elem, 0)[0])[0]


def choices(written: Written, elem: ElementType | None) -> tuple[tuple[Any, ...], Array | None]:
    """The values that are written, and which elements are open."""
    first, count, mask = _plain(written, elem, 0)
    return tuple(read_value(first if at == 0 else _plain(written, elem, at)[0])[1] for at in range(count)), mask


def _plain(written: Written, elem: ElementType | None, at: int) -> tuple[Written, int, Array | None]:
    """Choice number ``at`` in the notation of :mod:`refexec.teach.notation`, of how many, and which elements are open."""
    if isinstance(written, list):
        return [_plain(item, elem, at)[0] for item in written], 1, None
    if isinstance(written, dict):
        return {k: _plain_part(k, v, elem) for k, v in written.items()}, 1, None
    if '"' in written:
        return written, 1, None
    name, shape, words = _split(written)
    held = elem if name == "T" and elem is not None else element_type(name)
    either = [word.split("|") for word in words]
    chosen = (_word(e[min(at, len(e) - 1)], held) for e in either)
    mask = np.array([word == "?" for word in words])
    return f"{held.onnx_name}{shape} {{{', '.join(chosen)}}}", max(map(len, either), default=1), mask if mask.any() else None


def _plain_part(key: str, value: Any, elem: ElementType | None) -> Any:
    if key in ("seq", "optional") and elem is not None:
        return re.sub(r"\bT\b", elem.onnx_name, value)
    if key in ("items", "value"):
        return _plain(value, elem, 0)[0]
    return value


def _word(word: str, elem: ElementType) -> str:
    """A word as a number of the element type."""
    if word in ("?", "any"):
        return "1"
    found = _WORD.fullmatch(word)
    if found is None:
        return word
    sign, name, operator, by = found.groups()
    value = _end(name, elem) * (-1 if sign else 1)
    match operator:
        case "+":
            value += int(by)
        case "-":
            value -= int(by)
        case "*":
            value *= int(by)
        case "/":
            value /= int(by)
    return repr(value)


def _end(name: str, elem: ElementType) -> Any:
    if name == "pi":
        return math.pi
    if elem.is_float:
        top = max_finite(elem.dtype)
        return {"max": top, "min": -top, "tiny": smallest_subnormal(elem.dtype)}[name]
    signed = elem.kind == "int"
    return {"max": 2 ** (elem.bits - signed) - 1, "min": -(2 ** (elem.bits - 1)) if signed else 0, "tiny": 1}[name]
