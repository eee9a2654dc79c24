"""Integer wrapping, widths and limits of the types, and values that are not tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from refexec.errors import ContractError, UnsupportedType
from refexec.types import ELEMENT_TYPES, element_type, parse_type
from refexec.values import (
    Optional,
    Sequence,
    SparseTensor,
    float_format,
    highest,
    lowest,
    max_finite,
    nbytes,
    smallest_subnormal,
    to_public,
    ulp,
    unit_roundoff,
    value_type_of,
    wide_dtype,
    widen,
    wrap_to_int,
    zero,
)
from tests.test_values_rounding import LAYOUTS, LONG_IS_WIDER, Layout

Array = np.ndarray[Any, Any]
every_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.name)


# Integers.


@pytest.mark.parametrize(
    "source", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "int4", "uint4", "int2", "uint2"]
)
@pytest.mark.parametrize("target", ["int8", "uint8", "int16", "uint32", "int4", "uint4", "int2", "uint2"])
def test_integers_wrap_in_twos_complement(source: str, target: str) -> None:
    s, t = element_type(source), element_type(target)
    low, high = (-(2 ** (s.bits - 1)), 2 ** (s.bits - 1) - 1) if s.kind == "int" else (0, 2**s.bits - 1)
    numbers = [n for n in [*range(-300, 300), low, low + 1, high - 1, high, 2**40 + 5, 2**63 + 3, -(2**40) - 6] if low <= n <= high]
    wide = np.array(numbers, np.uint64 if source == "uint64" else np.int64)
    result = wrap_to_int(wide.astype(s.dtype), t)
    expected = [n % 2**t.bits for n in numbers]
    if t.kind == "int":
        expected = [n - 2**t.bits if n >= 2 ** (t.bits - 1) else n for n in expected]
    assert [int(n) for n in result] == expected
    assert result.dtype == t.dtype


def test_the_example_of_cast_wraps_200_to_minus_56() -> None:
    assert wrap_to_int(np.array([200], np.int16), np.int8).tolist() == [-56]
    assert wrap_to_int(np.array([True, False]), element_type("int2")).astype(int).tolist() == [1, 0]


def test_only_integers_wrap() -> None:
    with pytest.raises(ContractError):
        wrap_to_int(np.array([1.0]), np.int8)
    with pytest.raises(ContractError):
        wrap_to_int(np.array([1]), np.float32)


# Widths and limits.


def test_the_wide_type_of_each_type() -> None:
    long, clong = (np.dtype(np.longdouble), np.dtype(np.clongdouble)) if LONG_IS_WIDER else (np.dtype(np.float64), np.dtype(np.complex128))
    for elem in ELEMENT_TYPES:
        expected = {"float64": long, "complex64": np.dtype(np.complex128), "complex128": clong}.get(elem.name)
        if expected is None:
            expected = np.dtype(np.float64) if elem.is_float else elem.dtype
        assert wide_dtype(elem) == expected == wide_dtype(elem.dtype)


@every_layout
def test_widening_is_exact_for_every_code(layout: Layout) -> None:
    x: Array = np.arange(layout.first_not_finite, dtype=np.uint16 if layout.bits == 16 else np.uint8).view(element_type(layout.name).dtype)
    assert np.array_equal(widen(x), layout.values())


def test_widening_an_integer_does_nothing() -> None:
    x = np.array([1, 2])
    assert widen(x) is x


@every_layout
def test_ulp_is_the_distance_to_the_next_larger_value(layout: Layout) -> None:
    values = layout.values()
    between = values[:-1] + (values[1:] - values[:-1]) * 0.75
    for x in (values[:-1], between, -between):
        assert np.array_equal(ulp(x, element_type(layout.name)), np.diff(values))


def test_ulp_of_float32_and_float64_is_numpys_spacing() -> None:
    for dtype in (np.float32, np.float64):
        x = np.array([0, 1, 1.5, 1e-40, 3e38, np.finfo(dtype).smallest_subnormal, np.finfo(dtype).tiny], dtype)
        assert np.array_equal(ulp(x, dtype), np.spacing(x).astype(np.float64))


def test_ulp_beyond_the_range_is_that_of_the_last_binade_and_of_nan_nan() -> None:
    assert ulp([1e6, -np.inf, 448], element_type("float8e4m3fn")).tolist() == [32.0, 32.0, 32.0]
    assert np.isnan(ulp(np.nan, np.float32))
    assert ulp(1.0, np.complex64) == 2.0**-23


@every_layout
def test_the_limits_follow_from_the_layout(layout: Layout) -> None:
    elem, values = element_type(layout.name), layout.values()
    assert max_finite(elem) == values[-1]
    assert smallest_subnormal(elem) == values[1]
    assert unit_roundoff(elem) == 2.0 ** -(layout.fraction_bits + 1)
    assert float_format(elem).has_inf == (layout.top == "ieee")


def test_the_limits_of_the_wider_types() -> None:
    assert (unit_roundoff(np.float32), unit_roundoff(np.float64)) == (2.0**-24, 2.0**-53)
    assert (smallest_subnormal(np.float32), smallest_subnormal(np.float64)) == (2.0**-149, 5e-324)
    assert max_finite(np.float32) == 2.0**128 - 2.0**104
    e8m0 = element_type("float8e8m0")
    assert (smallest_subnormal(e8m0), max_finite(e8m0), unit_roundoff(e8m0)) == (2.0**-127, 2.0**127, 0.5)
    with pytest.raises(ContractError):
        max_finite(np.int32)


@pytest.mark.parametrize("elem", [e for e in ELEMENT_TYPES if e.kind not in ("string", "complex")], ids=str)
def test_lowest_and_highest_bound_every_value_of_the_type(elem: Any) -> None:
    bits = min(elem.bits, 16) if elem.kind != "bool" else 1
    codes: Array = np.arange(2**bits, dtype=np.uint16 if elem.dtype.itemsize > 1 else np.uint8)
    x = codes.view(elem.dtype) if elem.bits <= 16 else np.array([0, 1], elem.dtype)
    with np.errstate(invalid="ignore"):  # signalling NaNs
        numbers = x.astype(float)
    numbers = numbers[~np.isnan(numbers)]
    assert float(lowest(elem)) <= numbers.min()
    assert float(highest(elem)) >= numbers.max()
    assert np.asarray(lowest(elem)).dtype == elem.dtype == np.asarray(highest(elem)).dtype
    if elem.bits <= 16:
        assert (float(lowest(elem)), float(highest(elem))) == (numbers.min(), numbers.max())


def test_lowest_and_highest_by_hand() -> None:
    assert (lowest(np.float32), highest(np.float64)) == (-math.inf, math.inf)
    assert (lowest(np.int64), highest(np.uint64)) == (-(2**63), 2**64 - 1)
    assert (int(lowest(element_type("int4"))), int(highest(element_type("uint2")))) == (-8, 3)
    assert float(lowest(element_type("float8e4m3fn"))) == -448.0
    assert (lowest(np.bool_), highest(np.bool_), lowest(element_type("string"))) == (False, True, "")
    with pytest.raises(ContractError):
        highest(element_type("string"))
    with pytest.raises(ContractError):
        lowest(np.complex64)


def test_zero_of_each_type() -> None:
    assert zero(element_type("string")) == ""
    with pytest.raises(UnsupportedType, match="no zero"):
        zero(element_type("float8e8m0"))
    for elem in ELEMENT_TYPES:
        if elem.name not in ("string", "float8e8m0"):
            assert zero(elem) == 0
            assert np.asarray(zero(elem)).dtype == elem.dtype


# Values that are not tensors.

FLOATS = parse_type("tensor(float)")


def test_a_sequence_has_length_and_order_and_is_frozen() -> None:
    s = Sequence(FLOATS, [np.float32(1), np.float32(2)])
    assert (len(s), list(s)) == (2, [1, 2])
    with pytest.raises(AttributeError):
        s.items = []  # type: ignore[misc]


def test_the_type_of_each_kind_of_value() -> None:
    x = np.zeros((2, 3), np.float32)
    assert str(value_type_of(x)) == "tensor(float)"
    assert value_type_of(x).shape == (2, 3)  # type: ignore[union-attr]
    assert value_type_of(np.zeros(1, object)) != value_type_of(np.zeros(2, object))
    sparse = SparseTensor(x[0], np.array([0, 1, 2]), (9,))
    expected = {
        "seq(tensor(float))": Sequence(FLOATS, []),
        "optional(seq(tensor(float)))": Optional(parse_type("seq(tensor(float))")),
        "sparse_tensor(float)": sparse,
        "map(int64,tensor(float))": {1: np.float32(2), np.int64(2): np.float32(3)},
        "map(string,tensor(double))": {"a": 1.0},
        "map(string,seq(tensor(float)))": {"a": Sequence(FLOATS, [x])},
        "map(int64,tensor(string))": {1: "cat", 2: "dog"},
        "tensor(bool)": True,
        "tensor(int64)": 3,
    }
    assert {str(value_type_of(value)): value for value in expected.values()} == expected


@pytest.mark.parametrize(
    "value", [None, [1.0], {}, {1: 1.0, "a": 1.0}, {1: 1.0, 2: "a"}, NotImplemented, {(1,): 1.0}], ids=lambda v: str(v)[:12]
)
def test_what_is_no_value_has_no_type(value: Any) -> None:
    with pytest.raises(UnsupportedType):
        value_type_of(value)


def test_the_bytes_of_each_kind_of_value() -> None:
    x = np.zeros((2, 3), np.float32)
    assert nbytes(x) == 24
    assert nbytes(np.array(["ab", ""], object)) == 8 + 2 + 8
    assert nbytes(Sequence(FLOATS, [x, x])) == 48
    assert nbytes(Optional(FLOATS, x)) == 24
    assert nbytes(Optional(FLOATS)) == nbytes(None) == 0
    assert nbytes(SparseTensor(x[0], np.array([0, 1, 2]), (9,))) == 12 + 24
    assert nbytes({"ab": 1.0, "c": np.float32(2)}) == 10 + 8 + 9 + 4
    with pytest.raises(UnsupportedType):
        nbytes(object())


def test_the_public_form_has_lists_none_and_dicts_at_every_depth() -> None:
    x = np.zeros(2)
    assert to_public(x) is x
    assert to_public(Sequence(FLOATS, [Optional(FLOATS), Optional(FLOATS, x)])) == [None, x]
    assert to_public(Optional(parse_type("seq(tensor(float))"), Sequence(FLOATS, []))) == []
    assert to_public({"a": Sequence(FLOATS, [])}) == {"a": []}


def test_a_sparse_tensor_becomes_dense_from_both_forms_of_indices() -> None:
    values = np.array([5, 7], np.int32)
    dense = [[0, 5, 0], [0, 0, 7]]
    assert SparseTensor(values, np.array([1, 5]), (2, 3)).to_dense().tolist() == dense
    assert SparseTensor(values, np.array([[0, 1], [1, 2]]), (2, 3)).to_dense().tolist() == dense
    text = SparseTensor(np.array(["x"], object), np.array([1]), (3,)).to_dense()
    assert text.tolist() == ["", "x", ""]
    empty = SparseTensor(values[:0], np.zeros((0, 2), np.int64), (0, 3)).to_dense()
    assert (empty.shape, empty.dtype) == ((0, 3), np.int32)
