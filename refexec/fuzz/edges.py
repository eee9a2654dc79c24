"""The edge-value tables as models with expected results: a row at each version and with each element type that it holds for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
import onnx

from refexec.diff.metrics import misfit, same_bits
from refexec.fuzz.edge_rows import Row, choices, rows, some, type_of, words
from refexec.schema import Signature, all_signatures
from refexec.teach.notation import model_of, opsets_of, write_value
from refexec.tensors import tensor_from_proto
from refexec.types import ElementType, element_type, without_shape
from refexec.values import ulp, unit_roundoff

__all__ = ["Case", "Expected", "cases", "cases_of", "settled"]

Array = np.ndarray[Any, Any]
ALL = np.ones((), bool)  # every element
IR_VERSION = 10  # which every runtime reads
COARSE = 2.0**-8  # the unit roundoff of bfloat16; numbers of a coarser type are too far apart to be near


@dataclass(frozen=True)
class Expected:
    """What an output may be: element by element that of one of the choices, or anything where it is ``open``; all of it without choices."""

    choices: tuple[Any, ...]
    open: Array | None = None

    def wrong(self, found: Any, ulps: int = 0) -> Array | str | None:
        """The places of elements that are wrong, or what else is; None when nothing is.

        ``ulps``: how far a finite number other than 0 may be from what is expected, in units in the last place.
        """
        if not self.choices:
            return None
        first = self.choices[0]
        if unlike := misfit(first, found):
            return unlike
        if not isinstance(first, np.ndarray):
            return None if any(same_bits(choice, found) for choice in self.choices) else "value"
        right = np.logical_or.reduce([_equal(choice, found, ulps) for choice in self.choices]).reshape(-1)
        places = np.flatnonzero(~(right if self.open is None else right | self.open))
        return places if places.size else None


@dataclass(frozen=True)
class Case:
    """A row at one version, with one element type."""

    row: Row
    signature: Signature
    elem: ElementType | None

    def __str__(self) -> str:
        return f"{self.signature.label}{f' {self.elem.name}' if self.elem else ''}: {self.row.node or self.row.why}"

    @cached_property
    def feeds(self) -> dict[str, Any]:
        return {name: choices(written, self.elem)[0][0] for name, written in self.row.inputs.items()}

    @cached_property
    def expected(self) -> dict[str, Expected]:
        """By output; none where the row says that the model is refused."""
        return {n: Expected(()) if w == "?" else Expected(*choices(w, self.elem)) for n, w in self.row.outputs.items()}

    @cached_property
    def model(self) -> onnx.ModelProto:
        types = {name: type_of(written, self.elem) for name, written in self.row.inputs.items()}
        domain, since = self.signature.domain, self.signature.since
        made = model_of(self.row.text(self.elem), opsets_of(domain, since), types, self.row.outputs or ["y"])
        made.ir_version = IR_VERSION
        return made

    def wrong(self, found: Mapping[str, Any], ulps: int = 0) -> str | None:
        """What is wrong with the results, in a sentence; ``ulps`` as in :meth:`Expected.wrong`."""
        for name, expected in self.expected.items():
            places = expected.wrong(found.get(name), ulps)
            if isinstance(places, str):
                return f"{places}: {name} = {write_value(found.get(name))}, the table says {self.row.outputs[name]}"
            if places is not None:
                return "; ".join(self._element(name, int(at), found[name]) for at in places[:4])
        return None

    def only(self, found: Mapping[str, Any], ulps: int = 0) -> Case:
        """An elementwise case with the elements alone that are wrong; any other as it is."""
        places = [w for n, e in self.expected.items() if isinstance(w := e.wrong(found.get(n), ulps), np.ndarray)]
        if not self.row.elementwise or not places:
            return self
        kept = np.unique(np.concatenate(places))
        inputs, outputs = ({n: some(str(w), kept) for n, w in t.items()} for t in (self.row.inputs, self.row.outputs))
        return Case(replace(self.row, inputs=inputs, outputs=outputs), self.signature, self.elem)

    def _element(self, name: str, at: int, found: Array) -> str:
        given = ""
        if self.row.elementwise:
            given = ", ".join(_text(v.reshape(-1)[at]) for v in self.feeds.values()) + " gives "
        said = " or ".join(dict.fromkeys(_text(choice.reshape(-1)[at]) for choice in self.expected[name].choices))
        return f"{given}{name}{'' if self.row.elementwise else f'[{at}]'} = {_text(found.reshape(-1)[at])}, the table says {said}"


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, str) else str(value)


def _equal(a: Array, b: Array, ulps: int = 0) -> Array:
    """Elements with the same bits, but for the payload of NaN, or finite ones other than 0 that are ``ulps`` or fewer apart."""
    if a.dtype.kind == "O":
        return np.asarray(a == b)
    same = np.asarray(((a == b) & (_signs(a) == _signs(b))) | ((a != a) & (b != b)))
    elem = element_type(a.dtype)
    if not ulps or not elem.is_float or unit_roundoff(elem.dtype) > COARSE:
        return same
    with np.errstate(all="ignore"):
        x, y = a.astype(np.float64), b.astype(np.float64)
        return np.asarray(same | (np.isfinite(x) & (x != 0) & (np.abs(x - y) <= ulps * ulp(x, elem.dtype))))


def _signs(a: Array) -> Array:
    return np.signbit(a) if element_type(a.dtype).is_float else np.zeros(a.shape, bool)


def settled(model: onnx.ModelProto, feeds: Mapping[str, Any], expected: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """What a runtime gave, with what is expected in its place where a table leaves an element of the model's only node open."""
    results, places = dict(found), _open_places(model, feeds)
    if places is None:
        return results
    for name in expected:
        if isinstance(expected[name], np.ndarray) and not misfit(expected[name], found.get(name)):
            if places is ALL:
                results[name] = expected[name]
            elif expected[name].shape == places.shape:
                results[name] = np.where(places, expected[name], found[name])
    return results


def _open_places(model: onnx.ModelProto, feeds: Mapping[str, Any]) -> Array | None:
    """The elements of the result of the model's only node that a table leaves open; None where no row speaks of it."""
    if len(model.graph.node) != 1:
        return None
    node = model.graph.node[0]
    weights = {w.name: tensor_from_proto(w, w.name) for w in model.graph.initializer}
    given = [feeds.get(name, weights.get(name)) for name in node.input]
    version = next((o.version for o in model.opset_import if o.domain == node.domain), 0)
    known = [c for c in cases_of(node.domain, node.op_type) if c.signature.since <= version]
    if any(c.row.nan for c in known) and any(_has_nan(g) for g in given):
        return ALL
    found = [c for c in known if c.row.open and c.row.elementwise]
    newest = max((c.signature.since for c in found), default=0)
    masks = [_matching(c, given) for c in found if c.signature.since == newest and _attributes(c.model.graph.node[0]) <= _attributes(node)]
    some = [m for m in masks if m is not None]
    return np.logical_or.reduce(some) if some else None


def _has_nan(value: Any) -> bool:
    return isinstance(value, np.ndarray) and element_type(value.dtype).is_float and bool(np.isnan(value).any())


def _attributes(node: onnx.NodeProto) -> set[bytes]:
    return {a.SerializeToString(deterministic=True) for a in node.attribute}


def _matching(case: Case, given: list[Any]) -> Array | None:
    """Where the inputs have the values of a line of an elementwise row."""
    lines = list(case.feeds.values())
    if len(lines) != len(given) or any(not isinstance(g, np.ndarray) or g.dtype != v.dtype for g, v in zip(given, lines, strict=True)):
        return None
    free = [[word == "any" for word in words(str(written))] for written in case.row.inputs.values()]
    found = np.zeros(np.broadcast_shapes(*(g.shape for g in given)), bool)
    for at in range(len(lines[0])):
        parts = (np.True_ if skip[at] else _equal(g, v[at]) for g, v, skip in zip(given, lines, free, strict=True))
        found |= np.logical_and.reduce(np.broadcast_arrays(*parts, found)[:-1])
    return found


@cache
def cases() -> tuple[Case, ...]:
    """Every row at every version and with every element type that it holds for."""
    return tuple(case for row in rows() for case in _cases(row))


@cache
def cases_of(domain: str, name: str) -> tuple[Case, ...]:
    return tuple(c for c in cases() if c.row.key == (domain, name))


def _cases(row: Row) -> Iterator[Case]:
    for (domain, name, since), found in sorted(all_signatures().items()):
        if (domain, name) == row.key and row.since <= since <= row.until and not found.deprecated:
            for elem in row.types:
                case = Case(row, found, elem)
                if _admits(case):
                    yield case


def _admits(case: Case) -> bool:
    """Whether the schema has the types that the row writes, for the operands of the row's own operator."""
    signature = case.signature
    node = next(n for n in case.model.graph.node if n.op_type == signature.name)
    if not signature.min_inputs <= len(node.input) <= signature.max_inputs or len(node.output) > signature.max_outputs:
        return False
    if any(a.name not in signature.attributes for a in node.attribute):
        return False
    inputs = [(signature.input(i), case.row.inputs[n]) for i, n in enumerate(node.input) if n in case.row.inputs]
    outputs = [(signature.output(i), case.row.outputs[n]) for i, n in enumerate(node.output) if case.row.outputs.get(n, "?") != "?"]
    return all(without_shape(type_of(written, case.elem)) in formal.types for formal, written in (*inputs, *outputs))
