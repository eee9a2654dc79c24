"""Values and models as text."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from refexec.errors import InvalidModel
from refexec.session import Session
from refexec.teach.notation import model_of, opsets_of, read_value, same_value, write_value


@pytest.mark.parametrize(
    ("text", "array"),
    [
        ("float[2] {1, -0.5}", np.array([1, -0.5], np.float32)),
        ("double {nan}", np.array(np.nan)),
        ("float16[2] {inf, -inf}", np.array([np.inf, -np.inf], np.float16)),
        ("int64[0] {}", np.zeros(0, np.int64)),
        ("float[0,3] {}", np.zeros((0, 3), np.float32)),
        ("uint64[1] {18446744073709551615}", np.array([2**64 - 1], np.uint64)),
        ("bool[2] {true, false}", np.array([True, False])),
        ('string[2] {"a,b", "}"}', np.array(["a,b", "}"], object)),
        ("complex64[1] {1-2j}", np.array([1 - 2j], np.complex64)),
        ("int4[2] {-8, 7}", np.array([-8, 7]).astype(ml_dtypes.int4)),
        ("float8e5m2[2] {inf, -inf}", np.array([np.inf, -np.inf], ml_dtypes.float8_e5m2)),
        ("float8e4m3fn[1] {448}", np.array([448], np.float32).astype(ml_dtypes.float8_e4m3fn)),
    ],
)
def test_a_tensor_is_read_and_written(text: str, array: Any) -> None:
    kind, value = read_value(text)
    assert value.dtype == array.dtype
    assert value.shape == array.shape
    assert str(kind) == f"tensor({text.partition('[')[0].partition(' ')[0]})"
    assert same_value(array, value)
    assert same_value(read_value(write_value(value))[1], value)


def test_containers() -> None:
    assert [v.tolist() for v in read_value(["float[1] {1}", "float[2] {1, 2}"])[1]] == [[1], [1, 2]]
    assert str(read_value({"seq": "float", "items": []})[0]) == "seq(tensor(float))"
    assert read_value({"optional": "float"})[1] is None
    kind, value = read_value({"optional": "seq(tensor(float))", "value": ["float {1}"]})
    assert str(kind) == "optional(seq(tensor(float)))"
    assert value[0] == 1
    assert read_value({"map": "map(string,tensor(float))", "keys": ["a"], "values": [1.5]})[1] == {"a": 1.5}


@pytest.mark.parametrize("text", ["1, 2", "float[3] {1, 2}", [], {"set": 1}, {"map": "tensor(float)", "keys": [], "values": []}])
def test_what_is_no_value_is_refused(text: Any) -> None:
    with pytest.raises(InvalidModel):
        read_value(text)


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        (np.array([1], np.float32), np.array([1 + 1e-6], np.float32), True),
        (np.array([1], np.float32), np.array([1 + 1e-4], np.float32), False),
        (np.array([1], np.float32), np.array([1.0]), False),
        (np.array([1], np.float32), np.array([[1]], np.float32), False),
        (np.array([1]), np.array([2]), False),
        (np.array([np.nan], np.float32), np.array([np.nan], np.float32), True),
        ([np.array([1])], [np.array([1]), np.array([1])], False),
        (None, None, True),
        (None, np.array(1), False),
        ({"a": 1.0}, {"a": np.float32(1)}, True),
        ({"a": 1.0}, {"b": np.float32(1)}, False),
    ],
)
def test_sameness(expected: Any, found: Any, same: bool) -> None:
    assert same_value(expected, found) is same


def test_nodes_become_a_model_with_the_types_of_their_inputs() -> None:
    kind, value = read_value("float[2] {-1, 1}")
    model = model_of("a = Relu (x) y = Neg (a)", opsets_of("", 14), {"x": kind}, ["y"])
    assert Session(model).run(None, {"x": value})[0].tolist() == [0, -1]


def test_nodes_that_are_no_onnx_text_are_refused() -> None:
    with pytest.raises(InvalidModel, match="not ONNX text"):
        model_of("y = Relu x", opsets_of("", 14), {}, ["y"])
