"""Opspecs of operators that make tensors: constants, ranges, random numbers."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, prod

import numpy as np
from onnx import SparseTensorProto

from refexec.opspec import Draw, Out, opspec
from refexec.tensors import tensor_to_proto
from refexec.types import FLOAT32, INT64, STRING, ElementType

SEEDS = (0.0, 42.0)
PARAMETERS = {"mean": (0.5, -1.0), "scale": (2.0, 0.25), "low": (-1.0, 0.5), "high": (1.5, 3.0)}
ONE_VALUE = {FLOAT32: ("value_float", -1.5), INT64: ("value_int", -3), STRING: ("value_string", "ab")}
VALUES = {
    FLOAT32: ("value_floats", [0.5, -1.5, 0.0]),
    INT64: ("value_ints", [3, -1, 2**62]),
    STRING: ("value_strings", ["a", "", "b c"]),
}


@opspec("Constant", 1, 9, 11, 12, 13, 19, 21, 23, 24, 25)
def constant(d: Draw) -> None:
    """A tensor, a sparse one, which float8e8m0 without a zero does not have, or values of the types of attributes."""
    elem = d.elem("T")
    kinds = ["value", "sparse_value"] if d.has("sparse_value") and elem.name != "float8e8m0" else ["value"]
    if d.has("value_int"):
        kinds += [table[elem][0] for table in (ONE_VALUE, VALUES) if elem in table]
    shape: tuple[int, ...] = ()
    match d.pick(kinds):
        case "value":
            shape = d.shape(0, 3, empty=True)
            d.set("value", d.array(elem, shape))
        case "sparse_value":
            shape = d.shape(1, 3)
            d.set("sparse_value", sparse(d, elem, shape))
        case "value_float" | "value_int" | "value_string":
            d.set(*ONE_VALUE[elem])
        case name:
            shape = (d.integer(1, 3),)
            d.set(name, VALUES[elem][1][: shape[0]])
    d.emit([], Out(elem, shape))


def sparse(d: Draw, elem: ElementType, shape: Sequence[int]) -> SparseTensorProto:
    """Values that are not zero, at linear indices or at coordinates; onnx's checker has no axes of size 0."""
    where = np.arange(prod(shape))[d.pick((slice(None), slice(None, None, 2), slice(1, None, 3), slice(0)))]
    indices = np.stack(np.unravel_index(where, tuple(shape)), axis=-1) if d.flag() else where
    ones = {"bool": True, "string": "ab"}
    values = np.full(len(where), ones[elem.kind], elem.dtype) if elem.kind in ones else d.array(elem, where.shape, (1, 9))
    return SparseTensorProto(values=tensor_to_proto(values, "values"), indices=tensor_to_proto(indices.astype(np.int64)), dims=shape)


@opspec("ConstantOfShape", 9, 20, 21, 23, 24, 25)
def constant_of_shape(d: Draw) -> None:
    shape = d.shape(0, 4, empty=True)
    elem = d.elem("T2")
    if elem is not FLOAT32 or d.flag():
        d.set("value", d.array(elem, (1,)))
    d.emit([d.constant(shape)], Out(elem, shape))


@opspec("EyeLike", 9, 22)
def eye_like(d: Draw) -> None:
    """Ones on a diagonal, which may lie outside."""
    x = d.input("T1", (2, 2), empty=True, sized=False)
    elem = d.named_type("dtype", "T2", x.elem)
    d.attr("k", [0, 1, -1, 2, -3, 6])
    d.emit([x], Out(elem, x.shape, (0, 1)))


@opspec("Range", 11, 27)
def range_(d: Draw) -> None:
    """Of numbers on a lattice, on which the number of elements is not in doubt."""
    elem = d.elem("T")
    start, limit = d.integer(-3, 3), d.integer(-3, 9)
    delta = Fraction(d.pick([1, 2, 3, -1, -2, *((0.5, -0.75) if elem.is_float else ())]))
    d.attr("stash_type", [1, 11])
    count = max(ceil((limit - start) / delta), 0)
    d.emit([d.constant(float(x) if elem.is_float else int(x), elem) for x in (start, limit, delta)], Out(elem, (count,), (-9, 9)))


def parameters(d: Draw) -> None:
    d.attr("seed", SEEDS)
    for name, options in PARAMETERS.items():
        d.attr(name, options)


@opspec("RandomNormal", 1, 22)
@opspec("RandomUniform", 1, 22)
def random_numbers(d: Draw) -> None:
    elem = d.named_type("dtype", "T")
    parameters(d)
    d.emit([], Out(elem, d.set("shape", d.shape(0, 3, empty=True))))


@opspec("RandomNormalLike", 1, 22)
@opspec("RandomUniformLike", 1, 22)
def random_numbers_like(d: Draw) -> None:
    x = d.input("T1", empty=True, sized=False)
    elem = d.named_type("dtype", "T2", x.elem)
    parameters(d)
    d.emit([x], Out(elem, x.shape))


@opspec("Bernoulli", 15, 22)
def bernoulli(d: Draw) -> None:
    p = d.input("T1", empty=True, sized=False, span=(0, 1))
    elem = d.named_type("dtype", "T2", p.elem)
    d.attr("seed", SEEDS)
    d.emit([p], Out(elem, p.shape, (0, 1)))


@opspec("Multinomial", 7, 22)
def multinomial(d: Draw) -> None:
    """Of rows of log-probabilities."""
    x = d.input("T1", (2, 2), span=(-4, 4))
    elem = d.named_type("dtype", "T2")
    d.attr("seed", SEEDS)
    count = d.attr("sample_size", [1, 2, 5])
    d.emit([x], Out(elem, (x.sizes[0], count), (0, x.sizes[1] - 1)))
