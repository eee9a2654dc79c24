"""Constant, ConstantOfShape."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

from refexec import Limits, Session, run_op
from refexec.errors import InvalidModel, LimitExceeded, RuleViolation

VALUE = np.array([[1, 2], [3, 4]], np.float16)


@pytest.mark.parametrize("opset", [1, 9, 11, 12, 13, 19, 21, 23, 24, 25])
def test_value_is_a_tensor_at_every_version(opset: int) -> None:
    y = run_op("Constant", opset=opset, value=VALUE)
    assert y.dtype == np.float16 and y.tolist() == VALUE.tolist()


@pytest.mark.parametrize("opset", [12, 13, 25])
@pytest.mark.parametrize(
    ("attribute", "value", "dtype", "expected"),
    [
        ("value_float", 0.5, np.float32, 0.5),
        ("value_floats", [0.5, 2.0], np.float32, [0.5, 2.0]),
        ("value_int", 2**62, np.int64, 2**62),
        ("value_ints", [1, -2], np.int64, [1, -2]),
        ("value_string", "é", object, "é"),
        ("value_strings", ["a", ""], object, ["a", ""]),
    ],
)
def test_scalars_and_lists_have_the_type_that_the_attribute_names(
    opset: int, attribute: str, value: Any, dtype: Any, expected: Any
) -> None:
    y = run_op("Constant", opset=opset, **{attribute: value})
    assert y.dtype == dtype and y.tolist() == expected and y.shape == np.shape(value)


def sparse(opset: int) -> Session:
    helper = onnx.helper
    tensor = helper.make_sparse_tensor(
        helper.make_tensor("v", onnx.TensorProto.FLOAT, [2], [5.0, 7.0]),
        helper.make_tensor("i", onnx.TensorProto.INT64, [2], [1, 3]),
        [2, 2],
    )
    node = helper.make_node("Constant", [], ["y"], sparse_value=tensor)
    graph = helper.make_graph([node], "g", [], [onnx.ValueInfoProto(name="y")])
    return Session(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8))


@pytest.mark.parametrize("opset", [11, 12, 13])
def test_a_sparse_value_becomes_dense(opset: int) -> None:
    assert sparse(opset).run(None, {})[0].tolist() == [[0, 5], [0, 7]]


def test_exactly_one_attribute_is_set() -> None:
    wrong: list[dict[str, Any]] = [{}, {"value_int": 1, "value_float": 1.0}]
    for attributes in wrong:
        with pytest.raises(RuleViolation, match="exactly one"):
            run_op("Constant", **attributes)


def test_before_version_11_value_is_required() -> None:
    with pytest.raises(InvalidModel, match="requires attribute 'value'"):
        run_op("Constant", opset=9)


@pytest.mark.parametrize("opset", [9, 20, 21, 23, 24, 25])
def test_constant_of_shape_fills_with_zeros_or_the_value(opset: int) -> None:
    zeros = run_op("ConstantOfShape", np.array([2, 3]), opset=opset)
    assert zeros.dtype == np.float32 and zeros.tolist() == [[0, 0, 0], [0, 0, 0]]
    filled = run_op("ConstantOfShape", np.array([2]), opset=opset, value=np.array([7], np.uint8))
    assert filled.dtype == np.uint8 and filled.tolist() == [7, 7]


def test_constant_of_shape_makes_scalars_empty_tensors_and_narrow_types() -> None:
    assert run_op("ConstantOfShape", np.zeros(0, np.int64), value=np.array([3], np.int64)).shape == ()
    assert run_op("ConstantOfShape", np.array([0, 2])).shape == (0, 2)
    y = run_op("ConstantOfShape", np.array([2]), value=np.array([3], ml_dtypes.int4))
    assert y.dtype == ml_dtypes.int4 and y.tolist() == [3, 3]


def test_constant_of_shape_rules() -> None:
    with pytest.raises(RuleViolation, match="sizes are not negative"):
        run_op("ConstantOfShape", np.array([2, -1]))
    with pytest.raises(RuleViolation, match="one element"):
        run_op("ConstantOfShape", np.array([2]), value=np.array([1, 2]))
    with pytest.raises(LimitExceeded):
        run_op("ConstantOfShape", np.array([1 << 40]), limits=Limits(tensor_bytes=1 << 20))
