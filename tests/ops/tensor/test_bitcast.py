"""BitCast."""

from __future__ import annotations

import struct
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec import run_op
from refexec.errors import RefexecError, RuleViolation
from refexec.types import element_type


def bits(x: Any, to: str) -> Any:
    y = run_op("BitCast", x, to=element_type(to).number)
    assert y.dtype == element_type(to).dtype and y.shape == x.shape
    return y


@pytest.mark.parametrize(
    ("x", "to", "expected"),
    [
        (np.array([1, -0.0, np.inf], np.float32), "uint32", [0x3F800000, 0x80000000, 0x7F800000]),
        (np.array([0x7FC00001 - 2**31, 0x3F800000], np.int32), "float32", [struct.unpack("<f", struct.pack("<I", 0xFFC00001))[0], 1.0]),
        (np.array([1.0]), "int64", [0x3FF0000000000000]),
        (np.array([0x3C00], np.int16), "float16", [1.0]),
        (np.array([1.0], np.float16), "bfloat16", [0.0078125]),
        (np.array([-1, 127], np.int8), "uint8", [255, 127]),
        (np.array([0x38, 0x7F], np.uint8), "float8e4m3fn", [1.0, np.nan]),
        (np.array([127, 0], np.uint8), "float8e8m0", [1.0, 2.0**-127]),
        (np.array([True, False]), "int8", [1, 0]),
        (np.array([1, 0], np.uint8), "bool", [True, False]),
        (np.array([-1, 7, -8], ml_dtypes.int4), "uint4", [15, 7, 8]),
        (np.array([15, 7, 8], ml_dtypes.uint4), "int4", [-1, 7, -8]),
        (np.array([7, 15, 2], ml_dtypes.uint4), "float4e2m1", [6.0, -6.0, 1.0]),
        (np.array([6.0, -6.0], ml_dtypes.float4_e2m1fn), "int4", [7, -1]),
        (np.array([-1, 1], ml_dtypes.int2), "uint2", [3, 1]),
        (np.array([3, 2], ml_dtypes.uint2), "int2", [-1, -2]),
    ],
)
def test_the_bits_of_each_element_are_read_as_another_type(x: Any, to: str, expected: list[float]) -> None:
    assert np.array_equal([float(v) for v in bits(x, to)], [float(v) for v in expected], equal_nan=True)


def test_the_payload_of_a_nan_survives() -> None:
    x = np.array([0x7FC12345], np.uint32)
    assert bits(bits(x, "float32"), "uint32").tolist() == [0x7FC12345]


def test_a_complex_number_has_its_real_part_in_the_low_bits() -> None:
    assert bits(np.array([1 + 2j], np.complex64), "uint64").tolist() == [0x40000000_3F800000]
    assert bits(np.array([0x40000000_3F800000], np.uint64), "complex64").tolist() == [1 + 2j]


def test_any_shape_and_layout() -> None:
    x = np.arange(6, dtype=np.int32).reshape(2, 3).T
    assert bits(x, "uint32").tolist() == x.tolist()
    assert bits(np.array(1.0, np.float32), "int32").tolist() == 0x3F800000
    assert bits(np.zeros((0, 2), np.float32), "int32").shape == (0, 2)


def test_the_same_bits_are_seen_in_the_wide_profile() -> None:
    assert run_op("BitCast", np.array([1.0], np.float32), to=6, profile="wide").tolist() == [0x3F800000]


def test_the_types_have_one_width() -> None:
    with pytest.raises(RuleViolation, match="the types have the same bit-width"):
        bits(np.array([1.0], np.float32), "int64")


def test_a_bool_has_no_other_bits_than_0_and_1() -> None:
    with pytest.raises(RuleViolation, match="the bits of a bool are 0 or 1"):
        bits(np.array([1, 2], np.uint8), "bool")


def test_strings_have_no_bits() -> None:
    with pytest.raises(RefexecError):
        run_op("BitCast", np.array(["a"]), to=2)
