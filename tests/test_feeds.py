"""One stated rule for each kind of feed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

from refexec.errors import FeedError
from refexec.feeds import prepare_one
from refexec.plan import ValueInfo
from refexec.types import FLOAT32, INT64, MapType, OptionalType, SequenceType, SparseTensorType, TensorType, element_type
from refexec.values import SparseTensor
from tests.models import session


def fed(value: Any, name: str = "float32", shape: Any = None) -> Any:
    return prepare_one(ValueInfo("x", TensorType(element_type(name), shape)), value, False)


def test_an_array_of_any_layout_or_byte_order_is_taken_and_never_written() -> None:
    for array in (
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
        np.arange(6, dtype=">f4")[::-2],
        np.asfortranarray(np.ones((2, 2), np.float32)),
    ):
        before = array.copy()
        value = fed(array)
        assert value.tolist() == array.tolist()
        assert value.dtype == np.float32
        assert value.dtype.isnative
        assert not value.flags.writeable
        assert array.tolist() == before.tolist()
        assert array.flags.writeable


@pytest.mark.parametrize(
    "array", [np.zeros(2), np.zeros(2, np.float16), np.zeros(2, np.int64), np.zeros(2, bool), np.zeros(2, ml_dtypes.bfloat16)]
)
def test_an_array_of_another_element_type_is_refused(array: np.ndarray) -> None:
    with pytest.raises(FeedError, match="another element type"):
        fed(array)


def test_python_numbers_become_the_declared_type_when_they_fit() -> None:
    assert fed([1, 2.5]).tolist() == [1, 2.5]
    assert fed(0.1).dtype == np.float32
    assert fed([[1, 2], [3, 4]], "int8").dtype == np.int8
    assert fed(True, "bool").item() is True
    assert fed([], "int64").shape == (0,)
    assert fed(3, "bfloat16").dtype == ml_dtypes.bfloat16
    assert fed(1 + 2j, "complex64").dtype == np.complex64


@pytest.mark.parametrize(
    ("value", "name", "match"),
    [
        (1.5, "int64", "cannot be int64"),
        (300, "uint8", "out of the range"),
        (-1, "uint8", "out of the range"),
        (1, "bool", "cannot be bool"),
        ("1", "float32", "cannot be float32"),
        ([None, 1.0], "float32", "cannot be float32"),
        ([None, 1], "int64", "cannot be int64"),
        ([Fraction(1, 2), 1], "int64", "cannot be int64"),
        (["a", 1], "float32", "cannot be float32"),
        ([{}, 2**70], "int64", "cannot be int64"),
        (10**400, "float32", "out of the range of float64"),
        ([[1], [2, 3]], "float32", "different lengths"),
        (object(), "float32", "feed an array"),
        (None, "float32", "feed an array"),
        (np.ma.masked_array([1.0], [True]), "float32", "masked"),
    ],
)
def test_what_does_not_fit_is_refused(value: Any, name: str, match: str) -> None:
    with pytest.raises(FeedError, match=match):
        fed(value, name)


def test_strings_come_as_str_text_arrays_and_object_arrays() -> None:
    for value in ("é", ["a", "b"], np.array(["a", "bcd"]), np.array(["a"], object)):
        array = fed(value, "string")
        assert array.dtype == object
        assert all(type(v) is str for v in array.flat)
    for bad in (np.array([1, 2]), np.array(["a", 1], object), [b"a"]):
        with pytest.raises(FeedError, match="string tensor"):
            fed(bad, "string")


def test_a_tensor_proto_is_its_tensor() -> None:
    assert fed(onnx.numpy_helper.from_array(np.array([1, 2], np.float32))).tolist() == [1, 2]


def test_rank_size_and_symbols_are_checked() -> None:
    with pytest.raises(FeedError, match="another rank"):
        fed(np.zeros((1, 2), np.float32), shape=(2,))
    with pytest.raises(FeedError, match="axis 0"):
        fed(np.zeros(3, np.float32), shape=(2,))
    s = session("(float[N] x, float[N] z) => (float[N] y) { y = Add(x, z) }")
    with pytest.raises(FeedError, match="'N' cannot be 2 and 1"):
        s.run(None, {"x": np.zeros(2, np.float32), "z": np.zeros(1, np.float32)})


def test_sequences_optionals_maps_and_sparse_tensors() -> None:
    tensor = TensorType(FLOAT32)
    sequence = prepare_one(ValueInfo("s", SequenceType(tensor)), [[1.0], np.zeros(2, np.float32)], False)
    assert [v.tolist() for v in sequence] == [[1], [0, 0]]
    assert prepare_one(ValueInfo("o", OptionalType(tensor)), None, False).value is None
    assert prepare_one(ValueInfo("o", OptionalType(tensor)), 1.0, False).value.tolist() == 1
    found = prepare_one(ValueInfo("m", MapType(INT64, tensor)), {1: 2.0}, False)
    assert {k: v.tolist() for k, v in found.items()} == {1: 2}
    sparse = SparseTensor(np.ones(1, np.float32), np.array([3]), (5,))
    assert prepare_one(ValueInfo("p", SparseTensorType(FLOAT32)), sparse, False) is sparse
    for value_type, bad, match in (
        (SequenceType(tensor), np.zeros(2, np.float32), "feed a list"),
        (MapType(INT64, tensor), [1], "feed a dict"),
        (SparseTensorType(FLOAT32), np.zeros(2), "SparseTensor"),
    ):
        with pytest.raises(FeedError, match=match):
            prepare_one(ValueInfo("x", value_type), bad, False)


def test_the_wide_profile_widens_feeds_without_rounding() -> None:
    value = prepare_one(ValueInfo("x", TensorType(FLOAT32)), np.array([0.1], np.float32), True)
    assert value.dtype == np.float64
    assert value[0] == float(np.float32(0.1))
