"""Values of an exact case: tensors of exact numbers, sequences, optionals, maps; arrays made of them, and the comparison.

Type names are those of onnx's type strings without ``tensor( )``: ``float``, ``double``, ``float8e4m3fn``, ``int4``, ``string``, ``bool``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import onnx

from conformance.exact.formats import FLOATS, INTEGERS, Number, decode, encode, quantum, round_to

__all__ = ["Any_", "Case", "Map", "Opt", "Seq", "Tensor", "Value", "array", "difference", "representable", "type_proto"]

HALF = Fraction(1, 2)
DTYPES: dict[str, Any] = {
    "double": np.float64, "float": np.float32, "float16": np.float16, "bfloat16": ml_dtypes.bfloat16,
    "float8e4m3fn": ml_dtypes.float8_e4m3fn, "float8e4m3fnuz": ml_dtypes.float8_e4m3fnuz, "float8e5m2": ml_dtypes.float8_e5m2,
    "float8e5m2fnuz": ml_dtypes.float8_e5m2fnuz, "float8e8m0": ml_dtypes.float8_e8m0fnu, "float6e2m3": ml_dtypes.float6_e2m3fn,
    "float6e3m2": ml_dtypes.float6_e3m2fn, "float4e2m1": ml_dtypes.float4_e2m1fn, "int4": ml_dtypes.int4, "uint4": ml_dtypes.uint4,
    "int2": ml_dtypes.int2, "uint2": ml_dtypes.uint2, "bool": np.bool_, "string": np.object_, "complex64": np.complex64,
    "complex128": np.complex128, **{f"{u}int{b}": np.dtype(f"{u}int{b}") for u in ("", "u") for b in (8, 16, 32, 64)},
}  # fmt: skip
PARTS = {"complex64": "float", "complex128": "double"}
"""The type of the real and of the imaginary part."""


@dataclass(frozen=True)
class Tensor:
    """``values`` in row-major order: numbers, bools, strs, or (real, imaginary) pairs of a complex type.

    As an input every number must be one of the type. As an expected output a float is the exact result, not yet rounded; 0.0 is a zero
    that must not be -0.
    """

    type: str
    shape: tuple[int, ...]
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        object.__setattr__(self, "values", tuple(self.values))
        if self.type not in DTYPES or math.prod(self.shape) != len(self.values):
            raise ValueError(f"{len(self.values)} values for tensor({self.type}) of shape {self.shape}")

    @classmethod
    def of(cls, type: str, nested: Any) -> Tensor:
        """From nested lists, or one number for a scalar."""
        shape: list[int] = []
        level = nested
        while isinstance(level, list):
            shape.append(len(level))
            level = level[0] if level else None
        return cls(type, tuple(shape), tuple(_flat(nested)))

    def map(self, function: Callable[..., Any], type: str | None = None) -> Tensor:
        """``function`` of each value."""
        return Tensor(type or self.type, self.shape, tuple(map(function, self.values)))

    def __getitem__(self, at: tuple[int, ...]) -> Any:
        """The value at a full index."""
        flat = 0
        for i, n in zip(at, self.shape, strict=True):
            if not 0 <= i < n:
                raise IndexError(at)
            flat = flat * n + i
        return self.values[flat]

    def __str__(self) -> str:
        return f"tensor({self.type})"


def _flat(nested: Any) -> list[Any]:
    return [v for item in nested for v in _flat(item)] if isinstance(nested, list) else [nested]


@dataclass(frozen=True)
class Seq:
    """A sequence; ``elem`` is the type string of the items, ``tensor(float)``."""

    elem: str
    items: tuple[Any, ...]

    def __str__(self) -> str:
        return f"seq({self.elem})"


@dataclass(frozen=True)
class Opt:
    """An optional; ``elem`` is the type string of what it may hold, ``value`` None when it is empty."""

    elem: str
    value: Any

    def __str__(self) -> str:
        return f"optional({self.elem})"


@dataclass(frozen=True)
class Map:
    """A map; ``type`` is its type string, ``map(string,tensor(float))``."""

    type: str
    entries: Mapping[Any, Any]

    def __str__(self) -> str:
        return self.type


@dataclass(frozen=True)
class Any_:
    """An output whose values are random: only type and shape are compared."""

    type: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"tensor({self.type})"


Value = Tensor | Seq | Opt | Map | Any_


@dataclass(frozen=True)
class Case:
    """One node with its inputs and what it must give.

    Args:
        inputs: by position; None for an absent optional input, which at the end is left out, unless it is the only one.
        outputs: by position; None for an output that the node does not ask for.
        attributes: as for ``onnx.helper.make_node``; tensors as :class:`Tensor`, graphs as GraphProto, floats as fractions too. None for
            one that the node does not have.
        ulps: how far a float result may be from the exact value, in units in the last place. None: the nearest number, half to
            even; for ``double`` four units, since no wider type rounds it. More than that has a reason, given in ``why``.
        why: the reason of ``ulps``.
        before: nodes that stand before the node, in opset 21 of ai.onnx; inputs are named ``x0``, ``x1``, ... (for Gradient, which names
            what it derives).
        outer: further inputs of the graph, by name, which the graphs in the attributes may use.
    """

    inputs: Sequence[Value | None]
    outputs: Sequence[Value | None]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    ulps: Fraction | int | None = None
    why: str = ""
    before: Sequence[onnx.NodeProto] = ()
    outer: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        inputs = list(self.inputs)
        while len(inputs) > 1 and inputs[-1] is None:
            inputs.pop()
        object.__setattr__(self, "inputs", tuple(inputs))
        object.__setattr__(self, "attributes", {n: _plain(v) for n, v in self.attributes.items() if v is not None})
        if self.ulps is not None and not self.why:
            raise ValueError("ulps has a reason")
        for value in (*self.inputs, *self.outer.values()):
            if isinstance(value, Tensor) and not representable(value):
                raise ValueError(f"an input holds numbers that are not of tensor({value.type}): {value.values}")


def _plain(attribute: Any) -> Any:
    return float(attribute) if isinstance(attribute, Fraction) else attribute


def representable(value: Tensor) -> bool:
    """Whether every number is one of the tensor's type."""
    try:
        array(value)
    except ValueError:
        return False
    return True


def array(value: Tensor) -> np.ndarray[Any, Any]:
    """The NumPy array. Raises ValueError for a number that the type does not hold exactly."""
    dtype = np.dtype(DTYPES[value.type])
    if value.type in FLOATS:
        return _from_bits([encode(v, value.type) for v in value.values], value.type).reshape(value.shape)
    if value.type in PARTS:
        parts = [_from_bits([encode(v[i], PARTS[value.type]) for v in value.values], PARTS[value.type]) for i in (0, 1)]
        made: np.ndarray[Any, Any] = np.stack(parts, axis=-1).reshape(-1).view(dtype).reshape(value.shape)
        return made
    if value.type in INTEGERS:
        form = INTEGERS[value.type]
        if not all(isinstance(v, int | Fraction) and v == int(v) and form.lowest <= v <= form.largest for v in value.values):
            raise ValueError(f"{value.values} are not all of {value.type}")
        whole = np.array([int(v) for v in value.values], dtype=np.int64 if form.lowest < 0 else np.uint64)
        return whole.astype(dtype).reshape(value.shape)
    if not all(isinstance(v, bool if value.type == "bool" else str) for v in value.values):
        raise ValueError(f"{value.values} are not all of {value.type}")
    made = np.empty(len(value.values), dtype)
    made[:] = value.values
    return made.reshape(value.shape)


def _from_bits(bits: list[int], of: str) -> np.ndarray[Any, Any]:
    dtype = np.dtype(DTYPES[of])
    return np.array(bits, dtype=f"uint{dtype.itemsize * 8}").view(dtype)


def numbers(found: np.ndarray[Any, Any], of: str) -> list[Number]:
    """The exact numbers of a float array."""
    mask = (1 << FLOATS[of].bits) - 1
    bits = np.ascontiguousarray(found).reshape(-1).view(f"uint{found.dtype.itemsize * 8}")
    return [decode(int(b) & mask, of) for b in bits]


def type_proto(value: Any) -> onnx.TypeProto:
    """The type of a value, with the shape of a tensor."""
    if isinstance(value, Tensor | Any_):
        return onnx.helper.make_tensor_type_proto(_number(value.type), value.shape)
    return type_of(str(value))


def type_of(text: str) -> onnx.TypeProto:
    """The TypeProto of a type string, without shapes."""
    head, _, rest = text.partition("(")
    inner = rest[:-1]
    if head == "tensor":
        return onnx.helper.make_tensor_type_proto(_number(inner), None)
    if head == "seq":
        return onnx.helper.make_sequence_type_proto(type_of(inner))
    if head == "optional":
        return onnx.helper.make_optional_type_proto(type_of(inner))
    key, _, held = inner.partition(",")
    return onnx.helper.make_map_type_proto(_number(key), type_of(held if "(" in held else f"tensor({held.strip()})"))


def _number(name: str) -> int:
    return int(onnx.TensorProto.DataType.Value(name.upper()))


def public(value: Any) -> Any:
    """As a user feeds it: arrays, lists, None, dicts."""
    if isinstance(value, Tensor):
        return array(value)
    if isinstance(value, Seq):
        return [public(v) for v in value.items]
    if isinstance(value, Opt):
        return None if value.value is None else public(value.value)
    if isinstance(value, Map):
        return {k: public(v) if isinstance(v, Tensor) else v for k, v in value.entries.items()}
    return value


def difference(expected: Any, found: Any, ulps: Fraction | int | None = None) -> str | None:
    """What is wrong with ``found``, a value as a user gets it; None when nothing is."""
    if isinstance(expected, Tensor | Any_):
        return _tensor_difference(expected, found, ulps)
    if isinstance(expected, Opt):
        if expected.value is None:
            return None if found is None else f"expected an empty optional, got {found!r}"
        return difference(expected.value, found, ulps)
    if isinstance(expected, Seq):
        if not isinstance(found, list) or len(found) != len(expected.items):
            return f"expected a sequence of {len(expected.items)}, got {found!r}"
        return next((d for e, f in zip(expected.items, found, strict=True) if (d := difference(e, f, ulps))), None)
    if isinstance(expected, Map):
        if not isinstance(found, dict) or set(found) != set(expected.entries):
            return f"expected a map with the keys {list(expected.entries)}, got {found!r}"
        held = expected.type.partition(",")[2][:-1].removeprefix("tensor(").rstrip(")")
        pairs = [(Tensor(held, (), (v,)), np.asarray(found[k], DTYPES[held])) for k, v in expected.entries.items()]
        return next((d for e, f in pairs if (d := difference(e, f, ulps))), None)
    raise TypeError(expected)


def _tensor_difference(expected: Tensor | Any_, found: Any, ulps: Fraction | int | None) -> str | None:
    if not isinstance(found, np.ndarray):
        return f"expected a tensor, got {type(found).__name__}"
    if found.dtype != np.dtype(DTYPES[expected.type]) or found.shape != expected.shape:
        return f"expected {expected.type}{list(expected.shape)}, got {found.dtype}{list(found.shape)}"
    if isinstance(expected, Any_):
        return None
    if expected.type in FLOATS:
        got = numbers(found, expected.type)
        wrong = [i for i, (e, g) in enumerate(zip(expected.values, got, strict=True)) if not _near(e, g, expected.type, ulps)]
    elif expected.type in PARTS:
        part = PARTS[expected.type]
        got = list(zip(numbers(found.real.copy(), part), numbers(found.imag.copy(), part), strict=True))
        pairs = zip(expected.values, got, strict=True)
        wrong = [i for i, (e, g) in enumerate(pairs) if not (_near(e[0], g[0], part, ulps) and _near(e[1], g[1], part, ulps))]
    else:
        got = [v if expected.type == "string" else bool(v) if expected.type == "bool" else int(v) for v in found.reshape(-1)]
        wrong = [i for i, (e, g) in enumerate(zip(expected.values, got, strict=True)) if e != g]
    if not wrong:
        return None
    at = wrong[0]
    return f"element {at} of {len(got)}: expected {_shown(expected.values[at])}, got {_shown(got[at])}"


def _near(exact: Number, got: Number, of: str, ulps: Fraction | int | None) -> bool:
    allowed = ulps if ulps is not None else 4 if of == "double" else HALF
    if isinstance(exact, float) or of == "float8e8m0":
        return repr(got) == repr(exact if isinstance(exact, float) and repr(exact) != "0.0" else Fraction(exact))  # 0.0: no -0
    nearest = round_to(exact, of)
    if got == nearest:  # an exact 0 may come out as either zero: no operator's text fixes the sign of a result that vanishes
        return True
    got = Fraction(0) if got == 0 else got
    if allowed <= HALF or isinstance(got, float) or isinstance(nearest, float):
        return False
    return bool(abs(got - Fraction(exact)) <= allowed * quantum(exact, of))


def _shown(value: Any) -> str:
    if not isinstance(value, Fraction):
        return repr(value)
    near = f"{float(value):.9g}" if abs(value) <= FLOATS["double"].largest else "a number beyond double"
    return f"{value} = {near}" if value.denominator < 10**30 > abs(value) else near
